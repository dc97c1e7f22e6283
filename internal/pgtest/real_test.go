package pgtest_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

var clusters pgtest.Clusters

func TestMain(m *testing.M) { os.Exit(clusters.Main(m)) }

// realSchemas is the folder of public schemas that lies beside a checkout of
// the project where its makers work. It is no part of the project.
const realSchemas = "../../../shared/schemas"

// realVersions are the versions that real schemas run on.
var realVersions = []int{15, 18}

// Real schemas of public projects: built from nothing, carried from an old
// version to a new one and back, and torn down again.
func TestRealSchemas(t *testing.T) {
	histories := []struct{ name, old, new string }{
		{"pagila", "pagila/schema-2024.sql", "pagila/schema.sql"},
		{"crates-io", "crates-io/schema-2017.sql", "crates-io/schema-2026.sql"},
	}
	for _, h := range histories {
		old, new := realSchema(t, h.old), realSchema(t, h.new)
		for _, major := range realVersions {
			steps := []struct{ name, from, to string }{
				{"empty-new", "", new}, {"empty-old", "", old}, {"old-new", old, new}, {"new-old", new, old}, {"new-empty", new, ""},
			}
			for _, s := range steps {
				t.Run(h.name+"/"+strconv.Itoa(major)+"/"+s.name, func(t *testing.T) {
					clusters.Roles(t, major, "postgres")
					clusters.Converge(t, pgtest.Pair{Major: major, From: s.from, To: s.to})
				})
			}
			t.Run(h.name+"/"+strconv.Itoa(major)+"/dump", func(t *testing.T) { clusters.RoundTrip(t, major, new) })
			t.Run(h.name+"/"+strconv.Itoa(major)+"/split", func(t *testing.T) { splitRoundTrip(t, major, new) })
			t.Run(h.name+"/"+strconv.Itoa(major)+"/snapshot", func(t *testing.T) { snapshotRoundTrip(t, major, new) })
		}
	}
}

func realSchema(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(realSchemas, name))
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED: the folder of real schemas is not beside the project (%s)", filepath.Join(realSchemas, name))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.PsqlText(t, string(text))
}

// A dump prints an expression that its own reading prints otherwise; the two
// databases are equal all the same.
func TestDumpOfUnstablePrint(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			sql := "CREATE TABLE t (v varchar(10), CHECK (v IN ('a', 'b')));\n" +
				"CREATE VIEW w AS SELECT v FROM t WHERE v NOT IN ('a', 'b');\n" +
				"CREATE INDEX t_v ON t (v) WHERE v IN ('a', 'b');\n" +
				"CREATE RULE r AS ON UPDATE TO t WHERE new.v IN ('a', 'b') DO INSTEAD NOTHING;\n" +
				"CREATE STATISTICS s ON (v IN ('a', 'b')), v FROM t;\n" +
				"CREATE FUNCTION f(v varchar) RETURNS boolean LANGUAGE sql RETURN v IN ('a', 'b');\n" +
				"CREATE PROCEDURE p(v varchar) BEGIN ATOMIC SELECT v IN ('a', 'b'); END;\n" +
				"CREATE POLICY p ON t USING (v IN ('a', 'b'));\n" +
				"CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';\n" +
				"CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (new.v IN ('a', 'b')) EXECUTE FUNCTION fire();"
			source := clusters.Load(t, major, sql)
			engine := pgtest.NewEngine(t)
			files, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: cairn.Connection{Database: source}})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, f := range files {
				text += f.Text
			}
			copied := clusters.Load(t, major, text)
			if clusters.Dump(t, source) == clusters.Dump(t, copied) {
				t.Fatal("this server prints the expressions alike: the test shows nothing")
			}
			for _, pair := range [][2]string{{source, copied}, {copied, source}} {
				plan, err := engine.Diff(t.Context(), cairn.DiffRequest{From: pair[0], To: pair[1]})
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range plan.Steps {
					t.Errorf("the databases differ: %s", s.SQL)
				}
			}
		})
	}
}

// Databases of different major versions are equal when their schemas are.
func TestDiffAcrossVersions(t *testing.T) {
	versions := pgtest.Versions()
	oldest, newest := versions[0], versions[len(versions)-1]
	if oldest == newest {
		t.Skipf("SKIPPED: only version %d is tested", oldest)
	}
	sql := "CREATE TABLE t (id integer PRIMARY KEY, v varchar(10) NOT NULL, CHECK (v IN ('a', 'b')));\n" +
		"CREATE VIEW w AS SELECT t.id, count(*) FROM t GROUP BY t.id;\n" +
		"CREATE FUNCTION f(n integer) RETURNS integer LANGUAGE sql RETURN n + 1;\n" +
		"ALTER TABLE t OWNER TO pg_monitor; GRANT SELECT ON t TO pg_monitor, PUBLIC;"
	before, after := clusters.Load(t, oldest, sql), clusters.Load(t, newest, sql)
	engine := pgtest.NewEngine(t)
	for _, pair := range [][2]string{{before, after}, {after, before}} {
		plan, err := engine.Diff(t.Context(), cairn.DiffRequest{From: pair[0], To: pair[1]})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Steps {
			t.Errorf("the databases differ: %s", s.SQL)
		}
	}
	pgtest.Exec(t, after, "ALTER TABLE t ADD COLUMN extra text")
	plan, err := engine.Diff(t.Context(), cairn.DiffRequest{From: before, To: after})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Steps) != 1 {
		t.Errorf("one column differs, the plan has %d steps", len(plan.Steps))
	}
}

// A local shadow has the tablespaces that files and targets name.
func TestTablespaces(t *testing.T) {
	major := pgtest.Versions()[0]
	clusters.Tablespaces(t, major, "Other Space")
	const sql = `SET default_tablespace = "Other Space";
CREATE TABLE t (v varchar(10), CHECK (v IN ('a', 'b')));
SET default_tablespace = '';
CREATE INDEX t_v ON t (v) TABLESPACE "Other Space" WHERE v IN ('a', 'b');`
	file := filepath.Join(t.TempDir(), "to.sql")
	if err := os.WriteFile(file, []byte(sql), 0o644); err != nil {
		t.Fatal(err)
	}
	request := cairn.PlanRequest{Target: cairn.Connection{Database: clusters.Database(t, major)}, Desired: file}
	engine := pgtest.NewEngine(t)
	pgtest.ApplyWhole(t, engine, request)
}
