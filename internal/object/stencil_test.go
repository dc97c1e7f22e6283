package object_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/internal/stencil"
	"github.com/cairn-db/cairn/schema"
)

// sorted is an object whose needs are sorted by the names of two schemas.
const sorted = `
CREATE TYPE public.stray AS ENUM ('a');
CREATE TYPE hall.stray AS ENUM ('a');
CREATE FUNCTION hall.both(public.stray, hall.stray) RETURNS integer LANGUAGE sql AS 'SELECT 1';`

// What a stencil says of the museum under another name is what the server says of
// it after a rename.
func TestStencilOfMuseum(t *testing.T) {
	for _, major := range pgtest.Versions() {
		before, _ := museum(t, major)
		conn := pgtest.Connect(t, clusters.Load(t, major, before+sorted))
		at := "hall"
		named := func(name string) *schema.State {
			t.Helper()
			if _, err := conn.Exec(t.Context(), "ALTER SCHEMA "+pg.QuoteIdent(at)+" RENAME TO "+pg.QuoteIdent(name)); err != nil {
				t.Fatal(err)
			}
			at = name
			state, err := catalog.Read(t.Context(), conn, object.All(), catalog.Options{Server: major})
			if err != nil {
				t.Fatal(err)
			}
			return state
		}
		hall := named("entrance")
		for _, group := range [][]string{{"a", "zz", strings.Repeat("m", 63)}, {"0f8-A_b", "Zz"}} {
			names := stencil.NamesFor(stencil.QuotingOf(group[0]), hall)
			s := stencil.New(names, named(names.First), named(names.Last))
			if s == nil {
				t.Fatalf("PostgreSQL %d: under %s the museum is another one than under %s:\n%s", major, names.First, names.Last,
					cmp.Diff(stencil.Known(names, named(names.First)).State(names.Last), named(names.Last), cmpopts.IgnoreTypes(&schema.Stats{})))
			}
			for _, name := range group {
				if q := stencil.QuotingOf(name); q == stencil.Other || q != stencil.QuotingOf(group[0]) {
					t.Errorf("the quoting of %s is %v", name, q)
				}
				if diff := cmp.Diff(named(name), s.State(name), cmpopts.IgnoreTypes(&schema.Stats{})); diff != "" {
					t.Errorf("PostgreSQL %d, schema %s (-renamed +stencil):\n%s", major, name, diff)
				}
			}
			for _, name := range []string{"Hall of Mirrors", names.First, names.Last} {
				if s.State(name) != nil {
					t.Errorf("the stencil has a state for %s", name)
				}
			}
		}
		for _, name := range []string{"public", "user", `a"b`, "a b", "\u00e4", "a$b", "it's", ""} {
			if q := stencil.QuotingOf(name); q != stencil.Other {
				t.Errorf("the quoting of %q is %v", name, q)
			}
		}
	}
}
