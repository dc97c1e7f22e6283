package pg

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitStatements(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []string
	}{
		{"empty", "", nil},
		{"only comments", "-- a\n/* b; /* c; */ */ ; ;", nil},
		{"two", "SELECT 1;\nSELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"string", "SELECT ';''';SELECT 2;", []string{"SELECT ';'''", "SELECT 2"}},
		{"backslash in standard string", `SELECT '\';SELECT 2;`, []string{`SELECT '\'`, "SELECT 2"}},
		{"escape string", `SELECT E'\';';SELECT 2;`, []string{`SELECT E'\';'`, "SELECT 2"}},
		{"continued escape string", "SELECT E'a' -- c\n '\\';';SELECT 2;", []string{"SELECT E'a' -- c\n '\\';'", "SELECT 2"}},
		{"identifier ending in e", `SELECT name'\';SELECT 2;`, []string{`SELECT name'\'`, "SELECT 2"}},
		{"unicode forms", `SELECT U&"a;""", u&'\0061;', U&x;SELECT 2;`, []string{`SELECT U&"a;""", u&'\0061;', U&x`, "SELECT 2"}},
		{"bit strings", "SELECT B'1;', x'f;';SELECT 2;", []string{"SELECT B'1;', x'f;'", "SELECT 2"}},
		{"quoted identifier", `SELECT ";""'";SELECT 2;`, []string{`SELECT ";""'"`, "SELECT 2"}},
		{"dollar", "DO $$ ; $a$ ; $$;DO $a$ $$;$a$", []string{"DO $$ ; $a$ ; $$", "DO $a$ $$;$a$"}},
		{"dollar in identifier", "SELECT a$$;SELECT $1;", []string{"SELECT a$$", "SELECT $1"}},
		{"dollar after number", "SELECT 1$$;$$;SELECT 2", []string{"SELECT 1$$;$$", "SELECT 2"}},
		{"rule", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);SELECT 3;", []string{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"}},
		{"atomic", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;SELECT 3;", []string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END", "SELECT 3"}},
		{"atomic or replace", "create or replace procedure p() begin atomic select (case when true then 1 end); end;SELECT 3;", []string{"create or replace procedure p() begin atomic select (case when true then 1 end); end", "SELECT 3"}},
		{"begin elsewhere", "BEGIN;SELECT CASE WHEN true THEN 1 END;END;", []string{"BEGIN", "SELECT CASE WHEN true THEN 1 END", "END"}},
		{"set changes strings", `SET standard_conforming_strings = off;SELECT '\';';SET standard_conforming_strings TO 'on';SELECT '\';`, []string{"SET standard_conforming_strings = off", `SELECT '\';'`, "SET standard_conforming_strings TO 'on'", `SELECT '\'`}},
		{"crlf and mark", "\uFEFFSELECT 1;\r\nSELECT 2;\r\n", []string{"SELECT 1", "SELECT 2"}},
		{"operator next to comment", "SELECT 1 +-- ;\n2;SELECT 1*/*;*/2", []string{"SELECT 1 +-- ;\n2", "SELECT 1*/*;*/2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			statements, err := Split("a.sql", test.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, statement := range statements {
				got = append(got, statement.SQL)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSplitDetails(t *testing.T) {
	text := "-- first\n/* second */ SELECT 'ä',\n1; -- behind\n" +
		"\\restrict 'a b' c\n" +
		"  COPY t (a, b) FROM stdin;\n1\t;\n\\.\n-- last\nSELECT 2;\n\\echo x\\\\SELECT 3"
	got, err := Split("a.sql", text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].end, got[i].Offset, got[i].File = 0, 0, ""
	}
	want := []Statement{
		{SQL: "SELECT 'ä',\n1", Line: 2, Column: 14, Comment: "-- first\n/* second */\n-- behind"},
		{SQL: "\\restrict 'a b' c", Line: 4, Column: 1, Meta: "restrict", Args: []string{"a b", "c"}},
		{SQL: "COPY t (a, b) FROM stdin", Line: 5, Column: 3, Copy: true, Data: "1\t;\n"},
		{SQL: "SELECT 2", Line: 9, Column: 1, Comment: "-- last"},
		{SQL: "\\echo x", Line: 10, Column: 1, Meta: "echo", Args: []string{"x"}},
		{SQL: "SELECT 3", Line: 10, Column: 10},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Statement{})); diff != "" {
		t.Error(diff)
	}
}

func TestSplitErrors(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string
	}{
		{"string", "SELECT 1;\n 'a", "a.sql:2:2: unterminated quoted string"},
		{"identifier", `SELECT "a`, "a.sql:1:8: unterminated quoted identifier"},
		{"dollar", "SELECT $x$ a $$", "a.sql:1:8: unterminated dollar-quoted string $x$"},
		{"comment", "/* /* */", "a.sql:1:1: unterminated /* comment"},
		{"zero byte", "SELECT\x00", "a.sql:1:7: not SQL text: it contains a zero byte"},
		{"not utf-8", "ä\n\xe9", "a.sql:2:1: not SQL text: it contains byte 0xe9, which is not UTF-8"},
		{"utf-16", "\xff\xfeS\x00", "a.sql:1:1: not UTF-8 text; the file seems to be UTF-16"},
		{"psql command inside", "SELECT 1 \\gexec\n", "a.sql:1:10: a psql command cannot follow an unfinished statement; is a semicolon missing?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Split("a.sql", test.text)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestPosition(t *testing.T) {
	statements, err := Split("a.sql", "\n  SELECT 'ä',\n   x")
	if err != nil {
		t.Fatal(err)
	}
	line, column := Position(statements[0], strings.Index(statements[0].SQL, "x")) // one byte more than characters
	if line != 3 || column != 4 {
		t.Errorf("got %d:%d, want 3:4", line, column)
	}
}

func TestComments(t *testing.T) {
	text := "-- a\nCREATE TABLE t ( -- b\n  /* c */ x text DEFAULT '-- no');\nDO $$ -- no\n$$; -- d\n\\echo -- no\nCOPY t FROM stdin;\n-- no\n\\.\n-- e "
	got, err := Comments("a.sql", text)
	if diff := cmp.Diff([]string{"-- a", "-- b", "/* c */", "-- d", "-- e"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := Comments("a.sql", "\n'x"); err == nil || !strings.HasPrefix(err.Error(), "a.sql:2:1: ") {
		t.Errorf("got %v", err)
	}
}
