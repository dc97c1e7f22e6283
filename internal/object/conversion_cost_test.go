package object_test

import (
	"testing"

	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// What is said of a change of type is what the server does: it writes the table
// anew, which shows in its file, or not; and it changes the value, or not.
func TestConversions(t *testing.T) {
	for _, major := range pgtest.Versions() {
		conn := pgtest.Connect(t, clusters.Database(t, major))
		exec := func(sql string, into ...any) {
			t.Helper()
			var err error
			if len(into) == 0 {
				_, err = conn.Exec(t.Context(), sql)
			} else {
				err = conn.QueryRow(t.Context(), sql).Scan(into...)
			}
			if err != nil {
				t.Fatalf("PostgreSQL %d: %v\n%s", major, err, sql)
			}
		}
		exec("SET TimeZone = 'Asia/Tokyo'")
		for _, c := range []struct {
			old, new, value string
		}{
			{"character varying(10)", "character varying(20)", "'abcdefgh'"},
			{"character varying(10)", "character varying(5)", "'abcdefgh'"},
			{"character varying(10)", "character varying", "'abcdefgh'"},
			{"character varying", "character varying(5)", "'abcdefgh'"},
			{"character varying(10)", "text", "'abcdefgh'"},
			{"text", "character varying", "'abcdefgh'"},
			{"text", "character varying(5)", "'abcdefgh'"},
			{"text", "character(5)", "'abcdefgh'"},
			{"character(10)", "character(20)", "'abcdefgh'"},
			{"character(10)", "character(5)", "'abcdefgh'"},
			{"bit varying(4)", "bit varying(8)", "B'1010'"},
			{"bit varying(8)", "bit varying(2)", "B'1010'"},
			{"bit(4)", "bit varying", "B'1010'"},
			{"bit varying", "bit(2)", "B'1010'"},
			{"integer", "bigint", "5"},
			{"integer", "oid", "5"},
			{"oid", "integer", "5"},
			{"bigint", "integer", "5"},
			{"integer", "numeric", "5"},
			{"integer", "text", "5"},
			{"numeric(10,2)", "numeric(12,2)", "1.25"},
			{"numeric(10,2)", "numeric(12,3)", "1.25"},
			{"numeric(10,2)", "numeric(10,1)", "1.25"},
			{"numeric(10,2)", "numeric(8,2)", "1.25"},
			{"numeric(10,2)", "numeric", "1.25"},
			{"numeric", "numeric(10,1)", "1.25"},
			{"numeric(10,2)", "integer", "1.25"},
			{"double precision", "bigint", "1.25"},
			{"double precision", "real", "1.23456789"},
			{"real", "double precision", "1.25"},
			{"cidr", "inet", "'10.0.0.0/8'"},
			{"inet", "cidr", "'10.0.0.0/8'"},
			{"xml", "text", "'<a/>'"},
			{"json", "jsonb", "'{}'"},
			{"timestamp(3) without time zone", "timestamp(6) without time zone", "'2020-01-01 10:11:12.123'"},
			{"timestamp(3) without time zone", "timestamp without time zone", "'2020-01-01 10:11:12.123'"},
			{"timestamp without time zone", "timestamp(0) without time zone", "'2020-01-01 10:11:12.123'"},
			{"timestamp without time zone", "timestamp with time zone", "'2020-01-01 10:11:12.123'"},
			{"timestamp with time zone", "date", "'2020-01-01 10:11:12.123'"},
			{"date", "timestamp without time zone", "'2020-01-01'"},
			{"time(3) with time zone", "time(6) with time zone", "'10:11:12.123+01'"},
			{"time without time zone", "time(0) without time zone", "'10:11:12.123'"},
			{"interval(3)", "interval(6)", "'1.123 seconds'"},
			{"interval", "interval(0)", "'1.123 seconds'"},
			{"integer[]", "bigint[]", "'{5}'"},
			{"boolean", "integer", "true"},
			{"uuid", "text", "'00000000-0000-0000-0000-000000000000'"},
		} {
			exec("DROP TABLE IF EXISTS t")
			exec("CREATE TABLE t (a " + c.old + "); INSERT INTO t VALUES (" + c.value + ")")
			var before, after uint32
			var printed, then string
			exec("SELECT pg_relation_filenode('t'), a::text FROM t", &before, &printed)
			exec("ALTER TABLE t ALTER a TYPE " + c.new + " USING a::" + c.new)
			exec("SELECT pg_relation_filenode('t'), a::text FROM t", &after, &then)
			if got := object.Rewrites(c.old, c.new); got != (before != after) {
				t.Errorf("PostgreSQL %d: %s to %s: a rewrite is said to be %v", major, c.old, c.new, got)
			}
			back := then
			if object.Narrows(c.old, c.new) {
				exec("SELECT CAST(CAST("+c.value+" AS "+c.old+") AS "+c.new+")::"+c.old+"::text", &back)
				if back == printed {
					t.Errorf("PostgreSQL %d: %s to %s is said to lose something of %s, and gives it back", major, c.old, c.new, printed)
				}
			} else {
				exec("SELECT a::"+c.new+"::"+c.old+"::text FROM (SELECT "+c.value+"::"+c.old+" AS a) x", &back)
				if back != printed {
					t.Errorf("PostgreSQL %d: %s to %s is said to lose nothing, and %s becomes %s", major, c.old, c.new, printed, back)
				}
			}
		}
	}
}
