package object_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

const withDefaults = `
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO case_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC, CURRENT_USER;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO case_reader, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO case_reader WITH GRANT OPTION;
`

// Default privileges that a plan does not manage still work on what it creates.
func TestDefaultPrivilegesOutsideOfThePlan(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			clusters.Roles(t, major, "case_reader")
			engine := pgtest.NewEngine(t)
			for name, selection := range map[string]cairn.Selection{
				"other schemas": {Schemas: []string{"a"}, Privileges: cairn.All},
				"ignored":       {Ignore: []string{"default_privilege:*"}, Privileges: cairn.All},
				"no privileges": {Privileges: cairn.None},
			} {
				url := clusters.Load(t, major, "CREATE SCHEMA a;"+withDefaults)
				file := filepath.Join(t.TempDir(), "to.sql")
				if err := os.WriteFile(file, []byte("CREATE SCHEMA IF NOT EXISTS a; CREATE TABLE a.t (id integer);"), 0o600); err != nil {
					t.Fatal(err)
				}
				request := cairn.PlanRequest{Target: cairn.Connection{Database: url}, Desired: file, Selection: selection,
					Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}}
				plan := pgtest.Apply(t, engine, request)
				if again, err := engine.Plan(t.Context(), request); err != nil || len(again.Steps) > 0 {
					t.Errorf("%s: the second plan is %v, %v", name, again, err)
				}
				revokes := 0
				for _, s := range plan.Steps {
					if strings.HasPrefix(s.SQL, "REVOKE") {
						revokes++
					}
				}
				if want := map[bool]int{true: 1}[selection.Privileges == cairn.All]; revokes != want || len(plan.Steps) != want+1 {
					t.Errorf("%s: the plan is %v", name, plan.Steps)
				}
			}
		})
	}
}

// A scratch database that the user gave forgets default privileges.
func TestDefaultPrivilegesLeaveTheShadow(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			clusters.Roles(t, major, "case_reader")
			shadow := clusters.Shadow(t, major)
			engine := pgtest.NewEngine(t)
			file := filepath.Join(t.TempDir(), "to.sql")
			if err := os.WriteFile(file, []byte(withDefaults), 0o600); err != nil {
				t.Fatal(err)
			}
			dump, _, err := engine.Dump(t.Context(), cairn.DumpRequest{From: file, Scratch: cairn.Scratch{Shadow: shadow}})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, f := range dump {
				text += f.Text
			}
			if !strings.Contains(text, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO case_reader;") || strings.Contains(text, "FOR ROLE") {
				t.Errorf("the dump is %s", text)
			}
			var left int
			if err := pgtest.Connect(t, shadow).QueryRow(t.Context(), "SELECT count(*) FROM pg_default_acl").Scan(&left); err != nil || left > 0 {
				t.Errorf("%d default privileges are left, %v", left, err)
			}
		})
	}
}
