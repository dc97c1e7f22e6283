package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

func file(name, text string) Source { return Source{Name: name, Text: text} }

func value(t *testing.T, conn *pgx.Conn, query string) string {
	t.Helper()
	var got string
	if err := conn.QueryRow(context.Background(), query).Scan(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRun(t *testing.T) {
	tests := []struct {
		name    string
		sources []Source
		check   string
		want    string
	}{
		{
			"any order", []Source{
				file("a.sql", "CREATE VIEW v AS SELECT * FROM w; CREATE VIEW w AS SELECT * FROM t;"),
				file("b.sql", "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u; CREATE TABLE t (a int DEFAULT f());"),
				file("c.sql", "CREATE TABLE u (a int PRIMARY KEY); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT a FROM u';"),
			},
			"SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace", "t u u_pkey v w",
		},
		{
			"settings of the file", []Source{
				file("a.sql", "SET search_path = one; CREATE TABLE t (a d); SET search_path = two; CREATE TABLE u (a public.d); RESET search_path; CREATE TABLE p ();"),
				file("b.sql", "CREATE SCHEMA one; CREATE SCHEMA two; CREATE DOMAIN one.d AS int; CREATE DOMAIN d AS int; CREATE TABLE q ();"),
			},
			"SELECT string_agg(oid::regclass::text, ' ' ORDER BY oid::regclass::text) FROM pg_class WHERE relkind = 'r' AND relnamespace >= 16384 OR relnamespace = 'public'::regnamespace", "one.t p q two.u",
		},
		{
			"newer settings", []Source{file("a.sql", "SET transaction_timeout = 0; SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.t (); SET no_such_thing = 1; CREATE TABLE public.u ();")},
			"SELECT count(*)::text FROM pg_class WHERE relname IN ('t', 'u')", "2",
		},
		{
			"what cannot share a transaction", []Source{file("a.sql", `
BEGIN; CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a e); COMMIT;
ALTER TYPE e ADD VALUE 'b'; ALTER TABLE t ALTER a SET DEFAULT 'b';
CREATE INDEX CONCURRENTLY i ON t (a); REINDEX INDEX CONCURRENTLY i;
DO $$ BEGIN CREATE TABLE d (); COMMIT; END $$;`)},
			"SELECT count(*)::text FROM pg_class WHERE relname IN ('t', 'i', 'd')", "3",
		},
		{
			"psql commands", []Source{file("a.sql", "\\restrict abc\n\\set ON_ERROR_STOP on\n\\connect x\nCREATE TABLE t ();\n\\unrestrict abc\n")},
			"SELECT count(*)::text FROM pg_class WHERE relname = 't'", "1",
		},
		{
			"strings without the standard", []Source{file("a.sql", `SET standard_conforming_strings = off; SET escape_string_warning = off; CREATE TABLE t (a text DEFAULT 'a\';b');`)},
			"SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef", "'a'';b'::text",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn := newDatabase(t)
			if _, err := parseAndRun(context.Background(), conn, test.sources, Options{}); err != nil {
				t.Fatal(err)
			}
			if got := value(t, conn, test.check); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string
		hint string
	}{
		{"syntax", "CREATE TABLE t ();\n  CREATE TABEL u ();", `a.sql:2:10: syntax error at or near "TABEL" (SQLSTATE 42601)`, ""},
		{"missing table", "CREATE TABLE t ();\nCREATE VIEW v AS\n  SELECT * FROM nix;", `a.sql:3:17: relation "nix" does not exist (SQLSTATE 42P01)`, ""},
		{"cause before effect", "CREATE VIEW v AS SELECT * FROM t;\nCREATE TABLE t (a int, a int);", `a.sql:2:1: column "a" specified more than once (SQLSTATE 42701)`, ""},
		{"duplicate", "CREATE TABLE t ();\nCREATE TABLE t ();", `a.sql:2:1: relation "t" already exists (SQLSTATE 42P07)`, ""},
		{"sql body", "CREATE TABLE t ();\nCREATE FUNCTION ä() RETURNS int LANGUAGE sql AS\n$$ SELECT nix FROM t $$;", `a.sql:3:11: column "nix" does not exist (SQLSTATE 42703)`, ""},
		{"plpgsql body", "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETRUN 1;\nEND $$;", `a.sql:3:3: syntax error at or near "RETRUN" (SQLSTATE 42601)`, ""},
		{"two extensions", "CREATE EXTENSION nix; CREATE EXTENSION naught;", "a.sql:1:1: extensions nix, naught are not available on the scratch server (SQLSTATE 0A000)", "install them for the scratch server's PostgreSQL, or name a server that has them with --shadow"},
		{"missing role", "CREATE TABLE t (); ALTER TABLE t OWNER TO nobody_here;", `a.sql:1:20: role "nobody_here" does not exist (SQLSTATE 42704)`, "create the role on the scratch server, or in the files"},
		{"rollback", "BEGIN;\nROLLBACK;", "a.sql:2:1: ROLLBACK would undo a part of the file", "remove the statement and what it undoes"},
		{"psql command", "\\gset", `a.sql:1:1: the psql command \gset is not supported`, `only \i and \ir are followed; remove the command`},
		{"no place", "ALTER SYSTEM SET work_mem = '1MB'", "a.sql:1:1: ALTER SYSTEM is not part of a schema", "remove the statement"},
		{"subscription", "CREATE SUBSCRIPTION s CONNECTION 'host=h' PUBLICATION p", "a.sql:1:1: CREATE SUBSCRIPTION would connect to its publisher while the file is only read", "write WITH (connect = false, slot_name = ...), as pg_dump does"},
		{"setting", "\n\nSET work_mem = 'much';\nCREATE TABLE t ();", `a.sql:3:1: invalid value for parameter "work_mem": "much" (SQLSTATE 22023)`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseAndRun(context.Background(), newDatabase(t), []Source{file("a.sql", test.text)}, Options{})
			var placed *Error
			if !errors.As(err, &placed) {
				t.Fatalf("got %v, want %s", err, test.want)
			}
			if diff := cmp.Diff([]string{test.want, test.hint}, []string{err.Error(), placed.Hint()}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBodiesOfDumpsAreTrusted(t *testing.T) {
	text := `SET check_function_bodies = false; SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.t (a int); CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT a FROM t';`
	if _, err := parseAndRun(context.Background(), newDatabase(t), []Source{file("a.sql", text)}, Options{}); err != nil {
		t.Error(err)
	}
}

func TestBodiesKeepLaterChanges(t *testing.T) {
	conn := newDatabase(t)
	text := `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() STRICT; ALTER FUNCTION f() RENAME TO g;
CREATE FUNCTION h() RETURNS int LANGUAGE sql AS 'SELECT nix'; DROP FUNCTION h();`
	_, err := parseAndRun(context.Background(), conn, []Source{file("a.sql", strings.ReplaceAll(text, "nix", "2"))}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := value(t, conn, "SELECT string_agg(proname || proisstrict, ' ') FROM pg_proc WHERE pronamespace = 'public'::regnamespace"); got != "gtrue" {
		t.Errorf("got %s", got)
	}
}

func TestRoles(t *testing.T) {
	conn := newDatabase(t)
	text := `CREATE TABLE t (); ALTER TABLE t OWNER TO "Stub 1"; GRANT SELECT ON t TO stub2, stub3;
SET ROLE stub4; RESET ROLE; SET SESSION AUTHORIZATION stub2; RESET SESSION AUTHORIZATION;
CREATE TABLE u (); CREATE ROLE made LOGIN ENCRYPTED PASSWORD 'secret'; CREATE ROLE stub2; ALTER USER made PASSWORD 'x';
CREATE POLICY p ON t TO stub5;`
	result, err := parseAndRun(context.Background(), conn, []Source{file("a.sql", text)}, Options{CreateRoles: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Stub 1", "stub2", "stub3", "stub4", "stub5"}, result.Roles); diff != "" {
		t.Error(diff)
	}
	if got := value(t, conn, "SELECT count(*)::text FROM pg_authid WHERE rolname = 'made' AND rolpassword IS NULL"); got != "1" {
		t.Error("the role has a password or is missing")
	}
	if got := value(t, conn, "SELECT relowner::regrole::text FROM pg_class WHERE relname = 't'"); got != `"Stub 1"` {
		t.Error(got)
	}
}

func TestSessionRole(t *testing.T) {
	conn := newDatabase(t)
	text := "GRANT CREATE ON SCHEMA public TO owner1; SET ROLE owner1;\nCREATE TABLE t (); RESET ROLE; CREATE TABLE u ();"
	result, err := parseAndRun(context.Background(), conn, []Source{file("a.sql", text)}, Options{CreateRoles: true})
	if err != nil || len(result.Roles) != 1 {
		t.Fatal(result, err)
	}
	if got := value(t, conn, "SELECT string_agg(tableowner, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"); got != "owner1 postgres" {
		t.Error(got)
	}
}

func TestFindings(t *testing.T) {
	text := "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\nCOPY t FROM stdin;\n1\n\\.\nSELECT pg_catalog.setval('s', 1);\nVACUUM t;\nCREATE TABLE more ();\nALTER SUBSCRIPTION \"S s\"enable;\nALTER subscription s REFRESH PUBLICATION;\nGRANT SELECT ON LARGE OBJECT 1 TO x;\nALTER LARGE OBJECT 1 OWNER TO x"
	result, err := parseAndRun(context.Background(), newDatabase(t), []Source{file("a.sql", text)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Finding{
		{Code: "not-schema", File: "a.sql", Line: 2, Column: 1, Message: "INSERT is data, not part of the schema"},
		{Code: "not-schema", File: "a.sql", Line: 3, Column: 1, Message: "COPY is data, not part of the schema"},
		{Code: "not-schema", File: "a.sql", Line: 6, Column: 1, Message: "setval is data, not part of the schema"},
		{Code: "not-schema", File: "a.sql", Line: 7, Column: 1, Message: "VACUUM is not part of the schema"},
		{Code: "not-schema", File: "a.sql", Line: 9, Column: 1, Message: "ALTER SUBSCRIPTION ... ENABLE or REFRESH would connect to the publisher, and is not part of the schema"},
		{Code: "not-schema", File: "a.sql", Line: 10, Column: 1, Message: "ALTER SUBSCRIPTION ... ENABLE or REFRESH would connect to the publisher, and is not part of the schema"},
		{Code: "not-schema", File: "a.sql", Line: 11, Column: 1, Message: "large objects are data, not part of the schema"},
		{Code: "not-schema", File: "a.sql", Line: 12, Column: 1, Message: "large objects are data, not part of the schema"},
	}
	if diff := cmp.Diff(want, result.Findings); diff != "" {
		t.Error(diff)
	}
}

// Files in any order must load without a round trip per statement and round.
func TestReversedFiles(t *testing.T) {
	var sources []Source
	for i := 600; i > 0; i-- {
		sources = append(sources, file(fmt.Sprintf("%d.sql", i), fmt.Sprintf("CREATE VIEW v%d AS SELECT * FROM v%d;", i, i-1)))
	}
	sources = append(sources, file("0.sql", "CREATE VIEW v0 AS SELECT 1 AS a;"))
	if _, err := parseAndRun(context.Background(), newDatabase(t), sources, Options{}); err != nil {
		t.Fatal(err)
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	conn := newDatabase(t)
	cancel()
	_, err := parseAndRun(ctx, conn, []Source{file("a.sql", "CREATE TABLE t ()")}, Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
