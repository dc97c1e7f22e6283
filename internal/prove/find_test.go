package prove_test

import (
	"slices"
	"testing"

	"github.com/cairn-db/cairn/internal/prove"
	"github.com/cairn-db/cairn/schema"
)

// The text of an identity leads to it, whatever its names hold, and to none that
// has another text.
func TestFind(t *testing.T) {
	state, other := schema.NewState(18), schema.NewState(18)
	names := []string{"a", "a.b", `"`, `a"b`, `""`, "a/b", "a:b", "a b", "a(b)", "(", ")", "\n", "é", "--", ""}
	var ids []schema.ID
	for _, n := range names {
		for _, args := range []string{"", "()", "(a integer, VARIADIC b text[])", `(")" public."a(b""c")`, "(numeric(10,2), x) "[:18]} {
			ids = append(ids,
				schema.ID{Kind: "schema", Name: n, Args: args},
				schema.ID{Kind: "table", Schema: "s", Name: n, Args: args},
				schema.ID{Kind: "table", Schema: n, Name: "s", Args: args},
				schema.ID{Kind: "part", Name: "s", Args: args, Part: n},
				schema.ID{Kind: "column", Schema: n, Name: n, Args: args, Part: n},
				schema.ID{Kind: "grant", Of: "column", Schema: "s", Name: n, Args: args, Part: "p", Role: n},
				schema.ID{Kind: "comment", Of: "table", Schema: "s", Name: n, Args: args})
		}
	}
	for i, id := range ids {
		if i%2 == 0 {
			state.Objects[id] = &schema.Object{ID: id}
		} else {
			other.Objects[id] = &schema.Object{ID: id}
		}
	}
	for _, id := range ids {
		found := prove.Find(id.String(), state, other)
		if !slices.Contains(found, id) {
			t.Errorf("%s finds %+v, and not %+v", id, found, id)
		}
		for _, f := range found {
			if f.String() != id.String() {
				t.Errorf("%s finds %s", id, f)
			}
		}
	}
	for _, text := range []string{"", ":", "table", "table:", "table:s.", "table:s.missing", `table:"`, "table:s.a(", "table:s.a.b.c.d", "a:b:c:d"} {
		if found := prove.Find(text, state, other); len(found) > 0 && found[0].String() != text {
			t.Errorf("%q finds %+v", text, found)
		}
	}
}
