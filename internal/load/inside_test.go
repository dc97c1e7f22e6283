package load

import (
	"strings"
	"testing"
)

// What runs inside of a transaction is there until that is rolled back, also behind
// statements that failed, were tried again or needed a role.
func TestRunInside(t *testing.T) {
	const left = "SELECT (SELECT count(*) FROM pg_depend WHERE objid >= 16384) || ' ' || (SELECT count(*) FROM pg_roles WHERE rolname ~ '^inside_') || current_setting('search_path')"
	for _, test := range []struct{ name, sql, fails string }{
		{name: "in order", sql: "CREATE TABLE a (); CREATE TABLE b ()"},
		{name: "in no order", sql: "CREATE VIEW v AS SELECT * FROM a; CREATE TABLE b (); CREATE TABLE a (x integer)"},
		{name: "a missing role", sql: "CREATE TABLE a (); GRANT SELECT ON a TO inside_reader; CREATE TABLE b ()"},
		{name: "a missing role alone", sql: "CREATE TABLE a ();\nSET ROLE inside_owner; RESET ROLE; CREATE TABLE b ()"},
		{name: "an unknown setting", sql: "SET no_such_thing = 1; CREATE TABLE a (); CREATE TABLE b ()"},
		{name: "a body", sql: "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT x FROM a'; CREATE TABLE a (x integer); CREATE TABLE b () -- the end"},
		{name: "a wrong body", sql: "CREATE TABLE a (); CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT y FROM a'", fails: "does not exist"},
		{name: "no transaction", sql: "CREATE TABLE a (x integer); CREATE INDEX CONCURRENTLY i ON a (x)", fails: "cannot run inside a transaction block"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn := newDatabase(t)
			before := value(t, conn, left)
			for range 2 {
				if _, err := conn.Exec(t.Context(), "BEGIN"); err != nil {
					t.Fatal(err)
				}
				_, err := parseAndRun(t.Context(), conn, []Source{file("a.sql", test.sql)}, Options{CreateRoles: true})
				if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
					t.Fatalf("unexpected error: %v", err)
				}
				if test.fails == "" && value(t, conn, "SELECT count(*)::text FROM pg_class WHERE relname IN ('a', 'b')") != "2" {
					t.Error("the tables are not there")
				}
				if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
					t.Fatal(err)
				}
				if got := value(t, conn, left); got != before {
					t.Errorf("afterwards there are %s, before %s", got, before)
				}
			}
		})
	}
}
