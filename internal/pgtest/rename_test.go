package pgtest_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

const beforeRenames = `
CREATE SCHEMA old_schema;
CREATE TYPE old_schema.inside AS ENUM ('a');
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE users (id serial PRIMARY KEY, name varchar(20) NOT NULL CHECK (name IN ('a', 'b')), mood mood, fax text, UNIQUE (name));
CREATE INDEX users_mood_idx ON users (mood);
CREATE TABLE posts (id integer, author integer REFERENCES users, kind old_schema.inside);
CREATE VIEW names AS SELECT id, name FROM users WHERE name IN ('a', 'b');
CREATE FUNCTION greet(u users) RETURNS text LANGUAGE sql RETURN u.name;
COMMENT ON COLUMN users.name IS 'kept';
CREATE POLICY own ON users USING (name = 'a');
`

const afterRenames = `
-- cairn: renamed from old_schema
CREATE SCHEMA new_schema;
CREATE TYPE new_schema.inside AS ENUM ('a');
-- cairn: renamed from mood
CREATE TYPE feeling AS ENUM ('sad',
	'glad' -- cairn: renamed from happy
);
-- cairn: renamed from users
CREATE TABLE "People" (
	id serial PRIMARY KEY,
	full_name varchar(20) NOT NULL CHECK (full_name IN ('a', 'b')), -- cairn: renamed from name
	mood feeling, fax text, extra integer,
	CONSTRAINT "People_name_key" UNIQUE (full_name)
);
CREATE INDEX "People_mood_idx" ON "People" (mood);
CREATE TABLE posts (id integer, author integer REFERENCES "People", kind new_schema.inside);
CREATE VIEW names AS SELECT id, full_name AS name FROM "People" WHERE full_name IN ('a', 'b');
CREATE FUNCTION greet(u "People") RETURNS text LANGUAGE sql RETURN u.full_name;
COMMENT ON COLUMN "People".full_name IS 'kept';
-- cairn: renamed from own
CREATE POLICY mine ON "People" USING (full_name = 'a');
`

// Declared renames keep rows, and what hangs on the objects stays.
func TestRenames(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			target := clusters.Load(t, major, beforeRenames)
			pgtest.Exec(t, target, "INSERT INTO users (name, mood) VALUES ('a', 'happy'); INSERT INTO posts VALUES (1, 1, 'a')")
			engine := pgtest.NewEngine(t)
			request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: writeFile(t, afterRenames)}
			plan := pgtest.ApplyWhole(t, engine, request)
			var kept []string
			for _, s := range plan.Steps {
				if strings.Contains(s.SQL, "DROP") || strings.Contains(s.SQL, "CREATE") {
					kept = append(kept, s.SQL)
				}
			}
			if len(kept) > 0 {
				t.Errorf("nothing but names and one column changes, the plan says:\n%s", steps(plan))
			}
			conn := pgtest.Connect(t, target)
			var row string
			if err := conn.QueryRow(t.Context(), `SELECT p.full_name || '/' || p.mood || '/' || nextval('"People_id_seq"')
FROM "People" p JOIN posts ON author = p.id`).Scan(&row); err != nil || row != "a/glad/2" {
				t.Errorf("the row is %q, %v", row, err)
			}
		})
	}
}

