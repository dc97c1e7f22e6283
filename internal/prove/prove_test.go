package prove_test

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/prove"
	"github.com/cairn-db/cairn/schema"
)

var clusters pgtest.Clusters

func TestMain(m *testing.M) { os.Exit(clusters.Main(m)) }

var kinds = object.All()

func read(t *testing.T, conn *pgx.Conn, major int) *schema.State {
	t.Helper()
	state, err := catalog.Read(t.Context(), conn, kinds, catalog.Options{Server: major})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// try runs steps of its own on a database with the schema, and records what was
// observed.
func try(t *testing.T, major int, sql string, steps ...schema.Step) *schema.Plan {
	t.Helper()
	conn := pgtest.Connect(t, clusters.Load(t, major, sql))
	before := read(t, conn, major)
	for i := range steps {
		steps[i].Relation, steps[i].Object = "table:public.t", "table:public.t"
		steps[i].Segment = i + 1
	}
	p := &schema.Plan{Server: major, Steps: steps}
	result, err := prove.Run(t.Context(), prove.Trial{Conn: conn, Kinds: kinds, Plan: p, Old: before, Seed: true})
	if err != nil {
		t.Fatal(err)
	}
	prove.Record(kinds, p, result, read(t, conn, major), before)
	for _, omitted := range result.Omitted {
		t.Error(omitted)
	}
	return p
}

// Statements outside a transaction are observed while others stand in their way.
func TestRunObservesOutsideTransactions(t *testing.T) {
	const partitioned = "CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1)"
	share := []schema.RelationLock{{Relation: "table:public.t", Lock: "SHARE UPDATE EXCLUSIVE"}}
	for _, c := range []struct {
		name, from, sql string
		also            []schema.RelationLock // declared
		locks           []schema.RelationLock
		scan            bool
		builds          []string
	}{
		{"create index", "CREATE TABLE t (a int)", "CREATE INDEX CONCURRENTLY i ON public.t (a)", nil, share, true, []string{"index:public.i"}},
		{"create unique index", "CREATE TABLE t (a int)", "CREATE UNIQUE INDEX CONCURRENTLY i ON public.t (a)", nil, share, true, []string{"index:public.i"}},
		{"drop index", "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "DROP INDEX CONCURRENTLY public.i", nil, share, false, nil},
		{"reindex", "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "REINDEX INDEX CONCURRENTLY public.i", nil, share, true, []string{"index:public.i"}},
		{"detach", partitioned, "ALTER TABLE public.t DETACH PARTITION public.t1 CONCURRENTLY", []schema.RelationLock{{Relation: "table:public.t1", Lock: "ACCESS EXCLUSIVE"}},
			append([]schema.RelationLock{{Relation: "table:public.t1", Lock: "ACCESS EXCLUSIVE"}}, share...), false, nil},
	} {
		for _, major := range pgtest.Versions() {
			t.Run(c.name+"/"+strconv.Itoa(major), func(t *testing.T) {
				p := try(t, major, c.from, schema.Step{SQL: c.sql, NoTx: true, Locks: c.also})
				s := p.Steps[0]
				if diff := cmp.Diff(c.locks, s.Locks); diff != "" {
					t.Errorf("locks (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.builds, s.Builds); diff != "" {
					t.Errorf("builds (-want +got):\n%s", diff)
				}
				if s.Lock != "SHARE UPDATE EXCLUSIVE" || s.Scan != c.scan || s.Rewrite || !s.Observed {
					t.Errorf("lock %q, scan %t, rewrite %t, observed %t", s.Lock, s.Scan, s.Rewrite, s.Observed)
				}
			})
		}
	}
}

// What is in a state and not desired, and the other way around, is named with
// the step at fault.
func TestCompareNamesTheStepAtFault(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			conn := pgtest.Connect(t, clusters.Load(t, major, "CREATE TABLE t (a int); CREATE TABLE u (a int)"))
			desired := read(t, pgtest.Connect(t, clusters.Load(t, major, "CREATE TABLE t (a int, b int); CREATE TABLE u (a bigint)")), major)
			old := read(t, conn, major)
			p, err := plan.Make(kinds, diff.Between(old, desired), plan.Online)
			if err != nil {
				t.Fatal(err)
			}
			p.Steps[0].SQL = "ALTER TABLE public.t ADD COLUMN b bigint, ADD COLUMN c int"
			result, err := prove.Run(t.Context(), prove.Trial{Conn: conn, Kinds: kinds, Plan: p, Old: old, Seed: true})
			if err != nil {
				t.Fatal(err)
			}
			var diverged *prove.DivergedError
			if err := prove.Compare(kinds, p, result, prove.EndOf(old, old, read(t, conn, major)), desired, nil); !errors.As(err, &diverged) {
				t.Fatal(err)
			}
			want := &prove.DivergedError{Step: 1, SQL: p.Steps[0].SQL,
				Deltas: []string{`column public.t.b: type is "bigint", not "integer"`, "column public.t.c is there and should not be"}}
			if diff := cmp.Diff(want, diverged); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
