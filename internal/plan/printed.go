package plan

import (
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
	was := map[string]string{}
	for _, p := range Pins(old) {
		was[p.Object] = p.Hash
	}
	outcome := []schema.Pin{}
	for _, p := range Pins(Unprinted(kinds, new, printed)) {
		if was[p.Object] != p.Hash {
			outcome = append(outcome, p)
		}
		delete(was, p.Object)
	}
	for object := range was {
		outcome = append(outcome, schema.Pin{Object: object})
	}
	slices.SortFunc(outcome, func(a, b schema.Pin) int { return strings.Compare(a.Object, b.Object) })
	return outcome
}

// Unprinted returns the state without the prints of the listed objects.
func Unprinted(kinds *kind.Set, s *schema.State, printed []string) *schema.State {
	blank := schema.NewState(s.Server)
	listed := map[string]bool{}
	for _, id := range printed {
		listed[id] = true
	}
	for id, o := range s.Objects {
		blank.Objects[id] = o
		if k := kinds.Of(id); len(k.Printed) > 0 && listed[id.String()] {
			without := *o
			without.Attrs = slices.Clone(o.Attrs)
			for i, a := range without.Attrs {
				if k.Printed[a.Name] {
					without.Attrs[i].Value = ""
				}
			}
			blank.Objects[id] = &without
		}
	}
	return blank
}
