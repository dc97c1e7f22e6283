package pgtest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// Rows that would make a step fail are counted before the first statement.
func TestViolations(t *testing.T) {
	const from = `CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE "T t" (id integer, "A)a" integer, b text);
INSERT INTO p VALUES (1);
INSERT INTO "T t" SELECT n, nullif(n % 3, 0), CASE WHEN n > 1 THEN 'x' END FROM generate_series(1, 6) n;`
	const p, columns = "CREATE TABLE p (id integer PRIMARY KEY);\n", `id integer, "A)a" integer, b text`
	for _, c := range []struct{ name, to, want string }{
		{"new column", p + `CREATE TABLE "T t" (` + columns + `, c integer NOT NULL)`, `step 1 would fail on 6 rows with no value for public."T t".c`},
		{"new column with a default", p + `CREATE TABLE "T t" (` + columns + `, c integer NOT NULL DEFAULT 5)`, ""},
		{"not null", p + `CREATE TABLE "T t" (id integer, "A)a" integer, b text NOT NULL)`, `step 2 would fail on 1 row without a value in public."T t".b`},
		{"check", p + `CREATE TABLE "T t" (` + columns + `, CONSTRAINT c CHECK ("A)a" <> 2))`, `step 2 would fail on 2 rows against constraint c ON public."T t"`},
		{"not valid", p + `CREATE TABLE "T t" (` + columns + `); ALTER TABLE "T t" ADD CHECK ("A)a" <> 2) NOT VALID`, ""},
		{"unique", p + `CREATE TABLE "T t" (` + columns + `, CONSTRAINT u UNIQUE ("A)a", b))`, `step 1 would fail on 1 row with the values of another in u ON public."T t"`},
		{"foreign key", p + `CREATE TABLE "T t" (` + columns + `, CONSTRAINT f FOREIGN KEY ("A)a") REFERENCES p)`, `step 2 would fail on 2 rows against constraint f ON public."T t"`},
	} {
		for _, major := range pgtest.Versions() {
			t.Run(c.name+"/"+strconv.Itoa(major), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "to.sql")
				if err := os.WriteFile(file, []byte(c.to), 0o644); err != nil {
					t.Fatal(err)
				}
				target := clusters.Load(t, major, from)
				engine := pgtest.NewEngine(t)
				request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: file, Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}}
				plan, err := engine.Plan(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				said := ""
				for _, f := range plan.Findings {
					if f.Code == "violation" {
						said += f.Message
					}
				}
				if diff := cmp.Diff(c.want, said); diff != "" {
					t.Errorf("the plan says (-want +got):\n%s", diff)
				}
				before := clusters.Dump(t, target)
				_, err = engine.Apply(t.Context(), cairn.ApplyRequest{Target: request.Target, Plan: plan})
				var violation *cairn.ViolationError
				if errors.As(err, &violation) != (c.want != "") || err != nil && violation == nil {
					t.Errorf("apply says %v", err)
				}
				if err != nil && before != clusters.Dump(t, target) {
					t.Error("apply changed the schema")
				}
			})
		}
	}
}

// A count that fails is named, and does not keep apply from trying.
func TestViolationsUnknown(t *testing.T) {
	major := pgtest.Versions()[0]
	target := clusters.Load(t, major, "CREATE TABLE t (a integer); INSERT INTO t VALUES (0)")
	engine := pgtest.NewEngine(t)
	request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)},
		Desired: writeFile(t, "CREATE TABLE t (a integer, CONSTRAINT c CHECK (1 / a < 5))")}
	plan, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	const want = "step 2 was not checked for rows against constraint c ON public.t: ERROR: division by zero"
	if len(plan.Findings) != 1 || !strings.HasPrefix(plan.Findings[0].Message, want) {
		t.Errorf("the plan says %v", plan.Findings)
	}
	var failed *cairn.StepError
	if _, err := engine.Apply(t.Context(), cairn.ApplyRequest{Target: request.Target, Plan: plan}); !errors.As(err, &failed) {
		t.Errorf("apply says %v", err)
	}
}
