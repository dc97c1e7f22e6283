package load

import (
	"context"
	"errors"
	"testing"
)

// A label is written without the library of its provider, also by a file that
// acts as another role, and for an object that comes later.
func TestLabels(t *testing.T) {
	conn := newDatabase(t)
	_, err := parseAndRun(context.Background(), conn, []Source{
		file("a.sql", "SECURITY LABEL FOR p ON TABLE one.t IS E'it''s\\n';"),
		file("b.sql", "CREATE SCHEMA one; SET ROLE labeller; SET search_path = one; SECURITY LABEL FOR p ON COLUMN t.a IS 'x'; SECURITY LABEL FOR q ON COLUMN t.a IS 'y';"),
		file("c.sql", "CREATE TABLE one.t (a int); ALTER TABLE one.t OWNER TO labeller; GRANT ALL ON SCHEMA one TO labeller;"),
	}, Options{CreateRoles: true})
	if err != nil {
		t.Fatal(err)
	}
	want := "one.t p it's\n|one.t.a p x|one.t.a q y"
	if got := value(t, conn, "SELECT string_agg(objname || ' ' || provider || ' ' || label, '|' ORDER BY objname, provider) FROM pg_seclabels"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := value(t, conn, "SELECT count(*)::text FROM pg_description WHERE objoid >= 16384"); got != "0" {
		t.Errorf("%s comments are left", got)
	}
}

func TestLabelErrors(t *testing.T) {
	for _, test := range []struct{ name, role, sql, message, hint string }{
		{"no provider", "", "CREATE TABLE t (); SECURITY LABEL ON TABLE t IS 'x'", noProvider, "name the provider: SECURITY LABEL FOR provider ON ..."},
		{"no object", "", "SECURITY LABEL FOR p ON TABLE nix IS 'x'", `relation "nix" does not exist`, ""},
		{"no such kind", "", "CREATE TABLE t (a int PRIMARY KEY); SECURITY LABEL FOR p ON INDEX t_pkey IS 'x'", "security labels are not supported for this type of object", ""},
		{"no superuser", "label_loader", "SECURITY LABEL FOR p ON SCHEMA public IS 'x'", `security label provider "p" is not loaded`,
			"load the provider's library on the scratch server, or use a scratch server where the role is a superuser: there the library is not needed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn := newDatabase(t)
			if test.role != "" {
				if _, err := conn.Exec(context.Background(), "CREATE ROLE "+test.role+"; SET SESSION AUTHORIZATION "+test.role); err != nil {
					t.Fatal(err)
				}
			}
			_, err := parseAndRun(context.Background(), conn, []Source{file("a.sql", test.sql)}, Options{})
			var placed *Error
			if !errors.As(err, &placed) || placed.Message != test.message || placed.Hint() != test.hint {
				t.Errorf("got %v with the hint %q", err, placed.Hint())
			}
		})
	}
}
