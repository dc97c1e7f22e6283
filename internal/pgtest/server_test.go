package pgtest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

const withRoles = `
CREATE ROLE "Odd, one" NOINHERIT; CREATE ROLE app LOGIN VALID UNTIL '2031-01-01 00:00:00+00'; CREATE ROLE outsider;
GRANT "Odd, one" TO app WITH ADMIN OPTION;
GRANT pg_monitor TO "Odd, one";
ALTER ROLE app SET search_path = "Odd, one", public;
ALTER ROLE app IN DATABASE app SET app.tenant = 'it''s';
ALTER ROLE app SET app.api_secret = 'hunter2';
COMMENT ON ROLE app IS 'the app';
COMMENT ON DATABASE app IS 'a database';
ALTER DATABASE app CONNECTION LIMIT 5;
ALTER DATABASE app SET work_mem = '5MB';
ALTER DATABASE app SET app.db_password = 'hunter2';
GRANT CREATE ON DATABASE app TO app;
CREATE TABLE t (a integer);
ALTER TABLE t OWNER TO app;
`

var everything = cairn.Selection{Roles: true, Database: true, Owners: cairn.All, Privileges: cairn.All}

// What a dump and a snapshot hold of roles and the database makes it again on
// another server, in a database of another name.
func TestServerRoundTrip(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			source := clusters.Own(t, major, withRoles)
			engine := pgtest.NewEngine(t)
			files, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: cairn.Connection{Database: source}, Selection: everything})
			if err != nil {
				t.Fatal(err)
			}
			if text := files[0].Text; strings.Contains(text, "hunter2") || !strings.Contains(text, "CREATE ROLE app") {
				t.Errorf("the dump is\n%s", text)
			}
			dump := writeFile(t, files[0].Text)
			text := takeSnapshot(t, engine, cairn.SnapshotRequest{Target: cairn.Connection{Database: source}, Selection: everything})
			if bytes.Contains(text, []byte("hunter2")) {
				t.Error("the snapshot holds a secret")
			}
			snapshot := "snapshot:" + filepath.Join(t.TempDir(), "app.json")
			if err := os.WriteFile(strings.TrimPrefix(snapshot, "snapshot:"), text, 0o644); err != nil {
				t.Fatal(err)
			}
			same := clusters.Own(t, major, "")
			pgtest.Apply(t, engine, cairn.PlanRequest{Target: cairn.Connection{Database: same}, Desired: dump, Selection: everything})
			other := strings.Replace(clusters.Own(t, major, "CREATE DATABASE other"), "/app?", "/other?", 1)
			pgtest.Apply(t, engine, cairn.PlanRequest{Target: cairn.Connection{Database: other}, Desired: snapshot, Selection: everything})
			for _, pair := range [][2]string{{dump, source}, {source, dump}, {snapshot, source}, {source, same}, {other, source}, {source, other}, {other, snapshot}} {
				plan, err := engine.Diff(t.Context(), cairn.DiffRequest{From: pair[0], To: pair[1], Selection: everything})
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range plan.Steps {
					t.Errorf("%s and %s differ: %s", pair[0], pair[1], s.SQL)
				}
			}
		})
	}
}

// A role that no file creates stays with all that it has; the one that initdb
// made is not touched; and without the options nothing of it is.
func TestRolesLeftAlone(t *testing.T) {
	major := pgtest.Versions()[0]
	target := clusters.Own(t, major, withRoles+"GRANT app TO outsider")
	engine := pgtest.NewEngine(t)
	desired := writeFile(t, "CREATE ROLE postgres SUPERUSER; CREATE ROLE app LOGIN; GRANT app TO postgres; CREATE TABLE t (a integer); GRANT SELECT ON t TO outsider;")
	request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: desired, Selection: cairn.Selection{Roles: true}}
	plan := pgtest.Apply(t, engine, request)
	want := `REVOKE "Odd, one" FROM app;
ALTER ROLE app RESET search_path;
ALTER ROLE app IN DATABASE app RESET "app.tenant";
COMMENT ON ROLE app IS NULL;
ALTER ROLE app VALID UNTIL 'infinity';
GRANT SELECT ON TABLE public.t TO outsider;
`
	if diff := cmp.Diff(want, steps(plan)); diff != "" {
		t.Error(diff)
	}
	if f := finding(t, plan.Findings, "roles-left-alone"); !strings.HasSuffix(f.Message, ": Odd, one, outsider") {
		t.Error(f.Message)
	}
	finding(t, plan.Findings, "role-reserved")
	request.Selection.Roles = false
	plan, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	finding(t, plan.Findings, "roles-unmanaged")
	if len(plan.Steps) > 0 {
		t.Errorf("without the option, the plan is\n%s", steps(plan))
	}
}

