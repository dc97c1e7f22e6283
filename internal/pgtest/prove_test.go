package pgtest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// observations is what the plan says that its steps did, a line each.
func observations(p *schema.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		var parts []string
		if !s.Observed {
			parts = append(parts, "not observed")
		}
		for _, l := range s.Locks {
			_, name, _ := strings.Cut(l.Relation, ":")
			parts = append(parts, strings.ToLower(l.Lock)+" "+strings.TrimPrefix(name, "public."))
		}
		if s.Rewrite {
			parts = append(parts, "rewrite")
		}
		if s.Scan {
			parts = append(parts, "scan")
		}
		for _, id := range s.Builds {
			parts = append(parts, "builds "+id)
		}
		if s.Lost > 0 {
			parts = append(parts, fmt.Sprintf("lost %d", s.Lost))
		}
		b.WriteString(strings.Join(parts, ", ") + "\n")
	}
	return b.String()
}

// Each kind of observation, as the server shows it and not as it is declared.
func TestProveObserves(t *testing.T) {
	const p = "CREATE TABLE p (id integer PRIMARY KEY);\n"
	const parts = "CREATE TABLE t (a int NOT NULL, b int) PARTITION BY RANGE (a); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (100) TO (200); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (200) TO (300);\n"
	for _, c := range []struct{ name, from, to, want string }{
		{"column with a default", "CREATE TABLE t (a int)", "CREATE TABLE t (a int, b int DEFAULT 1)", "access exclusive t\n"},
		{"column with a volatile default", "CREATE TABLE t (a int)", "CREATE TABLE t (a int, b float DEFAULT random())", "access exclusive t, rewrite\n"},
		{"wider type", "CREATE TABLE t (a int)", "CREATE TABLE t (a bigint)", "access exclusive t, rewrite\n"},
		{"longer varchar", "CREATE TABLE t (a varchar(5))", "CREATE TABLE t (a varchar(9))", "access exclusive t\n"},
		{"dropped column", "CREATE TABLE t (a int, b text)", "CREATE TABLE t (a int)", "access exclusive t, lost 3\n"},
		{"dropped table", "CREATE TABLE t (a int, b text)", "", "access exclusive t, lost 3\n"},
		{"statistics", "CREATE TABLE t (a int)", "CREATE TABLE t (a int); ALTER TABLE t ALTER a SET STATISTICS 7", "share update exclusive t\n"},
		{"not null", "CREATE TABLE t (a int)", "CREATE TABLE t (a int NOT NULL)", "access exclusive t, scan\n"},
		{"index", "CREATE TABLE t (a int)", "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "share t, scan, builds index:public.i\n"},
		{"primary key", "CREATE TABLE t (a int NOT NULL)", "CREATE TABLE t (a int PRIMARY KEY)", "access exclusive t, scan, builds constraint:public.t.t_pkey\n"},
		{"foreign key", p + "CREATE TABLE t (a int)", p + "CREATE TABLE t (a int, CONSTRAINT f FOREIGN KEY (a) REFERENCES p)", "share row exclusive p, share row exclusive t, scan\n"},
		{"check", "CREATE TABLE t (a int)", "CREATE TABLE t (a int, CONSTRAINT c CHECK (a < 9))", "access exclusive t, scan\n"},
		{"check not valid", "CREATE TABLE t (a int)", "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a < 9) NOT VALID", "access exclusive t\n"},
		{"validate", "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a < 9) NOT VALID", "CREATE TABLE t (a int, CONSTRAINT c CHECK (a < 9))", "share update exclusive t, scan\n"},
		{"two steps in one transaction", "CREATE TABLE t (a int, b int)", "CREATE TABLE t (a int, c int)", "access exclusive t, lost 3\naccess exclusive t\n"},
		{"partitions", parts, strings.ReplaceAll(parts, "b int", "b bigint"), "access exclusive t, access exclusive t1, access exclusive t2, rewrite\n"},
		{"index of a type that changes", "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "CREATE TABLE t (a bigint); CREATE INDEX i ON t (a)", "access exclusive t, rewrite, builds index:public.i\n"},
		{"view", "CREATE TABLE t (a int)", "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t", "access share t\n"},
	} {
		for _, major := range pgtest.Versions() {
			t.Run(c.name+"/"+strconv.Itoa(major), func(t *testing.T) {
				desired := cairn.Empty
				if c.to != "" {
					desired = writeFile(t, c.to)
				}
				plan, err := pgtest.NewEngine(t).Plan(t.Context(), cairn.PlanRequest{
					Target: cairn.Connection{Database: clusters.Load(t, major, c.from)}, Desired: desired,
					Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}, Offline: true})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, observations(plan)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if plan.Proof == nil || plan.Proof.Reach != "closure" || plan.Proof.Seeded < 3 || len(plan.Proof.Empty) > 0 || len(plan.Proof.Omitted) > 0 {
					t.Errorf("the proof is %+v", plan.Proof)
				}
			})
		}
	}
}
