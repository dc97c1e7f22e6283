package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// builds puts the node after those that make an object as the new state has it.
func (g *graph) builds(n *node, id schema.ID) {
	c := g.e.change(id)
	n.needs(c.node(altering))
	n.needs(c.node(creating))
	n.needs(c.node(retargeting))
}

// changes puts the node after all that happens to an object.
func (g *graph) changes(n *node, id schema.ID) {
	if c := g.e.change(id); c != nil {
		for change := c.nodes; change != nil; change = change.next {
			n.needs(change)
		}
	}
}

// addEdges adds what has to come before the node. Building follows the new
// state's dependencies, teardown the old one's, backwards.
func (e *expansion) addEdges(g *graph, n *node) {
	switch n.phase {
	case creating, altering, retargeting:
		if ends := n.kind.Ends; n.phase == altering && ends != nil && ends(e.old.Objects[n.object.ID], e.new.Objects[n.object.ID]) {
			e.endEdges(g, n, e.old.Objects[n.object.ID])
		} else {
			e.buildEdges(g, n)
		}
	}
	if n.phase == altering || n.phase == retargeting {
		e.releaseEdges(g, n)
	}
	if n.phase == dropping {
		e.teardownEdges(g, n)
	}
	if n.phase == creating {
		// A part of what was moved aside goes with it, after its successor came.
		if drop := g.get(n.object.ID, dropping); drop != nil && drop.carrier().phase != droppingAside {
			n.needs(drop)
			e.freeEdges(g, n)
		}
		n.needs(g.get(n.object.ID, movingAside))
	}
	if n.phase == droppingAside {
		n.needs(g.get(n.object.ID, creating))
		for _, user := range e.users(n.object.ID) {
			n.needs(g.get(user.ID, retargeting))
			n.needs(g.get(user.ID, dropping))
			n.needs(g.get(user.ID, droppingAside))
			n.needs(g.get(user.ID, creating))
		}
	}
}

func (e *expansion) buildEdges(g *graph, n *node) {
	new := e.new.Objects[n.object.ID]
	for _, need := range new.Needs {
		e.builtEdges(g, n, need)
		e.wholeEdges(g, n, need)
	}
	if n.phase == creating || n.phase == altering && n.kind.Ends != nil {
		for _, first := range n.kind.After(e.ctx, e.new, new) {
			g.changes(n, first)
		}
	}
	if new.Parent == (schema.ID{}) || n.kind.Early {
		return
	}
	g.builds(n, new.Parent)
}

// builtEdges puts the node after what makes a need as the new state has it; an
// heir is so when what it inherits from is.
func (e *expansion) builtEdges(g *graph, n *node, need schema.ID) {
	g.builds(n, need)
	if o := e.new.Objects[need]; o != nil && e.kinds.Of(need).Heir {
		for _, from := range o.Needs {
			e.builtEdges(g, n, from)
		}
	}
}

// wholeEdges puts the node after the changes of the parts of a Whole that it
// needs: they are no needs, but what is built from the Whole is computed by them.
func (e *expansion) wholeEdges(g *graph, n *node, whole schema.ID) {
	if !e.kinds.Of(whole).Whole {
		return
	}
	for _, s := range []*schema.State{e.old, e.new} {
		for _, part := range e.ctx.Parts(s, whole, "") {
			if part.ID == n.object.ID || e.kinds.Of(part.ID).Satellite != kind.NotSatellite {
				continue
			}
			g.changes(n, part.ID)
		}
	}
	if o := e.new.Objects[whole]; o != nil {
		for _, need := range o.Needs {
			e.wholeEdges(g, n, need)
		}
	}
}

// releaseEdges puts what is dropped after the change that lets go of it, and
// what hangs on the old form of the object before its change.
func (e *expansion) releaseEdges(g *graph, n *node) {
	old := e.old.Objects[n.object.ID]
	for _, need := range old.Needs {
		if drop := g.get(need, dropping); drop != nil && g.get(need, creating) == nil {
			drop.needs(n)
		}
	}
	for _, user := range e.users(n.object.ID) {
		n.needs(g.get(user.ID, dropping))
		if altered := g.get(user.ID, altering); altered != nil && e.letsGo(user.ID, n.object.ID) {
			n.needs(altered)
		}
	}
}

// freeEdges puts the successor of an object behind the drop of what only the old
// form needed: while it is there, PostgreSQL can tie the new one to it again.
func (e *expansion) freeEdges(g *graph, n *node) {
	for _, need := range e.old.Objects[n.object.ID].Needs {
		if e.new.Objects[need] == nil {
			n.needs(g.get(need, dropping))
		}
	}
}

func (e *expansion) teardownEdges(g *graph, n *node) {
	for _, need := range n.object.Needs {
		if drop := g.get(need, dropping); drop != nil {
			drop.needs(n)
		}
		if aside := g.get(need, movingAside); aside != nil && n.carrier().phase != droppingAside {
			aside.needs(n)
		}
	}
	if drop := g.get(n.object.Parent, dropping); drop != nil {
		drop.needs(n)
	}
	if n.into != nil {
		return
	}
	e.endEdges(g, n, n.object)
}

// endEdges puts the end of an object before what came before its creation.
func (e *expansion) endEdges(g *graph, n *node, old *schema.Object) {
	for _, last := range n.kind.After(e.ctx, e.old, old) {
		if c := e.change(last); c != nil {
			for change := c.nodes; change != nil; change = change.next {
				change.needs(n)
			}
		}
	}
}

// addMemberEdges puts the drop of objects before the creation of an extension
// that has members of the same identities, and the drop of such an extension
// before their creation.
func (e *expansion) addMemberEdges(g *graph) {
	if len(e.old.Members)+len(e.new.Members) == 0 {
		return
	}
	for _, n := range g.nodes {
		switch n.phase {
		case dropping:
			if extension := g.get(e.new.Members[n.object.ID], creating); extension != nil {
				extension.needs(n)
			}
		case creating:
			n.needs(g.get(e.old.Members[n.object.ID], dropping))
		}
	}
}

// addNameEdges puts drops before creations that take the same name in a
// namespace that several kinds share.
func (e *expansion) addNameEdges(g *graph) {
	if !slices.ContainsFunc(g.nodes, func(n *node) bool { return n.phase == creating }) {
		return
	}
	freed := map[string][]*node{}
	for _, n := range g.nodes {
		if n.phase == dropping || n.phase == movingAside {
			for _, name := range n.kind.Names(n.object) {
				freed[name] = append(freed[name], n)
			}
		}
	}
	for _, n := range g.nodes {
		if n.phase != creating || len(freed) == 0 {
			continue
		}
		for _, name := range n.kind.Names(n.object) {
			for _, drop := range freed[name] {
				n.needs(drop)
				g.clashes[n] = append(g.clashes[n], drop.carrier())
			}
		}
	}
}
