package pgtest_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// entangled is a schema whose tables and functions need each other, under names
// that are hard to tell apart or to make files of.
const entangled = `
CREATE SCHEMA "Odd/Schema";
CREATE TABLE a (id serial PRIMARY KEY, b integer, c integer);
CREATE TABLE b (id serial PRIMARY KEY, a integer REFERENCES a, c integer);
CREATE TABLE c (id integer PRIMARY KEY DEFAULT nextval('a_id_seq'), b integer REFERENCES b);
ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b) REFERENCES b, ADD CONSTRAINT a_c FOREIGN KEY (c) REFERENCES c;
COMMENT ON CONSTRAINT a_b ON a IS 'closes a circle';
ALTER TABLE a ALTER COLUMN b SET DEFAULT nextval('b_id_seq');
ALTER TABLE b ALTER COLUMN a SET DEFAULT nextval('a_id_seq');
CREATE FUNCTION good(a) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.id > 0';
ALTER TABLE a ADD CONSTRAINT good CHECK (good(a));
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION "over" (integer) RETURNS SETOF a LANGUAGE sql AS 'SELECT * FROM public.a';
CREATE FUNCTION "over" (text) RETURNS SETOF b LANGUAGE sql AS 'SELECT * FROM public.b';
CREATE TABLE "Users" (id integer); CREATE TABLE users (id integer); CREATE TABLE "us/ers" (id integer);
CREATE TABLE "..\evil" (id integer); CREATE TABLE "'quote""" (id integer); CREATE TABLE "таблица" (id integer);
CREATE TABLE "Odd/Schema"."new
line" (id integer);
CREATE TABLE measures (day date NOT NULL, n integer) PARTITION BY RANGE (day);
CREATE INDEX measures_n ON measures (n);
CREATE TABLE measures_1 PARTITION OF measures FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE VIEW names AS SELECT * FROM users;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM names;
CREATE INDEX counted_index ON counted (count);
ALTER TABLE a ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON a USING (good(a.*));
GRANT SELECT ON a TO PUBLIC;
`

// A split dump can be run in its order, and read by cairn in any.
func TestSplitDump(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) { splitRoundTrip(t, major, entangled) })
	}
}

func splitRoundTrip(t *testing.T, major int, sql string) {
	source := clusters.Load(t, major, sql)
	engine := pgtest.NewEngine(t)
	files := splitDump(t, engine, source)
	text := "SET check_function_bodies = off;\n"
	for _, f := range files {
		text += f.Text
	}
	copied := clusters.Load(t, major, text)
	if diff := cmp.Diff(clusters.Dump(t, source), clusters.Dump(t, copied)); diff != "" {
		t.Errorf("pg_dump differs (-source +copy):\n%s", diff)
	}
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.Text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	selection := cairn.Selection{Owners: cairn.All, Privileges: cairn.All}
	for _, from := range []string{copied, dir} {
		plan, err := engine.Diff(t.Context(), cairn.DiffRequest{From: from, To: source, Selection: selection,
			Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Steps {
			t.Errorf("what %s makes differs: %s", from, s.SQL)
		}
	}
}

func splitDump(t *testing.T, engine *cairn.Engine, source string) []cairn.File {
	t.Helper()
	files, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: cairn.Connection{Database: source}, Split: true})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What is added to a schema changes no other file.
func TestSplitDumpIsStable(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	source := clusters.Load(t, major, entangled)
	engine := pgtest.NewEngine(t)
	before := splitDump(t, engine, source)
	pgtest.Exec(t, source, `CREATE TABLE a0 (id integer PRIMARY KEY REFERENCES a, b integer REFERENCES b); CREATE TABLE zz (id integer);
		CREATE TYPE mood AS ENUM ('good'); CREATE VIEW a1 AS SELECT * FROM a0`)
	after := map[string]string{}
	for _, f := range splitDump(t, engine, source) {
		after[f.Name] = f.Text
	}
	for _, f := range before {
		if d := cmp.Diff(f.Text, after[f.Name]); d != "" {
			t.Errorf("%s (-before +after):\n%s", f.Name, d)
		}
		delete(after, f.Name)
	}
	for _, name := range []string{"public/table/a0.sql", "public/table/zz.sql", "public/enum/mood.sql", "public/view/a1.sql"} {
		if after[name] == "" || len(after) != 4 {
			t.Errorf("%s is not there, or more than it: %d files", name, len(after))
		}
	}
	names := ""
	for _, f := range before {
		names += f.Name + "\n"
	}
	if !strings.Contains(names, "public/constraint/") {
		t.Errorf("no constraint has a file of its own:\n%s", names)
	}
}
