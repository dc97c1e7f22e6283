package cairn

import (
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cairn-db/cairn/internal/bench/schemas"
	"github.com/cairn-db/cairn/internal/cache"
	"github.com/cairn-db/cairn/internal/partial"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest/generate"
)

var deriveFor = flag.Duration("derive", 0, "derive states of new random changes for this long")

// without is a script without one of its statements.
func without(t *testing.T, text string, n int) (string, string) {
	t.Helper()
	statements, err := pg.Split("a.sql", text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	n %= len(statements)
	for i, s := range statements {
		if i != n {
			b.WriteString(s.SQL + ";\n")
		}
	}
	return b.String(), statements[n].SQL
}

func versions(t *testing.T) []int {
	t.Helper()
	var list []int
	for _, v := range strings.Fields(os.Getenv("CAIRN_TEST_PG")) {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	if len(list) == 0 {
		return []int{14, 18}
	}
	return list
}

// rich is the museum as far as a version has it.
func rich(t *testing.T, major int) string {
	t.Helper()
	paths, err := filepath.Glob("internal/object/testdata/museum/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	isVersion := func(path string) bool {
		_, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".sql"))
		return err == nil
	}
	slices.SortStableFunc(paths, func(a, b string) int { // those of versions come last
		switch {
		case isVersion(a) == isVersion(b):
			return 0
		case isVersion(a):
			return 1
		}
		return -1
	})
	var b strings.Builder
	b.WriteString("CREATE ROLE museum_super SUPERUSER;\n")
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		if since, err := strconv.Atoi(name); err == nil && since > major {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		statements, err := pg.Split(path, string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			if !strings.Contains(strings.ToUpper(s.SQL), "EVENT TRIGGER") { // whatever they do is unknown
				b.WriteString(s.SQL + ";\n")
			}
		}
	}
	return b.String()
}

// world is a schema whose objects depend on each other in many ways. Each line is a
// statement.
const world = `CREATE SCHEMA other;
CREATE ROLE derived_owner;
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE DOMAIN price AS numeric CHECK (VALUE >= 0);
CREATE TYPE place AS (street text, zip text);
CREATE TABLE hub (id integer CONSTRAINT hub_key PRIMARY KEY, name text NOT NULL);
CREATE TABLE a (id serial, hub_id integer, feeling mood, cost price, at place, b_c integer);
CREATE TABLE a_b (id integer, c integer);
CREATE TABLE other.a (id integer, hub_id integer);
CREATE TABLE copied (LIKE a);
CREATE TABLE old (id integer, note text);
CREATE TABLE young (age integer) INHERITS (old);
CREATE TABLE p (id integer, day date) PARTITION BY RANGE (day);
CREATE INDEX p_id ON p (id);
CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
ALTER TABLE a ADD CONSTRAINT a_hub FOREIGN KEY (hub_id) REFERENCES hub;
ALTER TABLE other.a ADD CONSTRAINT a_hub FOREIGN KEY (hub_id) REFERENCES public.hub (id);
CREATE INDEX ON a (hub_id);
CREATE UNIQUE INDEX a_id ON a (id);
CREATE INDEX a_feeling ON a (feeling) WHERE feeling = 'angry';
CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS $$SELECT 1$$;
CREATE FUNCTION names() RETURNS SETOF text LANGUAGE sql AS $$SELECT name FROM public.hub WHERE id = public.one()$$;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER stamped BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE a DISABLE TRIGGER stamped;
CREATE VIEW v AS SELECT a.*, h.name FROM a JOIN hub h ON h.id = a.hub_id WHERE feeling = 'calm';
CREATE VIEW w AS SELECT id, name, feeling = 'calm' AS calm FROM v;
CREATE VIEW elsewhere AS SELECT id FROM other.a;
CREATE MATERIALIZED VIEW m AS SELECT names() AS name;
CREATE POLICY mine ON hub USING (name = current_user);
GRANT SELECT ON hub TO derived_owner;
GRANT SELECT, INSERT ON a TO derived_owner;
GRANT USAGE ON SEQUENCE a_id_seq TO derived_owner;
ALTER TABLE other.a OWNER TO derived_owner;
COMMENT ON COLUMN a.feeling IS 'how it is';
COMMENT ON TRIGGER stamped ON a IS 'not used';
CREATE STATISTICS a_both ON hub_id, feeling FROM a;
`

