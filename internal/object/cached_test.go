package object_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// The museum is planned alike from what files build and from what they built
// before.
func TestCachedMuseum(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	before, after := museum(t, major)
	file := filepath.Join(t.TempDir(), "museum.sql")
	if err := os.WriteFile(file, []byte("CREATE ROLE museum_super SUPERUSER;\n"+after+"\nCOMMENT ON SCHEMA public IS '"+rand.Text()+"';"), 0o600); err != nil {
		t.Fatal(err)
	}
	request := cairn.PlanRequest{Target: cairn.Connection{Database: clusters.Load(t, major, before)}, Desired: file, Prove: cairn.NoProof}
	pgtest.Cached(t, request, 1, -1) // versions differ in whether they print all alike
}
