package pgtest_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// planOn plans from one text to another on a target of its own.
func planOn(t *testing.T, major int, from, to string, change func(*cairn.PlanRequest)) (*cairn.Engine, cairn.PlanRequest, *schema.Plan) {
	t.Helper()
	engine := pgtest.NewEngine(t)
	request := cairn.PlanRequest{Target: cairn.Connection{Database: clusters.Load(t, major, from)}, Desired: writeFile(t, to),
		Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}}
	if change != nil {
		change(&request)
	}
	plan, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return engine, request, plan
}

// Tables get rows that fulfil what is demanded of them.
func TestProveSeeds(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		least     int64
	}{
		{"checks", `CREATE TABLE t (a int CHECK (a > 41 AND a < 45), b text CHECK (b IN ('new', 'old')), c text CHECK (length(c) = 7), d text CHECK (d LIKE '%@%'), e date CHECK (e > '2030-01-01'),
	f numeric(2,2) CHECK (f > 0), g int, h int, CHECK (g < h AND h < 20), i boolean CHECK (i), j text CHECK (j ~ '^[A-Z]{2}$') NOT NULL)`, 1},
		{"domains", `CREATE DOMAIN d AS int CHECK (VALUE BETWEEN 70 AND 80) NOT NULL; CREATE DOMAIN e AS text CHECK (VALUE ~ '^[a-z]+$'); CREATE TABLE t (a d, b e, c e[])`, 3},
		{"enums and composites", `CREATE TYPE m AS ENUM ('x', 'y'); CREATE TYPE c AS (a int, b m); CREATE TABLE t (a m, b c NOT NULL, c c[], d int4range, e nummultirange)`, 3},
		{"keys", `CREATE TABLE a (x int, y text, PRIMARY KEY (x, y)); CREATE TABLE b (i int PRIMARY KEY, x int NOT NULL, y text NOT NULL, FOREIGN KEY (x, y) REFERENCES a, up int REFERENCES b);
	CREATE TABLE t (i int REFERENCES b, UNIQUE (i), r int4range, EXCLUDE USING gist (r WITH &&))`, 3},
		{"itself", `CREATE TABLE t (i int PRIMARY KEY, boss int NOT NULL REFERENCES t)`, 3},
		{"generated", `CREATE TABLE t (i int GENERATED ALWAYS AS IDENTITY, j int GENERATED ALWAYS AS (i + 1) STORED, k serial)`, 3},
		{"trigger", `CREATE TABLE t (i int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'; CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f();
	CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING`, 3},
		{"range partitions", `CREATE TABLE t (d date NOT NULL) PARTITION BY RANGE (d); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2031-01-01') TO ('2032-01-01');
	CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (MINVALUE) TO ('1950-01-01'); CREATE TABLE t3 PARTITION OF t DEFAULT`, 5},
		{"list and hash partitions", `CREATE TABLE t (a text, b int) PARTITION BY LIST (a); CREATE TABLE t1 PARTITION OF t FOR VALUES IN ('here', 'there') PARTITION BY HASH (b);
	CREATE TABLE t2 PARTITION OF t1 FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t3 PARTITION OF t1 FOR VALUES WITH (MODULUS 2, REMAINDER 1); CREATE TABLE t4 PARTITION OF t FOR VALUES IN (NULL)`, 3},
		{"row security", `CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY`, 3},
	} {
		for _, major := range pgtest.Versions() {
			t.Run(c.name+"/"+strconv.Itoa(major), func(t *testing.T) {
				_, _, plan := planOn(t, major, c.sql, c.sql+"; ALTER TABLE t ADD COLUMN added int", nil)
				if plan.Proof == nil || len(plan.Proof.Empty) > 0 || len(plan.Proof.Omitted) > 0 || plan.Proof.Seeded < c.least {
					t.Errorf("the proof is %+v", plan.Proof)
				}
			})
		}
	}
}

// Every built-in type that a column can have gets values.
func TestProveSeedsEveryType(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			target := clusters.Database(t, major)
			var columns []string
			// What has no input of its own, and what rows can only copy, is left out.
			rows, err := pgtest.Connect(t, target).Query(t.Context(), `SELECT format('%I pg_catalog.%1$I NOT NULL', typname) FROM pg_type
WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typname !~ '^pg_(node_tree|ndistinct|dependencies|mcv_list|brin)|^_pg_(node|ndis|dep|mcv|brin)|gtsvector$'
	AND typrelid = 0 AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = pg_type.typelem AND (e.typrelid <> 0 OR e.typtype = 'p') AND pg_type.typcategory = 'A')`)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var column string
				if err := rows.Scan(&column); err != nil {
					t.Fatal(err)
				}
				columns = append(columns, column)
			}
			if rows.Err() != nil || len(columns) < 100 {
				t.Fatalf("%d types, %v", len(columns), rows.Err())
			}
			for _, column := range columns { // one table each, so that a failure names the type
				name, _, _ := strings.Cut(column, " ")
				pgtest.Exec(t, target, "CREATE TABLE public.\"of "+strings.Trim(name, `"`)+"\" ("+column+")")
			}
			engine := pgtest.NewEngine(t)
			plan, err := engine.Plan(t.Context(), cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: cairn.Empty, Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}})
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Proof.Empty) > 0 || int(plan.Proof.Seeded) < len(columns) {
				t.Errorf("%d rows in %d tables; empty: %s", plan.Proof.Seeded, len(columns), plan.Proof.Empty)
			}
		})
	}
}

