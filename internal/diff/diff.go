// Package diff compares two states. It names no kind of object.
package diff

import "github.com/cairn-db/cairn/schema"

// Compare returns what has to change for old to become new, ordered by
// identity. Both states are printed by servers of the same major version.
func Compare(old, new *schema.State) []schema.Delta {
	var deltas []schema.Delta
	for _, o := range old.Sorted() {
		n := new.Objects[o.ID]
		if n == nil {
			deltas = append(deltas, schema.Delta{ID: o.ID, Old: o})
		} else if changed := attributes(o, n); len(changed) > 0 {
			deltas = append(deltas, schema.Delta{ID: o.ID, Old: o, New: n, Changed: changed})
		}
	}
	for _, n := range new.Sorted() {
		if old.Objects[n.ID] == nil {
			deltas = append(deltas, schema.Delta{ID: n.ID, New: n})
		}
	}
	return deltas
}

// attributes returns the names of the attributes that differ.
func attributes(old, new *schema.Object) []string {
	var changed []string
	for i, a := range old.Attrs {
		if !a.Info && new.Attrs[i].Value != a.Value {
			changed = append(changed, a.Name)
		}
	}
	return changed
}