// Each change of the world and whether the state after it is derived. What is may
// take more than the change says; what is not would be wrong, or is not known.
func TestDerived(t *testing.T) {
	d := newDeriver(t, slices.Max(versions(t)))
	from, _, err := d.build(world)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, old, new string
		derived        bool
	}{
		{"nothing", "", "", true},
		{"a column", "hub_id integer, feeling", "hub_id bigint, feeling", true},
		{"a column that others show", "b_c integer);", "b_c integer, extra text);", true},
		{"a column that a view needs is gone", "name text", "title text", false},
		{"a hub", "name text NOT NULL", "name varchar(9) NOT NULL", true},
		{"a key that others refer to", "CONSTRAINT hub_key PRIMARY KEY", "", false},
		{"a parent", "note text", "note varchar(3)", true},
		{"a partitioned table", "id integer, day date", "id bigint, day date", true},
		{"an index of a partitioned table", "CREATE INDEX p_id ON p (id);", "CREATE INDEX p_id ON p (id, day);", true},
		{"a partition", "CREATE TABLE p_2", "CREATE TABLE p_3 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');\nCREATE TABLE p_2", true},
		{"a partition that overlaps", "CREATE TABLE p_2", "CREATE TABLE p_3 PARTITION OF p FOR VALUES FROM ('2025-06-01') TO ('2027-01-01');\nCREATE TABLE p_2", false},
		{"a label", "'calm', 'angry'", "'calm', 'merry', 'angry'", true},
		{"a label that is used where the type is not named", "'calm', 'angry'", "'quiet', 'angry'", false},
		{"a domain", "VALUE >= 0", "VALUE > 0", true},
		{"a composite", "street text", "street text, door text", true},
		{"a body", "SELECT 1$$", "SELECT 2$$", true},
		{"a body that is wrong", "WHERE id = public", "WHERE ids = public", false},
		{"a function that a body calls", "FUNCTION one() RETURNS integer", "FUNCTION one(a integer) RETURNS integer", false},
		{"an overload", "CREATE FUNCTION names", "CREATE FUNCTION one(a integer) RETURNS integer LANGUAGE sql AS $$SELECT 2$$;\nCREATE FUNCTION names", true},
		{"a view", "feeling = 'calm' AS calm", "feeling = 'angry' AS calm", true},
		{"a view under a view", "h.name FROM", "h.name, h.id AS hub FROM", true},
		{"a trigger", "BEFORE UPDATE", "BEFORE INSERT", true},
		{"a switched trigger", "DISABLE TRIGGER", "ENABLE ALWAYS TRIGGER", true},
		{"a foreign key", "REFERENCES hub;", "REFERENCES hub ON DELETE CASCADE;", true},
		{"a privilege", "GRANT SELECT, INSERT ON a", "GRANT SELECT, DELETE ON a", true},
		{"an owner", "ALTER TABLE other.a OWNER TO derived_owner;\n", "", true},
		{"a comment", "'how it is'", "'how it was'", true},
		{"a sequence of its own", "id serial", "id bigserial", true},
		{"a name that is made up", "CREATE INDEX ON a (hub_id);", "CREATE INDEX ON a (hub_id);\nCREATE INDEX ON a (hub_id);", true},
		{"a name that is taken", "CREATE TABLE old", "CREATE TABLE a_b_idx (x integer);\nCREATE INDEX ON a_b (c);\nCREATE TABLE old", true},
		{"names made of others", "c integer);\n", "c integer NOT NULL);\n", false},
		{"a table", "CREATE TABLE old", "CREATE TABLE new (id integer REFERENCES hub);\nCREATE TABLE old", true},
		{"a table before another of its name", "CREATE TABLE old", "CREATE TABLE other.hub (id integer);\nCREATE TABLE old", true},
		{"a dropped table", "CREATE TABLE a_b (id integer, c integer);\n", "", false},
		{"a table that is there", "CREATE TABLE old", "CREATE TABLE w (id integer);\nCREATE TABLE old", false},
		{"another order", "CREATE SCHEMA other;\nCREATE ROLE derived_owner;\n", "CREATE ROLE derived_owner;\nCREATE SCHEMA other;\n", false},
		{"a schema", "CREATE SCHEMA other;\n", "CREATE SCHEMA other;\nCREATE SCHEMA more;\n", false},
		{"anything", "CREATE TABLE old", "DO $$BEGIN END$$;\nCREATE TABLE old", false},
		{"a rename", "CREATE TABLE young", "ALTER TABLE old RENAME TO older;\nALTER TABLE older RENAME TO old;\nCREATE TABLE young", false},
		{"a setting", "CREATE TABLE old", "SET search_path = other, public;\nCREATE TABLE old", false},
		{"an escape", "CREATE TABLE old", "CREATE VIEW u AS SELECT U&\"\\0069d\" FROM hub;\nCREATE TABLE old", false},
		{"a new role", "GRANT SELECT ON hub TO derived_owner", "GRANT SELECT ON hub TO derived_other", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			outer := d.t
			d.t = t
			defer func() { d.t = outer }()
			text := strings.Replace(world, test.old, test.new, 1)
			if text == world && test.old != test.new {
				t.Fatal("it changes nothing")
			}
			if got := d.try(from, text); got != test.derived {
				t.Errorf("derived: %v, want %v: %v", got, test.derived, d.reasons)
			}
			d.reasons = map[string]int{}
		})
	}
}

