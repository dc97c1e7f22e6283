package rename

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// Implied returns the pairs that follow from others: PostgreSQL derives the
// names of constraints, indexes and sequences from those of their table and
// column, so that one whose name says the new ones instead of the old ones is
// the same object.
func Implied(kinds *kind.Set, old, new *schema.State, from []Pair) []Pair {
	contents, wanted := contentsOf(kinds, old, true), contentsOf(kinds, new, true)
	var pairs []Pair
	for _, gone := range added(new, old) {
		if kinds.Of(gone).Rename == nil {
			continue
		}
		for _, derived := range derivedNames(gone, from) {
			to := WithName(gone, derived)
			if new.Objects[to] != nil && old.Objects[to] == nil && contents[gone] == wanted[to] {
				pairs = append(pairs, Pair{gone, to})
				break
			}
		}
	}
	return sorted(pairs)
}

// derivedNames returns the names that renames can have made of the object's,
// without its own. Not every old name in it stands for the renamed object.
func derivedNames(id schema.ID, from []Pair) []string {
	names := []string{Name(id)}
	for _, p := range from {
		if p.To.Schema != id.Schema || len(names) > maxDerived {
			continue
		}
		for _, n := range names {
			if changed := strings.Replace(n, Name(p.From), Name(p.To), 1); changed != n {
				names = append(names, changed)
			}
		}
	}
	return names[1:]
}

// maxDerived bounds the names that are tried for one object.
const maxDerived = 64

// Candidates returns the pairs of the same content that nobody declared: one
// object that goes and the only one that comes in its place.
func Candidates(kinds *kind.Set, d diff.Difference) []Pair {
	var comes, goes []schema.ID
	for _, d := range d.Deltas {
		switch id := d.ID(); {
		case id.IsSatellite(): // follows what it describes
		case d.Old == nil:
			comes = append(comes, id)
		case d.New == nil:
			goes = append(goes, id)
		}
	}
	if len(comes) == 0 || len(goes) == 0 {
		return nil
	}
	old, new := d.Old, d.New
	come := map[string][]schema.ID{}
	wanted := contentsOf(kinds, new, false)
	for _, id := range comes {
		if kinds.Of(id).Rename != nil && within(new, old, id) {
			key := place(id) + wanted[id]
			come[key] = append(come[key], id)
		}
	}
	gone := map[string][]schema.ID{}
	contents := contentsOf(kinds, old, false)
	for _, id := range goes {
		if within(old, new, id) {
			key := place(id) + contents[id]
			gone[key] = append(gone[key], id)
		}
	}
	var pairs []Pair
	for key, from := range gone {
		if to := come[key]; len(from) == 1 && len(to) == 1 {
			pairs = append(pairs, Pair{from[0], to[0]})
		}
	}
	return sorted(pairs)
}

// within reports whether the object is no part of one that comes or goes whole.
func within(side, other *schema.State, id schema.ID) bool {
	parent := side.Objects[id].Parent
	return parent == (schema.ID{}) || other.Objects[parent] != nil
}

// place is where an object has its name.
func place(id schema.ID) string {
	return fmt.Sprintf("%q", []string{id.Kind, WithName(id, "").String()})
}

// contentsOf prints what each object is, apart from its name: its compared
// attributes and those of the parts that are created inside it. Prints can be
// left out: they say other names and can be other forms.
func contentsOf(kinds *kind.Set, s *schema.State, unprinted bool) map[schema.ID]string {
	contents := map[schema.ID]string{}
	inline := map[schema.ID][]string{}
	for _, o := range s.Sorted() {
		var b strings.Builder
		for _, a := range o.Attrs {
			if !a.Info && !(unprinted && kinds.Of(o.ID).Printed[a.Name]) {
				fmt.Fprintf(&b, "%q", a.Value)
			}
		}
		contents[o.ID] = b.String()
		if kinds.Of(o.ID).Inline {
			inline[o.Parent] = append(inline[o.Parent], fmt.Sprintf("%q %s", o.ID.Part, b.String()))
		}
	}
	for id, parts := range inline {
		slices.Sort(parts)
		contents[id] += strings.Join(parts, "\n")
	}
	return contents
}
