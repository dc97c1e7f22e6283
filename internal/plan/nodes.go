package plan

import (
	"cmp"
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// graph holds the nodes of a plan, at most one per object and phase.
type graph struct {
	nodes []*node
	at    map[schema.ID]map[phase]*node
}

func (g *graph) get(id schema.ID, p phase) *node { return g.at[id][p] }

// build makes the nodes of an expansion and their edges.
func (e *expansion) build() *graph {
	g := &graph{at: map[schema.ID]map[phase]*node{}}
	for _, id := range e.order {
		e.addNodes(g, id)
	}
	e.mergeInline(g)
	e.mergeDrops(g)
	e.mergeFollowers(g)
	for _, n := range g.nodes {
		e.addEdges(g, n)
	}
	e.addNameEdges(g)
	e.addMemberEdges(g)
	return g
}

func (e *expansion) addNodes(g *graph, id schema.ID) {
	k, d := e.kinds.Of(id), e.deltas[id]
	dropped, created := e.ctx.Dropped[id], e.ctx.Created[id]
	swapped := e.swapped[id] && dropped && created
	verb := schema.Alter
	if dropped && created {
		verb = schema.Replace
	}
	if actions, ok := e.altered[id]; ok {
		g.add(e, id, schema.Alter, altering, d.New, actions)
	}
	if actions, ok := e.moved[id]; ok {
		g.add(e, id, schema.Alter, retargeting, d.New, actions)
	}
	if swapped {
		g.add(e, id, verb, movingAside, d.Old, k.Aside(e.ctx, d.Old))
		g.add(e, id, verb, droppingAside, d.Old, k.DropAside(e.ctx, d.Old))
	} else if dropped {
		v := verb
		if !created {
			v = schema.Drop
		}
		g.add(e, id, v, dropping, d.Old, nil)
	}
	if created {
		v := verb
		if !dropped {
			v = schema.Add
		}
		g.add(e, id, v, creating, d.New, append(k.Create(e.ctx, d.New), e.settle(d.New)...))
	}
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

func (g *graph) add(e *expansion, id schema.ID, verb schema.Verb, p phase, o *schema.Object, actions []kind.Action) {
	n := &node{id: id, verb: verb, phase: p, object: o, actions: actions, after: map[*node]bool{}, rank: e.kinds.Of(id).Rank}
	state := e.new
	if p == dropping || p == droppingAside {
		state = e.old
	}
	for at := o; at != nil; at = state.Objects[at.Parent] {
		n.key = append(n.key, at.ID)
		if at.Parent == (schema.ID{}) {
			break
		}
	}
	slices.Reverse(n.key)
	n.group = e.kinds.Of(n.key[0]).Rank
	if g.at[id] == nil {
		g.at[id] = map[phase]*node{}
	}
	g.at[id][p] = n
	g.nodes = append(g.nodes, n)
}

// mergeInline moves what is created inside its parent's statement there.
func (e *expansion) mergeInline(g *graph) {
	inline := slices.Clone(g.nodes)
	slices.SortStableFunc(inline, func(a, b *node) int { return cmp.Compare(a.object.Order, b.object.Order) })
	for _, n := range inline {
		if n.phase != creating || !e.kinds.Of(n.id).Inline {
			continue
		}
		parent := g.get(n.object.Parent, creating)
		if parent == nil {
			continue
		}
		n.into = parent
		if len(n.actions) == 0 {
			continue
		}
		first := n.actions[0]
		if len(first.Fragments) > 0 && len(parent.actions) > 0 {
			container := &parent.actions[0]
			container.Fragments = append(slices.Clip(container.Fragments), first.Fragments...)
			n.actions = n.actions[1:]
		}
		parent.actions = append(parent.actions, n.actions...)
		n.actions = nil
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
		k := e.kinds.Of(n.id)
		if parent := e.goingParent(g, n); parent != nil && !(k.Detach && e.tiedOutside(g, n)) {
			n.into = parent
			continue
		}
		if e.follow(g, n); n.into == nil {
			n.actions = k.Drop(e.ctx, n.object)
		}
	}
	e.mergeBound(g)
}

// mergeBound lets the drop of an object that has no statement be that of the one
// without which a part of it cannot go.
func (e *expansion) mergeBound(g *graph) {
	for _, n := range g.nodes {
		whole := g.get(n.object.Parent, dropping)
		if n.phase != dropping || whole == nil || whole.into != nil || len(whole.actions) > 0 {
			continue
		}
		for _, id := range e.kinds.Of(n.id).Bound(e.ctx, n.object) {
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
		shell := g.get(n.object.Parent, dropping)
		if n.phase != dropping || shell == nil || !e.kinds.Of(n.id).Shelled {
			continue
		}
		for _, need := range n.object.Needs {
			if back := g.get(need, dropping); back != nil && slices.Contains(back.object.Needs, shell.id) {
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
	for _, id := range e.kinds.Of(n.id).Follows(e.ctx, n.object) {
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
	whole := e.outermostGoing(g, n.id)
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

func (n *node) needs(first *node) {
	if first == nil {
		return
	}
	a, b := n.carrier(), first.carrier()
	if a != b {
		a.after[b] = true
	}
}