// A reader who is no superuser sees the same.
func TestRolesRestrictedReader(t *testing.T) {
	major := pgtest.Versions()[len(pgtest.Versions())-1]
	target := clusters.Own(t, major, withRoles+"CREATE ROLE reader LOGIN CREATEROLE; GRANT app TO reader WITH ADMIN OPTION")
	engine := pgtest.NewEngine(t)
	selection := cairn.Selection{Roles: true, Database: true}
	files, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: cairn.Connection{Database: target}, Selection: selection})
	if err != nil {
		t.Fatal(err)
	}
	connection := cairn.Connection{Database: target, User: "reader"}
	plan, err := engine.Plan(t.Context(), cairn.PlanRequest{Target: connection, Desired: writeFile(t, files[0].Text), Selection: selection})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Steps) > 0 {
		t.Errorf("the plan is\n%s", steps(plan))
	}
	// What it gets on a role that it creates is nobody's statement.
	more := writeFile(t, files[0].Text+"CREATE ROLE made; ALTER ROLE made SET work_mem = '1MB';")
	if got := steps(pgtest.Apply(t, engine, cairn.PlanRequest{Target: connection, Desired: more, Selection: selection})); got !=
		"CREATE ROLE made;\nALTER ROLE made SET work_mem TO '1MB';\n" {
		t.Errorf("the plan is\n%s", got)
	}
}

// What manages more than a scratch database is refused where that is not alone.
func TestOptionsRefused(t *testing.T) {
	major := pgtest.Versions()[0]
	target := clusters.Load(t, major, "")
	engine := pgtest.NewEngine(t)
	plain := filepath.Join(t.TempDir(), "plain.json")
	if err := os.WriteFile(plain, takeSnapshot(t, engine, cairn.SnapshotRequest{Target: cairn.Connection{Database: target}}), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, desired, shadow, message, hint string
		selection                            cairn.Selection
	}{
		{"beside the target", writeFile(t, "CREATE ROLE x"), "target", "--roles needs a local shadow: what it manages is not only in a scratch database",
			"leave out --shadow, or leave out --roles", cairn.Selection{Roles: true}},
		{"given", writeFile(t, "CREATE ROLE x"), clusters.Shadow(t, major), "--database-settings needs a local shadow: what it manages is not only in a scratch database",
			"leave out --shadow, or leave out --database-settings", cairn.Selection{Database: true}},
		{"snapshot without roles", "snapshot:" + plain, "", "snapshot:" + plain + " holds no roles", "take the snapshot with --roles", cairn.Selection{Roles: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := engine.Plan(t.Context(), cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: test.desired,
				Selection: test.selection, Scratch: cairn.Scratch{Shadow: test.shadow}})
			var hinted interface{ Hint() string }
			if err == nil || err.Error() != test.message || !errors.As(err, &hinted) || hinted.Hint() != test.hint {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Renames and expressions that print otherwise are made on shadows without roles.
func TestServerBesideRenames(t *testing.T) {
	major := pgtest.Versions()[0]
	target := clusters.Own(t, major, withRoles+beforeRenames+"ALTER TABLE users OWNER TO app; GRANT SELECT ON users TO \"Odd, one\"")
	engine := pgtest.NewEngine(t)
	desired := writeFile(t, withRoles+afterRenames+`ALTER TABLE "People" OWNER TO app; GRANT SELECT ON "People" TO "Odd, one"; CREATE ROLE fresh; GRANT UPDATE ON "People" TO fresh`)
	request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: desired, Selection: everything}
	plan := pgtest.ApplyWhole(t, engine, request)
	text := steps(plan)
	if !strings.Contains(text, `ALTER TABLE public.users RENAME TO "People"`) || !strings.Contains(text, "CREATE ROLE fresh") || strings.Contains(text, "DROP") {
		t.Errorf("the plan is\n%s", text)
	}
}

// A server of an older version compares with one of a newer.
func TestServersOfOtherVersions(t *testing.T) {
	versions := pgtest.Versions()
	if len(versions) < 2 {
		t.Logf("there is one version: %v", versions)
		return
	}
	older, newer := clusters.Own(t, versions[0], withRoles), clusters.Own(t, versions[1], withRoles)
	plan, err := pgtest.NewEngine(t).Diff(t.Context(), cairn.DiffRequest{From: older, To: newer, Selection: everything})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Steps {
		t.Errorf("the versions differ: %s", s.SQL)
	}
}

// What a file grants to a role that it only mentions is what PostgreSQL makes of
// it for that role.
func TestMentionedRoles(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			const granted = "CREATE ROLE readers; GRANT readers TO one, two;"
			target := clusters.Own(t, major, "CREATE ROLE one NOINHERIT; CREATE ROLE two;"+granted)
			request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: writeFile(t, granted), Selection: cairn.Selection{Roles: true}}
			plan, err := pgtest.NewEngine(t).Plan(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Steps) > 0 {
				t.Errorf("the plan is\n%s", steps(plan))
			}
		})
	}
}

// Without a target, files have to say the name of the database that they set something of.
func TestUnnamedDatabase(t *testing.T) {
	const block = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$;"
	engine := pgtest.NewEngine(t)
	request := cairn.DumpRequest{From: writeFile(t, block), Selection: cairn.Selection{Database: true}}
	_, _, err := engine.Dump(t.Context(), request)
	if err == nil || err.Error() != "database setting $database.work_mem belongs to a database whose name the files do not say" {
		t.Errorf("got %v", err)
	}
	request.From = writeFile(t, block+"ALTER DATABASE named CONNECTION LIMIT 3;")
	files, _, err := engine.Dump(t.Context(), request)
	if err != nil || files[0].Text != "ALTER DATABASE named CONNECTION LIMIT 3;\n\nALTER DATABASE named SET work_mem TO '64';\n" {
		t.Errorf("got %v, %v", files, err)
	}
}