// Rows that were made and do not fit a step are no reason to fail.
func TestProveDiscardsRows(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			_, _, plan := planOn(t, major, "CREATE TABLE t (a text)", "CREATE TABLE t (a text, CONSTRAINT c CHECK (a = 'never made'))", nil)
			if len(plan.Proof.Omitted) != 1 || !strings.Contains(plan.Proof.Omitted[0], "without rows in public.t") || !plan.Steps[0].Observed {
				t.Errorf("the proof is %+v", plan.Proof)
			}
		})
	}
}

// A plan whose steps are wrong is refused, and the step at fault is named.
func TestProveFindsDefects(t *testing.T) {
	for _, major := range pgtest.Versions() {
		engine, request, plan := planOn(t, major, "CREATE TABLE s (a int); CREATE TABLE t (a int)", "CREATE TABLE s (a int, b int); CREATE TABLE t (a int, c int)", nil)
		for _, c := range []struct {
			name, sql string
			want      []string
		}{
			{"another type", "ALTER TABLE public.t ADD COLUMN c bigint", []string{"not in the desired state", "its fingerprint differs"}},
			{"nothing", "SELECT 1", []string{"left: column public.t.c is missing", "at fault: step 2, SELECT 1"}},
			{"something else", "DROP TABLE public.t", []string{"table public.t changes, and the plan does not list it", "left: column public.t.a changes", "at fault: step 2"}},
			{"refused", "ALTER TABLE public.t ADD COLUMN a int", []string{"step 2 was refused", "42701", "ADD COLUMN a int"}},
		} {
			t.Run(c.name+"/"+strconv.Itoa(major), func(t *testing.T) {
				wrong := *plan
				wrong.Steps = slices.Clone(plan.Steps)
				wrong.Steps[1].SQL = c.sql
				_, err := engine.Prove(t.Context(), cairn.ProveRequest{Target: request.Target, Plan: &wrong, Scratch: request.Scratch})
				if err == nil {
					t.Fatal("the plan was proven")
				}
				for _, want := range c.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q is not in: %v", want, err)
					}
				}
			})
		}
	}
}

// A saved plan is tried again, and its target has to be as it was.
func TestProveSaved(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			engine, request, plan := planOn(t, major, "CREATE TABLE t (a int, b int)", "CREATE TABLE t (a bigint)", func(r *cairn.PlanRequest) { r.Prove = cairn.NoProof })
			if plan.Proof != nil || plan.Steps[0].Observed {
				t.Error("the plan was proven")
			}
			prove := cairn.ProveRequest{Target: request.Target, Plan: plan, Scratch: request.Scratch}
			result, err := engine.Prove(t.Context(), prove)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("access exclusive t, lost 3\naccess exclusive t, rewrite\n", observations(result.Plan)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if result.Plan.Proof.Reach != "full" || len(result.Elapsed) != 2 {
				t.Errorf("the result is %+v", result)
			}
			pgtest.Exec(t, request.Target.Database, "ALTER TABLE t ADD COLUMN z int")
			var stale *cairn.StaleError
			if _, err := engine.Prove(t.Context(), prove); !errors.As(err, &stale) {
				t.Errorf("on a changed target: %v", err)
			}
		})
	}
}

