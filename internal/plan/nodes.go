package plan

import (
	"cmp"
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// graph holds the nodes of a plan, at most one per object and phase.
type graph struct {
	e       *expansion
	nodes   []*node
	clashes map[*node][]*node // those before a node that only free its name
}

func (g *graph) get(id schema.ID, p phase) *node { return g.e.change(id).node(p) }

// node returns that of a phase, nil when there is none, or no change.
func (c *change) node(p phase) *node {
	if c == nil {
		return nil
	}
	n := c.nodes
	for n != nil && n.phase != p {
		n = n.next
	}
	return n
}

// build makes the nodes of an expansion and their edges.
func (e *expansion) build() *graph {
	g := &graph{e: e, nodes: make([]*node, 0, len(e.order)), clashes: map[*node][]*node{}}
	for _, c := range e.order {
		e.addNodes(g, c)
	}
	e.mergeInline(g)
	e.mergeDrops(g)
	e.mergeFollowers(g)
	for _, n := range g.nodes {
		e.addEdges(g, n)
	}
	e.addNameEdges(g)
	e.addMemberEdges(g)
	g.hasten()
	return g
}

func (e *expansion) addNodes(g *graph, c *change) {
	k := e.kinds.Of(c.ID())
	verb := schema.Alter
	switch {
	case c.replaced():
		verb = schema.Replace
	case c.dropped:
		verb = schema.Drop
	case c.created:
		verb = schema.Add
	}
	if actions := c.altered(); actions != nil {
		g.add(c, schema.Alter, altering, c.New, actions)
	}
	if actions := c.moved(); actions != nil {
		g.add(c, schema.Alter, retargeting, c.New, actions)
	}
	if c.swapped && c.replaced() {
		g.add(c, verb, movingAside, c.Old, k.Aside(e.ctx, c.Old))
		g.add(c, verb, droppingAside, c.Old, k.DropAside(e.ctx, c.Old))
	} else if c.dropped {
		g.add(c, verb, dropping, c.Old, nil)
	}
	if c.created {
		n := g.add(c, verb, creating, c.New, nil)
		if !k.Inline || !e.ctx.Created(c.New.Parent) { // else mergeInline does it
			n.actions = e.creation(n)
		}
	}
}

// creation returns what creates the object of a node.
func (e *expansion) creation(n *node) []kind.Action {
	return append(n.kind.Create(e.ctx, n.object), e.settle(n.object)...)
}

// settle returns what kinds of satellites have to run behind the creation of an
// object.
func (e *expansion) settle(o *schema.Object) []kind.Action {
	var actions []kind.Action
	for _, k := range e.kinds.All() {
		if k.Settle != nil {
			actions = append(actions, k.Settle(e.ctx, o)...)
		}
	}
	return actions
}

func (g *graph) add(c *change, verb schema.Verb, p phase, o *schema.Object, actions []kind.Action) *node {
	e := g.e
	n := &node{object: o, kind: e.kinds.Of(o.ID), verb: verb, phase: p, actions: actions, next: c.nodes}
	state := e.new
	if p == dropping || p == droppingAside {
		state = e.old
	}
	depth := 1
	for at := state.Objects[o.Parent]; at != nil; at = state.Objects[at.Parent] {
		depth++
	}
	n.key = make([]*schema.Object, depth)
	for at := o; depth > 0; at = state.Objects[at.Parent] {
		depth--
		n.key[depth] = at
	}
	n.rank, n.group = int32(n.kind.Rank), 2*int32(e.kinds.Of(n.key[0].ID).Rank)
	c.nodes = n
	g.nodes = append(g.nodes, n)
	return n
}

// mergeInline moves what is created inside its parent's statement there. The
// statement is all that is left of the actions.
func (e *expansion) mergeInline(g *graph) {
	var inline []*node
	for _, n := range g.nodes {
		if n.phase == creating && n.kind.Inline {
			inline = append(inline, n)
		}
	}
	slices.SortStableFunc(inline, func(a, b *node) int { return cmp.Compare(a.object.Order, b.object.Order) })
	for _, n := range inline {
		parent := g.get(n.object.Parent, creating)
		if parent == nil {
			continue
		}
		n.into = parent
		actions := e.creation(n)
		if len(actions) == 0 {
			continue
		}
		if first := actions[0]; len(first.Fragments) > 0 && len(parent.actions) > 0 {
			container := &parent.actions[0]
			container.Fragments = append(container.Fragments, first.Fragments...)
			actions = actions[1:]
		}
		parent.actions = append(parent.actions, actions...)
	}
}

// mergeDrops fills in the statements that drop objects. The drop of a part is
// the drop of its parent, unless the part ties its parent to another object
// that goes: that tie is cut by itself, so that teardown has no cycle.
func (e *expansion) mergeDrops(g *graph) {
	e.mergeShells(g)
	for _, n := range g.nodes {
		if n.phase != dropping || n.into != nil {
			continue
		}
		if parent := e.goingParent(g, n); parent != nil && !(n.kind.Detach && e.tiedOutside(g, n)) {
			n.into = parent
			continue
		}
		if e.follow(g, n); n.into == nil {
			n.actions = n.kind.Drop(e.ctx, n.object)
		}
	}
	e.mergeBound(g)
}

// mergeBound lets the drop of an object that has no statement be that of the one
// without which a part of it cannot go.
func (e *expansion) mergeBound(g *graph) {
	for _, n := range g.nodes {
		if n.phase != dropping {
			continue
		}
		whole := g.get(n.object.Parent, dropping)
		if whole == nil || whole.into != nil || len(whole.actions) > 0 {
			continue
		}
		for _, id := range n.kind.Bound(e.ctx, n.object) {
			if bound := g.get(id, dropping); bound != nil && bound.carrier() != whole {
				whole.into = bound
			}
		}
	}
}

// mergeShells lets the drop of a shell be that of what needs it and is needed
// by the object that the shell is of: neither can go before the other.
func (e *expansion) mergeShells(g *graph) {
	for _, n := range g.nodes {
		if n.phase != dropping || !n.kind.Shelled {
			continue
		}
		shell := g.get(n.object.Parent, dropping)
		if shell == nil {
			continue
		}
		for _, need := range n.object.Needs {
			if back := g.get(need, dropping); back != nil && slices.Contains(back.object.Needs, shell.object.ID) {
				back.into = shell
			}
		}
	}
}

// mergeFollowers lets what PostgreSQL changes together be one node.
func (e *expansion) mergeFollowers(g *graph) {
	for _, n := range g.nodes {
		if n.phase != altering && n.phase != creating && n.phase != retargeting || n.into != nil {
			continue
		}
		if e.follow(g, n); n.into != nil {
			leader := n.carrier()
			leader.actions = append(slices.Clip(leader.actions), n.actions...)
			n.actions = nil
		}
	}
}

// follow ties the node to that of an object whose change takes this one along.
func (e *expansion) follow(g *graph, n *node) {
	for _, id := range n.kind.Follows(e.ctx, n.object) {
		if leader := g.get(id, n.phase); leader != nil {
			n.into = leader
			return
		}
	}
}

// goingParent returns the node that drops the parent of a dropped part.
func (e *expansion) goingParent(g *graph, n *node) *node {
	if n.object.Parent == (schema.ID{}) {
		return nil
	}
	if p := g.get(n.object.Parent, dropping); p != nil {
		return p
	}
	return g.get(n.object.Parent, droppingAside)
}

// tiedOutside reports whether a dropped part needs another object that is
// dropped and that is no part of the same whole.
func (e *expansion) tiedOutside(g *graph, n *node) bool {
	whole := e.outermostGoing(g, n.object.ID)
	return slices.ContainsFunc(n.object.Needs, func(need schema.ID) bool {
		return g.get(need, dropping) != nil && e.outermostGoing(g, need) != whole
	})
}

// outermostGoing returns the outermost parent that is dropped with the object.
func (e *expansion) outermostGoing(g *graph, id schema.ID) schema.ID {
	for {
		o := e.old.Objects[id]
		if o == nil || o.Parent == (schema.ID{}) || g.get(o.Parent, dropping) == nil {
			return id
		}
		id = o.Parent
	}
}

// carrier returns the node whose statement does the work of n.
func (n *node) carrier() *node {
	for n.into != nil {
		n = n.into
	}
	return n
}

// lately is how many edges are looked through for one that is there: those of a
// node to another one are mostly made one after the other.
const lately = 16

func (n *node) needs(first *node) {
	if first != nil {
		n.carrier().waitFor(first.carrier())
	}
}

// waitFor puts n behind another node.
func (n *node) waitFor(first *node) {
	if n != first && !slices.Contains(n.after[max(0, len(n.after)-lately):], first) {
		n.after = append(n.after, first)
	}
}