// What nobody declared is a drop, and the plan says which line makes it a rename.
func TestUndeclaredRename(t *testing.T) {
	major := pgtest.Versions()[0]
	target := clusters.Load(t, major, "CREATE TABLE users (id integer, name text, fax varchar(9))")
	engine := pgtest.NewEngine(t)
	request := cairn.PlanRequest{Target: cairn.Connection{Database: target},
		Desired: writeFile(t, "CREATE TABLE users (id integer, full_name text, phone varchar(9));")}
	findings := func() (codes []string) {
		plan, err := engine.Plan(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range plan.Findings {
			codes = append(codes, f.Code+" "+f.Object)
		}
		return codes
	}
	want := []string{"possible-rename column:public.users.full_name", "possible-rename column:public.users.phone"}
	if diff := cmp.Diff(want, findings()); diff != "" {
		t.Error(diff)
	}
	request.Selection.Decisions = cairn.Decisions{
		Renames: map[string]string{"column:public.users.name": "column:public.users.full_name"},
		Drops:   []string{"column:public.users.fax"},
	}
	if got := findings(); len(got) > 0 {
		t.Errorf("everything is decided, and yet: %q", got)
	}
	plan, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Steps[0].SQL != "ALTER TABLE public.users RENAME COLUMN name TO full_name" {
		t.Errorf("the plan is:\n%s", steps(plan))
	}
}

func steps(p *schema.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		b.WriteString(s.SQL + ";\n")
	}
	return b.String()
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "to.sql")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// Every other object that PostgreSQL can rename keeps what hangs on it.
func TestRenamesOfOtherKinds(t *testing.T) {
	definitions := []struct{ define, rest string }{
		{"CREATE COLLATION %s FROM \"C\";", "CREATE TABLE with_collation (a text COLLATE %s);"},
		{"CREATE CONVERSION %s FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;", ""},
		{"CREATE OPERATOR FAMILY %s USING btree;", ""},
		{"CREATE OPERATOR CLASS %s FOR TYPE text USING btree AS OPERATOR 1 <, OPERATOR 3 =, OPERATOR 5 >, FUNCTION 1 bttextcmp(text, text);",
			"CREATE TABLE with_class (a text); CREATE INDEX with_class_a ON with_class (a %s);"},
		{"CREATE TEXT SEARCH PARSER %s (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);", ""},
		{"CREATE TEXT SEARCH TEMPLATE %s (LEXIZE = dsimple_lexize);", ""},
		{"CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = simple, ACCEPT = false);", ""},
		{"CREATE TEXT SEARCH CONFIGURATION %s (PARSER = pg_catalog.\"default\");",
			"ALTER TEXT SEARCH CONFIGURATION %s ADD MAPPING FOR word WITH simple; CREATE TABLE with_search (a text, s tsvector GENERATED ALWAYS AS (to_tsvector('%s'::regconfig, a)) STORED);"},
		{"CREATE STATISTICS %s (ndistinct) ON a, b FROM measured;", ""},
		{"CREATE LANGUAGE %s HANDLER speak;", "CREATE FUNCTION spoken() RETURNS integer LANGUAGE %s AS 'x';"},
		{"CREATE FOREIGN DATA WRAPPER %s;", "CREATE SERVER behind FOREIGN DATA WRAPPER %s;"},
		{"CREATE SERVER %s FOREIGN DATA WRAPPER far;", "CREATE USER MAPPING FOR PUBLIC SERVER %s; CREATE FOREIGN TABLE beyond (a integer) SERVER %s;"},
		{"CREATE FOREIGN TABLE %s (a integer) SERVER further;", "CREATE VIEW of_foreign AS SELECT a FROM %s;"},
		{"CREATE PUBLICATION %s WITH (publish = 'insert');", "ALTER PUBLICATION %s ADD TABLE measured;"},
		{"CREATE SUBSCRIPTION %s CONNECTION 'host=a' PUBLICATION p WITH (connect = false, slot_name = NONE);", ""},
		{"CREATE EVENT TRIGGER %s ON sql_drop EXECUTE FUNCTION watch();", ""},
		{"CREATE RULE %s AS ON DELETE TO measured DO ALSO NOTIFY gone;", "ALTER TABLE measured DISABLE RULE %s;"},
	}
	const ground = `CREATE TABLE measured (a integer PRIMARY KEY, b integer);
CREATE FUNCTION speak() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FOREIGN DATA WRAPPER far; CREATE SERVER further FOREIGN DATA WRAPPER far;
SET check_function_bodies = off;
`
	script := func(name func(i int) string, above func(i int) string) string {
		var b strings.Builder
		b.WriteString(ground)
		for i, d := range definitions {
			b.WriteString(above(i) + strings.ReplaceAll(d.define, "%s", name(i)) + "\n" + strings.ReplaceAll(d.rest, "%s", name(i)) + "\n")
		}
		return b.String()
	}
	before := func(i int) string { return "before_" + strconv.Itoa(i) }
	after := func(i int) string { return `"After ` + strconv.Itoa(i) + `"` }
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			target := clusters.Load(t, major, script(before, func(int) string { return "" }))
			engine := pgtest.NewEngine(t)
			request := cairn.PlanRequest{Target: cairn.Connection{Database: target},
				Desired: writeFile(t, script(after, func(i int) string { return "-- cairn: renamed from " + before(i) + "\n" }))}
			plan := pgtest.ApplyWhole(t, engine, request)
			if n := len(definitions) + 1; len(plan.Steps) != n { // an operator class has a family of its name
				t.Errorf("%d objects are renamed, the plan says:\n%s", n, steps(plan))
			}
		})
	}
}

// Labels of a provider that the scratch server does not know follow a rename.
func TestRenamesKeepLabels(t *testing.T) {
	major := pgtest.Versions()[0]
	const sql = "CREATE TABLE users (id integer, name text); SECURITY LABEL FOR case_provider ON COLUMN users.name IS 'kept';"
	target := clusters.Load(t, major, clusters.Provider(t, major)+sql)
	file := writeFile(t, "-- cairn: renamed from users\nCREATE TABLE people (id integer, name text); SECURITY LABEL FOR case_provider ON COLUMN people.name IS 'kept';")
	plan := pgtest.Apply(t, pgtest.NewEngine(t), cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: file})
	if got := steps(plan); got != "ALTER TABLE public.users RENAME TO people;\n" {
		t.Errorf("the plan is:\n%s", got)
	}
}
