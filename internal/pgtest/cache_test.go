package pgtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/bench/schemas"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// desiredFile writes a desired state that no cache has.
func desiredFile(t *testing.T, sql string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "desired.sql")
	if err := os.WriteFile(file, []byte(sql+";\nCOMMENT ON SCHEMA public IS '"+rand.Text()+"'"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A plan is the same whether the desired state is built or was built before, also
// where the shadow is needed for more than building.
func TestCachedPlans(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	const tenant = "CREATE TABLE a (b varchar(9) CHECK (b IN ('x', 'y')), c integer); CREATE VIEW v AS SELECT b FROM a WHERE b IN ('x', 'y');"
	for _, test := range []struct {
		name, from, to string
		selection      cairn.Selection
		prove          cairn.Reach
		taken, filled  int
	}{
		{"findings and a proof", "CREATE TABLE a (b integer)", "INSERT INTO a VALUES (1);\nCREATE TABLE a (b bigint NOT NULL);\nGRANT SELECT ON a TO cached_reader", cairn.Selection{}, cairn.Closure, 1, 0},
		{"prints", "CREATE TABLE a (b varchar(9), CONSTRAINT k CHECK ((b)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))",
			"CREATE TABLE a (b varchar(9), c integer, CONSTRAINT k CHECK (b IN ('x', 'y')))", cairn.Selection{}, cairn.NoProof, 1, 1},
		{"renames", beforeRenames, afterRenames, cairn.Selection{}, cairn.NoProof, 1, 1},
		{"roles and settings", "", "CREATE ROLE cached_owner; CREATE TABLE a (); ALTER TABLE a OWNER TO cached_owner; GRANT cached_owner TO cached_other; ALTER DATABASE app SET work_mem = '5MB'",
			cairn.Selection{Roles: true, Database: true}, cairn.NoProof, 1, 0},
		{"a part of the target", "CREATE SCHEMA other; CREATE TYPE other.t AS (a integer); CREATE SCHEMA mine; CREATE TABLE mine.a (b other.t)",
			"CREATE TABLE a (b other.t, c other.t)", cairn.Selection{Schemas: []string{"mine"}}, cairn.NoProof, 1, 0},
		{"tenants", "CREATE SCHEMA tenant_1; CREATE SCHEMA tenant_2; SET search_path = tenant_1;" + tenant + "ALTER TABLE a DROP COLUMN c; SET search_path = tenant_2;" + tenant,
			tenant + "CREATE TABLE extra (a integer)", cairn.Selection{Schemas: []string{"tenant_*"}}, cairn.NoProof, 2, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := cairn.PlanRequest{Target: cairn.Connection{Database: clusters.Load(t, major, test.from)},
				Desired: desiredFile(t, test.to), Selection: test.selection, Prove: test.prove}
			pgtest.Cached(t, request, test.taken, test.filled)
		})
	}
}

// The plan of a change is the same whether the desired state is built or derived
// from the one before.
func TestDerivedPlan(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	clusters.Roles(t, major, schemas.Roles...)
	sql := schemas.SQL(schemas.Parameters{Tables: 80})
	fresh := ";\nCOMMENT ON SCHEMA sales IS '" + rand.Text() + "'"
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.sql"), filepath.Join(dir, "after.sql")
	changed := schemas.SQL(schemas.Parameters{Tables: 80, Changed: true})
	if err := errors.Join(os.WriteFile(before, []byte(sql+fresh), 0o600), os.WriteFile(after, []byte(changed+fresh), 0o600)); err != nil {
		t.Fatal(err)
	}
	pgtest.Derived(t, cairn.PlanRequest{Target: cairn.Connection{Database: clusters.Load(t, major, sql)}, Desired: after}, before)
}

// Equal content is built once, wherever it lies and whatever it is for.
func TestCacheHits(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	file := desiredFile(t, "CREATE TABLE a (b integer)")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "below", "copy.sql")
	index := filepath.Join(filepath.Dir(copied), "index.sql")
	if err := errors.Join(os.Mkdir(filepath.Dir(copied), 0o755), os.WriteFile(copied, append([]byte("-- elsewhere\n"), text...), 0o600),
		os.WriteFile(index, []byte("\\ir copy.sql\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	plan := func(desired, from string, noCache bool) {
		t.Helper()
		engine := cairn.New(cairn.Options{Getenv: os.Getenv, CacheDir: pgtest.ServerOptions().CacheDir, Stdin: bytes.NewReader(text),
			Events: func(e schema.Event) { count[e.Name]++ }})
		defer func() { _ = engine.Close(context.Background()) }()
		plan, err := engine.Plan(t.Context(), cairn.PlanRequest{Target: cairn.Connection{Database: clusters.Load(t, major, from)},
			Desired: desired, Scratch: cairn.Scratch{NoCache: noCache}, Prove: cairn.NoProof})
		if err != nil || len(plan.Steps) == 0 {
			t.Fatal(plan, err)
		}
	}
	plan(file, "", true)
	plan(file, "", false)
	if count["build"] != 2 || count["cache"] != 0 {
		t.Errorf("without the cache, then with it: %v", count)
	}
	for _, desired := range []string{file, copied, index, "-"} {
		plan(desired, "CREATE TABLE another_target ()", false)
	}
	if count["build"] != 2 || count["cache"] != 4 {
		t.Errorf("then four times: %v", count)
	}
	plan(file, "", true)
	if count["build"] != 3 || count["cache"] != 4 {
		t.Errorf("and without the cache: %v", count)
	}
}