// Dumps of each format are restored, and their rows tried.
func TestProveWithData(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "pg_restore"), []byte("#!/bin/sh\nexec "+strings.Join(pgtest.Program(t, "pg_restore"), " ")+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, major := range pgtest.Versions() {
		const from = "CREATE TABLE t (a int, b varchar(5) CHECK (b IN ('x', 'y'))); INSERT INTO t SELECT n, 'x' FROM generate_series(1, 1000) n"
		engine, request, plan := planOn(t, major, from, "CREATE TABLE t (a bigint, b varchar(5) CHECK (b IN ('x', 'y')))", nil)
		prove := cairn.ProveRequest{Target: request.Target, Plan: plan, Scratch: request.Scratch}
		for _, format := range []string{"custom", "directory", "plain"} {
			t.Run(format+"/"+strconv.Itoa(major), func(t *testing.T) {
				prove.WithData = filepath.Join(t.TempDir(), "dump")
				pgtest.Run(t, "pg_dump", "--format="+format, "--file="+prove.WithData, request.Target.Database)
				result, err := engine.Prove(t.Context(), prove)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff("access exclusive t, rewrite\n", observations(result.Plan)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
		t.Run("unvalidated/"+strconv.Itoa(major), func(t *testing.T) {
			engine, request, plan := planOn(t, major, from, from[:strings.Index(from, ";")]+"; ALTER TABLE t ADD CONSTRAINT c CHECK (a > 5) NOT VALID", nil)
			dump := filepath.Join(t.TempDir(), "dump")
			pgtest.Run(t, "pg_dump", "--format=plain", "--file="+dump, request.Target.Database)
			result, err := engine.Prove(t.Context(), cairn.ProveRequest{Target: request.Target, Plan: plan, Scratch: request.Scratch, WithData: dump})
			if err != nil || !slices.Equal(result.Unvalidated, []string{"constraint c on public.t"}) {
				t.Errorf("%v, %+v", err, result)
			}
		})
	}
}

// What no dependency says is found on the whole schema.
func TestProveTakesTheWhole(t *testing.T) {
	const from = `CREATE TABLE hidden (x int); CREATE TABLE t (a int);
CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + (SELECT count(*) FROM public.hidden); END';`
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			_, _, plan := planOn(t, major, from, from+"CREATE INDEX i ON t (f(a))", nil)
			if plan.Proof.Reach != "full" || len(plan.Proof.Omitted) > 0 || !plan.Steps[0].Observed {
				t.Errorf("the proof is %+v", plan.Proof)
			}
		})
	}
}

// A scratch database beside the target does, and is gone afterwards.
func TestProveBeside(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			_, request, plan := planOn(t, major, "CREATE TABLE t (a int)", "CREATE TABLE t (a bigint)", func(r *cairn.PlanRequest) { r.Scratch.Shadow = "target" })
			if diff := cmp.Diff("access exclusive t, rewrite\n", observations(plan)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var left int
			if err := pgtest.Connect(t, request.Target.Database).QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'cairn_shadow%'").Scan(&left); err != nil || left > 0 {
				t.Errorf("%d scratch databases are left, %v", left, err)
			}
		})
	}
}

// Whether a timestamp that gets a time zone is written anew depends on the zone
// of the target.
func TestProveInTheZoneOfTheTarget(t *testing.T) {
	for _, major := range pgtest.Versions() {
		for zone, want := range map[string]bool{"UTC": false, "Europe/Vienna": true} {
			t.Run(zone+"/"+strconv.Itoa(major), func(t *testing.T) {
				target := clusters.Load(t, major, "CREATE TABLE t (at timestamp)")
				pgtest.Exec(t, target, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), '"+zone+"'); END $$")
				plan, err := pgtest.NewEngine(t).Plan(t.Context(), cairn.PlanRequest{Target: cairn.Connection{Database: target},
					Desired: writeFile(t, "CREATE TABLE t (at timestamptz)")})
				if err != nil {
					t.Fatal(err)
				}
				if s := plan.Steps[0]; !s.Observed || s.Rewrite != want {
					t.Errorf("rewrites %v, want %v: %s", s.Rewrite, want, s.SQL)
				}
			})
		}
	}
}

// Steps run without a search_path, on the shadow as on the target: a function that
// an index calls and that counts on one is told of before anything is changed.
func TestProofWithoutSearchPath(t *testing.T) {
	const (
		from = "CREATE TABLE names (a text); CREATE TABLE t (a text); INSERT INTO t VALUES ('x');" +
			"CREATE FUNCTION known(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN EXISTS (SELECT FROM names WHERE a = $1); END'"
		to = from + "; CREATE INDEX i ON t (known(a))"
	)
	eachVersion(t, func(t *testing.T, major int) {
		engine := pgtest.NewEngine(t)
		target := cairn.Connection{Database: clusters.Load(t, major, from)}
		request := cairn.PlanRequest{Target: target, Desired: writeFile(t, to), Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}}
		var unproven *cairn.UnprovenError
		if _, err := engine.Plan(t.Context(), request); !errors.As(err, &unproven) || !strings.Contains(unproven.Hint(), "SET search_path") {
			t.Errorf("plan says %v", err)
		}
		request.Prove = cairn.NoProof
		plan, err := engine.Plan(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		var step *cairn.StepError
		if _, err := engine.Apply(t.Context(), cairn.ApplyRequest{Target: target, Plan: plan}); !errors.As(err, &step) || !strings.Contains(step.Hint(), "SET search_path") {
			t.Errorf("apply says %v", err)
		}
	})
}