// What is written of a state that was derived from a derived one is upon the one
// that was built, and without that it is not there.
func TestDerivedUpon(t *testing.T) {
	d := newDeriver(t, slices.Max(versions(t)))
	from, _, err := d.build(world)
	if err != nil {
		t.Fatal(err)
	}
	built, text := cache.Key(from.State), world
	var last *slot
	for i, edit := range [][2]string{{"'how it is'", "'how it was'"}, {"SELECT 1$$", "SELECT 2$$"}, {"'how it was'", "'how it is'"}, {"DISABLE TRIGGER", "ENABLE ALWAYS TRIGGER"}} {
		changed := strings.Replace(text, edit[0], edit[1], 1)
		if changed == text {
			t.Fatal(edit)
		}
		text = changed
		c, s := d.recipe(text)
		pieces := c.script.Pieces()
		got, err := d.engine.deriveFrom(t.Context(), s, c, from, pieces, len(pieces))
		if err != nil {
			t.Fatal(err)
		}
		if got.upon.Key != built || len(got.upon.More) == 0 || len(got.upon.More) > 20 {
			t.Errorf("state %d: %d objects are written upon %x, not %x", i, len(got.upon.More), got.upon.Key, built)
		}
		d.demandKept(s, got.kept)
		from, last = partial.NewRecord(s.key, i+1, pieces), s
	}
	if err := os.Remove(filepath.Join(last.dir.Path, hex.EncodeToString(built[:])+".entry")); err != nil {
		t.Fatal(err)
	}
	if found := d.engine.lookUp(last, nil); found.state != nil {
		t.Error("there is a state whose other part is gone")
	}
}

func TestDerivedSoak(t *testing.T) {
	if *deriveFor == 0 {
		t.Skip("SKIPPED: go test -run TestDerivedSoak -derive 10m . derives states of new changes")
	}
	for _, major := range versions(t) {
		d := newDeriver(t, major)
		seed := time.Now().Unix()
		random := rand.New(rand.NewPCG(uint64(seed), uint64(major)))
		t.Logf("seed %d", seed)
		end := time.Now().Add(*deriveFor / time.Duration(len(versions(t))))
		for time.Now().Before(end) && !t.Failed() {
			d.random(random)
		}
		d.log("soak")
	}
}

