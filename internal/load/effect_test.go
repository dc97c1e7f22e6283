package load

import (
	"slices"
	"strings"
	"testing"
)

// pieceOf is the only statement of a text.
func pieceOf(t *testing.T, sql string) *Piece {
	t.Helper()
	script, err := Parse([]Source{{Name: "a.sql", Text: sql}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	pieces := script.Pieces()
	if len(pieces) != 1 {
		t.Fatalf("%s is %d statements", sql, len(pieces))
	}
	return pieces[0]
}

// What statements act on. A form that is missing here acts on anything.
func TestEffect(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE TABLE a (b integer)":                                                "named a",
		"CREATE UNLOGGED TABLE IF NOT EXISTS s.a (b integer)":                       "named s.a",
		"CREATE TABLE \"A b\" (b integer)":                                          "following deep",
		"CREATE TABLE \"A\".b ()":                                                   "named A.b",
		"CREATE TEMP TABLE a (b integer)":                                           "unknown",
		"CREATE /* x */ OR REPLACE VIEW s.v AS SELECT 1":                            "named s.v",
		"CREATE MATERIALIZED VIEW v AS SELECT 1":                                    "named v",
		"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.a (b)":          "named s.i s.a",
		"CREATE INDEX ON a (b)":                                                     "named a apart",
		"CREATE CONSTRAINT TRIGGER t AFTER UPDATE OF b ON s.a EXECUTE FUNCTION f()": "named s.a apart t",
		"CREATE RULE r AS ON INSERT TO s.a DO NOTHING":                              "named s.a",
		"CREATE POLICY p ON a USING (true)":                                         "named a apart p",
		"CREATE FUNCTION s.f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'": "named s.f deep",
		"CREATE TYPE e AS ENUM ('a')":                                               "named e deep",
		"CREATE TYPE r AS RANGE (SUBTYPE = integer)":                                "following deep",
		"CREATE STATISTICS s ON b, c FROM a":                                        "named s",
		"CREATE STATISTICS ON b, c FROM a":                                          "unknown",
		"CREATE SCHEMA s AUTHORIZATION r":                                           "following",
		"CREATE SCHEMA s CREATE TABLE a ()":                                         "unknown",
		"CREATE OPERATOR + (FUNCTION = f)":                                          "following deep",
		"CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f()":                   "unknown",
		"CREATE ROLE r": "following",
		"CREATE VIEW v AS SELECT U&\"\\0061\" FROM a":                               "unknown",
		"CREATE VIEW v AS SELECT E'\\x61'":                                          "unknown",
		"CREATE VIEW v AS SELECT '\\x61'::bytea":                                    "named v",
		"CREATE VIEW v AS SELECT E'\\\\x61\\n'":                                     "named v",
		"ALTER TABLE ONLY s.a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES c (d, e)": "named s.a apart f",
		"ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c, ADD COLUMN d integer":      "named a",
		"ALTER TABLE a DISABLE TRIGGER t":                                           "named a apart",
		"ALTER TABLE a DISABLE TRIGGER ALL":                                         "named a",
		"ALTER TABLE a RENAME TO b":                                                 "unknown",
		"ALTER TABLE a SET SCHEMA b":                                                "unknown",
		"ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b":                          "unknown",
		"ALTER INDEX s.i ATTACH PARTITION s.j":                                      "named s.i",
		"ALTER SEQUENCE s OWNED BY a.b":                                             "named s",
		"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r":                      "following",
		"ALTER FUNCTION f(integer) OWNER TO r":                                      "named f deep",
		"COMMENT ON TABLE s.a IS 'x'":                                               "named s.a apart",
		"COMMENT ON COLUMN s.a.b IS 'x'":                                            "named s.a apart",
		"COMMENT ON CONSTRAINT c ON DOMAIN d IS 'x'":                                "named d apart",
		"COMMENT ON CONSTRAINT c ON domain IS 'x'":                                  "named domain apart",
		"COMMENT ON SCHEMA s IS 'x'":                                                "following",
		"GRANT SELECT, UPDATE (b) ON TABLE s.a, b TO r":                             "named s.a b apart",
		"GRANT EXECUTE ON FUNCTION f(integer, text), s.g() TO r":                    "named f s.g apart",
		"GRANT SELECT ON type TO r":                                                 "named type apart",
		"REVOKE ALL ON SCHEMA s FROM PUBLIC":                                        "following",
		"GRANT SELECT ON ALL TABLES IN SCHEMA s TO r":                               "unknown",
		"GRANT a TO b":   "following",
		"DROP TABLE a":   "unknown",
		"DO 'BEGIN END'": "unknown",
		"CREATE TABLE a" + strings.Repeat("a", 62) + " ()":                                   "following deep",
		"REFRESH MATERIALIZED VIEW a":                                                        "unknown",
		"CREATE FOREIGN DATA WRAPPER w":                                                      "following deep",
		"ALTER EVENT TRIGGER e DISABLE":                                                      "unknown",
		"IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c":                                       "unknown",
		"CREATE PUBLICATION p FOR TABLE a":                                                   "named p",
		"CREATE RECURSIVE VIEW v (a) AS SELECT 1":                                            "named v",
		"CREATE DOMAIN s.d AS integer":                                                       "named s.d deep",
		"CREATE FOREIGN TABLE a (b integer) SERVER s":                                        "named a",
		"ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)":                                       "named a",
		"ALTER TABLE a ADD CONSTRAINT \"fk\" FOREIGN KEY (b) REFERENCES c ON DELETE CASCADE": "named a apart fk",
	} {
		f := pieceOf(t, sql).Effect()
		words := []string{[]string{"unknown", "following", "named"}[f.Reach]}
		for _, target := range f.Targets {
			words = append(words, strings.TrimPrefix(target.Schema+"."+target.Name, "."))
		}
		if f.Apart {
			words = append(words, "apart")
		}
		if f.Deep {
			words = append(words, "deep")
		}
		if f.Part != "" {
			words = append(words, f.Part)
		}
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

// Names are found wherever they stand.
func TestMentions(t *testing.T) {
	var got []string
	Mentions(`SELECT x."Foo", 's.bar'::regclass, _baz FROM a.b.c -- note`, func(n Name) { got = append(got, n.Schema+"."+n.Name) })
	for _, want := range []string{"x.Foo", "x.foo", "s.bar", "._baz", ".baz", ".a", "a.b", "b.c", ".note"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not found: %v", want, got)
		}
	}
}

// A statement is another one with other settings, and the same with the same.
func TestPieces(t *testing.T) {
	script, err := Parse([]Source{
		{Name: "a.sql", Text: "CREATE TABLE a (); SET search_path = x; CREATE TABLE a (); RESET ALL; CREATE TABLE a ();"},
		{Name: "b.sql", Text: "SET check_function_bodies = off; CREATE TABLE a ();"},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := script.Pieces()
	if len(p) != 4 || p[0].Hash == p[1].Hash || p[0].Hash != p[2].Hash || p[0].Hash == p[3].Hash {
		t.Errorf("the statements are %v", p)
	}
	again := script.With([]*Piece{p[1], p[3]}).Pieces()
	if len(again) != 2 || again[0].Hash != p[1].Hash || again[1].Hash != p[3].Hash {
		t.Errorf("a part of them is %v", again)
	}
}
