package catalog

import (
	"cmp"
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// addNeeds adds what pg_depend and the kinds know.
func (r *reader) addNeeds(resolver *resolver) {
	for _, d := range r.depends {
		if d.kind == 'e' || d.kind == 'x' {
			continue
		}
		from := resolver.resolve(d.from)
		if from == nil || from.kind.Loose && d.kind == 'a' {
			continue
		}
		from.need(resolver.resolve(d.to))
	}
	r.depends = nil
	for _, n := range r.nodes {
		n.settle()
	}
	r.turnToShells()
	r.dropInherited()
	for _, n := range r.nodes {
		r.setNeeds(n)
	}
	r.addKnown()
}

// need adds a need, unless it is a part of n or its parent.
func (n *node) need(to *node) {
	if n.absent || to == nil || to.absent || n == to || n.parent == to || to.within(n) {
		return
	}
	n.needs = append(n.needs, to)
}

// within reports whether n is a part of the other object, at any depth.
func (n *node) within(whole *node) bool {
	for p := n.parent; p != nil; p = p.parent {
		if p == whole {
			return true
		}
	}
	return false
}

// settle brings the needs into an order in which each stands once.
func (n *node) settle() {
	if len(n.needs) > 1 {
		slices.SortFunc(n.needs, func(a, b *node) int { return cmp.Compare(a.at, b.at) })
		n.needs = slices.Compact(n.needs)
	}
}

// turnToShells lets what a shelled object needs, and what needs it back, need
// the shell instead.
func (r *reader) turnToShells() {
	for _, n := range r.nodes {
		if !n.kind.Shelled || n.parent == nil {
			continue
		}
		for _, back := range n.needs {
			if i := slices.Index(back.needs, n); i >= 0 {
				back.needs[i] = n.parent
				back.settle()
			}
		}
	}
}

// dropInherited drops the needs of heirs that are those of what they need.
func (r *reader) dropInherited() {
	kept := map[*node][]*node{}
	for _, n := range r.nodes {
		if !n.kind.Heir {
			continue
		}
		kept[n] = slices.DeleteFunc(slices.Clone(n.needs), func(to *node) bool {
			return slices.ContainsFunc(n.needs, func(through *node) bool { return slices.Contains(through.needs, to) })
		})
	}
	for n, needs := range kept {
		n.needs = needs
	}
}

// addKnown adds what the kinds know, which look at the state for it.
func (r *reader) addKnown() {
	var more []*node
	nodes := map[*schema.Object]*node{} // of the state, when a kind knows anything
	known := func(id schema.ID) *node {
		if len(nodes) == 0 {
			for _, n := range r.nodes {
				nodes[n.Object] = n
			}
		}
		return nodes[r.state.Objects[id]]
	}
	for _, n := range r.nodes {
		if n.absent {
			continue
		}
		before := len(n.needs)
		for _, to := range n.kind.Extra(r.state, n.Object) {
			n.need(known(to))
		}
		for _, role := range n.kind.Roles(n.Object) {
			if id := r.kinds.Role(role); r.state.Objects[id] != nil {
				n.need(known(id))
			}
		}
		if len(n.needs) > before {
			n.settle()
			more = append(more, n)
		}
	}
	for _, n := range more { // the kinds have seen none of each other's
		r.setNeeds(n)
	}
	for _, n := range r.nodes {
		if !n.absent && r.options.Like != nil {
			r.state.Objects[n.ID] = r.options.Like.Share(n.Object)
		}
	}
}

// setNeeds writes the needs into the object, in the order of identities.
func (r *reader) setNeeds(n *node) {
	r.sorted = r.sorted[:0]
	for _, to := range n.needs {
		r.sorted = append(r.sorted, to.ID)
	}
	slices.SortFunc(r.sorted, schema.Compare)
	if !slices.Equal(n.Needs, r.sorted) {
		r.own(n).Needs = append([]schema.ID(nil), r.sorted...)
	}
}
