// Package diff compares two states. It names no kind of object.
package diff

import (
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// Difference is two states and what has to change for the old one to become the new
// one, ordered by identity.
type Difference struct {
	Old, New *schema.State
	Deltas   []schema.Delta
}

// Between returns the difference of two states.
func Between(old, new *schema.State) Difference { return Difference{old, new, Compare(old, new)} }

// Back returns the difference in the other direction.
func (d Difference) Back() Difference {
	back := Difference{d.New, d.Old, slices.Clone(d.Deltas)}
	for i := range back.Deltas {
		delta := &back.Deltas[i]
		delta.Old, delta.New = delta.New, delta.Old
	}
	return back
}

// Compare returns what has to change for old to become new, ordered by
// identity. Both states are printed by servers of the same major version.
func Compare(old, new *schema.State) []schema.Delta {
	deltas := make([]schema.Delta, 0, max(len(old.Objects)-len(new.Objects), len(new.Objects)-len(old.Objects)))
	stay := 0
	for id, o := range old.Objects {
		n := new.Objects[id]
		if n == nil {
			deltas = append(deltas, schema.Delta{Old: o})
			continue
		}
		stay++
		if changed := attributes(o, n); len(changed) > 0 {
			deltas = append(deltas, schema.Delta{Old: o, New: n, Changed: changed})
		}
	}
	if stay < len(new.Objects) {
		for id, n := range new.Objects {
			if old.Objects[id] == nil {
				deltas = append(deltas, schema.Delta{New: n})
			}
		}
	}
	slices.SortFunc(deltas, func(a, b schema.Delta) int { return schema.CompareObjects(a.Object(), b.Object()) })
	return deltas
}

// attributes returns the names of the attributes that differ.
func attributes(old, new *schema.Object) []string {
	if old == new {
		return nil
	}
	var changed []string
	for i := range old.Attrs {
		if a := &old.Attrs[i]; !a.Info && new.Attrs[i].Value != a.Value {
			changed = append(changed, a.Name)
		}
	}
	return changed
}
