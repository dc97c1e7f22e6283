package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// printedAnew returns the objects whose stored expressions the plan makes from
// their print. What the server then prints can be another form of the same, so
// that these prints are no part of the fingerprint that the plan promises.
func (e *expansion) printedAnew(g *graph) []string {
	var ids []string
	for _, n := range g.nodes {
		made := n.phase == creating || n.phase == altering && slices.ContainsFunc(e.deltas[n.id].Changed, func(f string) bool {
			return e.kinds.Of(n.id).Printed[f]
		})
		if made && slices.ContainsFunc(n.object.Attrs, func(a schema.Attr) bool { return e.kinds.Of(n.id).Printed[a.Name] && a.Value != "" }) {
			ids = append(ids, n.id.String())
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Fingerprint returns the fingerprint of the state without the prints of the
// listed objects.
func Fingerprint(kinds *kind.Set, s *schema.State, printed []string) string {
	return Unprinted(kinds, s, printed).Fingerprint()
}

// Outcome returns the hash of each object that is another one in the new state
// than in the old, as Fingerprint sees it.
func Outcome(kinds *kind.Set, old, new *schema.State, printed []string) []schema.Pin {
	outcome := []schema.Pin{}
	new = Unprinted(kinds, new, printed)
	for id, o := range new.Objects {
		if was := old.Objects[id]; was == nil || !alike(was, o) {
			outcome = append(outcome, pin(id, o.Hash()))
		}
	}
	for id := range old.Objects {
		if new.Objects[id] == nil {
			outcome = append(outcome, schema.Pin{Object: id.String()})
		}
	}
	slices.SortFunc(outcome, func(a, b schema.Pin) int { return strings.Compare(a.Object, b.Object) })
	return outcome
}

// alike reports whether two objects of one identity have the same hash.
func alike(a, b *schema.Object) bool {
	return a.Parent == b.Parent && slices.EqualFunc(a.Attrs, b.Attrs, func(a, b schema.Attr) bool {
		return a.Name == b.Name && a.Info == b.Info && (a.Info || a.Value == b.Value)
	})
}

// Unprinted returns the state without the prints of the listed objects.
func Unprinted(kinds *kind.Set, s *schema.State, printed []string) *schema.State {
	if len(printed) == 0 {
		return s
	}
	blank := *s
	blank.Objects = maps.Clone(s.Objects)
	for id, o := range s.Objects {
		k := kinds.Of(id)
		if len(k.Printed) == 0 {
			continue
		}
		if _, listed := slices.BinarySearch(printed, id.String()); !listed {
			continue
		}
		without := *o
		without.Attrs = slices.Clone(o.Attrs)
		for i, a := range without.Attrs {
			if k.Printed[a.Name] {
				without.Attrs[i].Value = ""
			}
		}
		blank.Objects[id] = &without
	}
	return &blank
}
