package object_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

const withSecrets = `
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (a '1', password 'hunter2', sslpassword 'hunter2', client_secret 'hunter2');
CREATE SUBSCRIPTION quoted CONNECTION 'host=h.invalid password=''hunter2 hunter2'' application_name=''a password=b'' sslpassword=hunter2' PUBLICATION p WITH (connect = false);
CREATE SUBSCRIPTION uri CONNECTION 'postgresql://me:hunter2@h.invalid/d?sslmode=require&password=hunter2' PUBLICATION p WITH (connect = false);
CREATE SUBSCRIPTION odd CONNECTION 'postgres://me:hunter2?x=y@h.invalid?pass%77ord=hunter2' PUBLICATION p WITH (connect = false);
`

// Secrets stay on the server: no plan holds one, and a plan that drops one has
// to be allowed to.
func TestSecretsAreNotRead(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			url := clusters.Load(t, major, withSecrets)
			engine := pgtest.NewEngine(t)
			for _, request := range []cairn.DiffRequest{{From: url, To: cairn.Empty}, {From: cairn.Empty, To: url}} {
				plan, err := engine.Diff(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(plan)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "%77") {
					t.Errorf("the plan holds a secret: %s", text)
				}
				if request.From != url {
					continue
				}
				lost := 0
				for _, s := range plan.Steps {
					if s.Loses != "" {
						lost++
					}
				}
				if lost != 4 {
					t.Errorf("%d steps can lose something, 4 do", lost)
				}
			}
		})
	}
}

// Who may not read connections and options can still compare the rest.
func TestRestrictedReader(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			pgtest.Exec(t, clusters.Server(t, major).URL("postgres"),
				"DO $$ BEGIN CREATE ROLE case_login LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$")
			url := clusters.Load(t, major, withSecrets)
			file := filepath.Join(t.TempDir(), "to.sql")
			other := strings.ReplaceAll(strings.ReplaceAll(withSecrets, "h.invalid", "other.invalid"), "a '1'", "a '2'")
			if err := os.WriteFile(file, []byte(other), 0o600); err != nil {
				t.Fatal(err)
			}
			scratch := cairn.Scratch{Shadow: clusters.Shadow(t, major)}
			engine := pgtest.NewEngine(t)
			for user, want := range map[string]int{"postgres": 4, "case_login": 0} {
				plan, err := engine.Plan(t.Context(), cairn.PlanRequest{Target: cairn.Connection{Database: url, User: user}, Desired: file, Scratch: scratch})
				if err != nil {
					t.Fatal(err)
				}
				if len(plan.Steps) != want {
					t.Errorf("as %s, the plan has %d steps, want %d: %v", user, len(plan.Steps), want, plan.Steps)
				}
				if (plan.From == plan.To) != (want == 0) {
					t.Errorf("as %s, the fingerprints are %s and %s", user, plan.From, plan.To)
				}
			}
		})
	}
}