// edits are what becomes of a word of a statement.
var edits = [][2]string{
	{"integer", "bigint"}, {"bigint", "integer"}, {"text", "varchar(77)"}, {"text", "integer"}, {" NOT NULL", ""}, {"0", "1"}, {"'open'", "'opened'"},
	{"id", "di"}, {"numeric", "integer"}, {"varchar(40)", "varchar(41)"}, {"INDEX", "UNIQUE INDEX"}, {"AFTER", "BEFORE"}, {"STABLE", "VOLATILE"},
	{"SELECT", "SELECT 1 AS extra,"}, {"SELECT", "SELECT *,"}, {" (", " (extra integer, "}, {"amount", "amounts"}, {"CHECK", "CONSTRAINT extra CHECK"},
	{"owner", "user"}, {" ON DELETE CASCADE", ""}, {"a ", "a_2 "}, {"hall.", "public."}, {"bigint GENERATED ALWAYS AS IDENTITY", "serial"}, {"code", "serial_code"},
}

// edited is a script with one word of a statement changed.
func edited(t *testing.T, text string, random *rand.Rand) (string, string) {
	t.Helper()
	statements, err := pg.Split("a.sql", text)
	if err != nil {
		t.Fatal(err)
	}
	for {
		edit := edits[random.IntN(len(edits))]
		n := random.IntN(len(statements))
		from := statements[n].SQL
		to := strings.Replace(from, edit[0], edit[1], 1)
		if from == to {
			continue
		}
		statements[n].SQL = to
		var b strings.Builder
		for _, s := range statements {
			b.WriteString(s.SQL + ";\n")
		}
		return b.String(), to
	}
}

// The cases of the kinds, there and back.
func TestDerivedCases(t *testing.T) {
	if *deriveFor == 0 {
		t.Skip("SKIPPED: go test -run TestDerivedCases -derive 10m . derives the states of all cases")
	}
	paths, err := filepath.Glob("internal/object/testdata/*/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(err)
	}
	for _, major := range versions(t) {
		d := newDeriver(t, major)
		end := time.Now().Add(*deriveFor / time.Duration(len(versions(t))))
		rand.New(rand.NewPCG(uint64(end.Unix()), 0)).Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		for _, path := range paths {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := map[string]string{}
			for _, f := range archive.Files {
				text[f.Name] = string(f.Data)
			}
			for _, pair := range [][2]string{{"from.sql", "to.sql"}, {"to.sql", "from.sql"}} {
				if from, _, err := d.build(text[pair[0]]); err == nil && time.Now().Before(end) {
					d.try(from, text[pair[1]])
				}
			}
			if t.Failed() {
				t.Fatal(path)
			}
		}
		d.log("cases")
	}
}

// random tries a random change of a random schema, there and back.
func (d *deriver) random(random *rand.Rand) {
	d.t.Helper()
	var a, b, what string
	switch random.IntN(6) {
	case 0:
		seed := random.Int64N(1 << 40)
		p := generate.Small(seed, d.major)
		a, b, what = p.From.SQL(), p.To.SQL(), fmt.Sprintf("generated %d", seed)
	case 1:
		a = rich(d.t, d.major)
		b, what = without(d.t, a, random.IntN(1<<30))
	case 2:
		a = schemas.SQL(schemas.Parameters{Tables: 60})
		b, what = without(d.t, a, random.IntN(1<<30))
	case 3:
		a = rich(d.t, d.major)
		b, what = edited(d.t, a, random)
	default:
		a = schemas.SQL(schemas.Parameters{Tables: 60})
		b, what = edited(d.t, a, random)
	}
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		from, _, err := d.build(pair[0])
		if err != nil {
			d.reasons["from: "+strings.SplitN(err.Error(), "\n", 2)[0]]++
			return
		}
		d.try(from, pair[1])
		if d.t.Failed() {
			d.t.Log(what)
			return
		}
	}
}
