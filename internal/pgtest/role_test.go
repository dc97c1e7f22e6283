package pgtest_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// A proof makes the roles of the target on the shadow, whatever they are called.
func TestProofMakesHostileRoles(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	creator, reader := `own$$er $do$ "'\ %I`, `read$do$er $$; --%s "'\`
	clusters.Roles(t, major, creator, reader)
	pgtest.Exec(t, clusters.Server(t, major).URL("postgres"), "ALTER ROLE "+pg.QuoteIdent(creator)+" LOGIN SUPERUSER")
	file := filepath.Join(t.TempDir(), "to.sql")
	if err := os.WriteFile(file, []byte("CREATE TABLE t (a integer); GRANT SELECT ON t TO "+pg.QuoteIdent(reader)), 0o644); err != nil {
		t.Fatal(err)
	}
	target := cairn.Connection{Database: clusters.Load(t, major, "CREATE TABLE old (a integer)"), User: creator}
	engine := pgtest.NewEngine(t)
	plan := pgtest.ApplyWhole(t, engine, cairn.PlanRequest{Target: target, Desired: file, Prove: cairn.Full,
		Selection: cairn.Selection{Owners: cairn.All, Privileges: cairn.All}})
	if plan.Proof == nil || len(plan.Proof.Omitted) > 0 {
		t.Errorf("the proof is %+v", plan.Proof)
	}
	for _, s := range plan.Steps {
		if !s.Observed {
			t.Errorf("not observed: %s", s.SQL)
		}
	}
}
