package load

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const aboutServer = `GRANT server_a TO server_mentioned; ALTER ROLE server_mentioned CREATEDB; CREATE ROLE server_a LOGIN;
COMMENT ON ROLE server_a IS 'x'; ALTER ROLE server_a IN DATABASE app SET work_mem = '1MB'; ALTER ROLE server_a SET work_mem = '2MB';
ALTER DATABASE app SET work_mem = '3MB'; ALTER DATABASE other SET work_mem = '4MB'; ALTER DATABASE app RENAME TO b; ALTER ROLE CURRENT_USER SET work_mem = '1MB';
GRANT ALL ON DATABASE app, app TO server_a; COMMENT ON DATABASE "app" IS 'ON DATABASE other'; GRANT SELECT ON t TO server_a; CREATE TABLE t ();`

func findings(result Result) (lines []string) {
	for _, f := range result.Findings {
		lines = append(lines, f.Code+" "+f.Message)
	}
	return lines
}

// What is about the server or the database is left alone, with a finding for each.
func TestServerLeftAlone(t *testing.T) {
	conn := newDatabase(t)
	result, err := parseAndRun(context.Background(), conn, []Source{file("a.sql", aboutServer)}, Options{CreateRoles: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"roles-unmanaged statements about roles, their memberships and settings are left alone (7)",
		"database-settings-unmanaged statements about the database itself are left alone (5)"}
	if diff := cmp.Diff(want, findings(result)); diff != "" {
		t.Error(diff)
	}
	if result.Findings[0].Hint != "use --roles to manage them" {
		t.Error(result.Findings[0].Hint)
	}
	if got := value(t, conn, "SELECT count(*)::text FROM pg_db_role_setting WHERE setdatabase <> 0"); got != "0" {
		t.Error("a setting was made")
	}
}

// Where they count, roles are created before they are mentioned, and the scratch
// database stands for the one that the files name.
func TestServer(t *testing.T) {
	conn := newDatabase(t)
	text := strings.ReplaceAll(aboutServer, "server_", "managed_")
	result, err := parseAndRun(context.Background(), conn, []Source{file("a.sql", text)}, Options{CreateRoles: true, Roles: true, Database: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"other-database the statement is about database other, not about app, and is left alone",
		"not-schema ALTER DATABASE ... RENAME is not managed", "not-schema ALTER ROLE CURRENT_USER is not managed",
		"role-not-created role managed_mentioned is changed and nowhere created: its attributes are left alone"}
	if diff := cmp.Diff(want, findings(result)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"managed_mentioned"}, result.Roles); diff != "" || result.Name != "app" {
		t.Error(diff, result.Name)
	}
	got := value(t, conn, `SELECT string_agg(coalesce(rolname, '-') || ' ' || setconfig[1], ', ' ORDER BY setconfig) FROM pg_db_role_setting s
		LEFT JOIN pg_roles r ON r.oid = setrole WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) OR rolname ~ '^managed'`)
	if got != "managed_a work_mem=1MB, managed_a work_mem=2MB, - work_mem=3MB" {
		t.Error(got)
	}
	if got := value(t, conn, "SELECT shobj_description(pg_database.oid, 'pg_database') || rolcanlogin FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = 'managed_a'"); got != "ON DATABASE othertrue" {
		t.Error(got)
	}
}
