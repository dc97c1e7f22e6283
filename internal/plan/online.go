package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
)

// online splits the changes of relations that other sessions use into the parts
// of their online forms, each a node of its own: what is short is done at once
// for all objects, and what takes long before or behind it.
func (e *expansion) online(g *graph) {
	if !e.ctx.Online {
		return
	}
	users := map[*node][]*node{} // of those that are split
	for _, n := range g.nodes {
		for i := range n.actions {
			if n.into == nil && e.hasOnline(n, &n.actions[i]) {
				users[n] = nil
			}
		}
	}
	if len(users) == 0 {
		return
	}
	for _, n := range g.nodes {
		for _, first := range n.after {
			if list, splits := users[first]; splits {
				users[first] = append(list, n)
			}
		}
	}
	for _, n := range slices.Clone(g.nodes) {
		if list, splits := users[n]; splits {
			e.split(g, n, list)
		}
	}
}

func (e *expansion) hasOnline(n *node, a *kind.Action) bool {
	return a.Online != nil && e.seen(n, a.Relation)
}

// split makes the nodes of the online form of n. Everything that needs n waits
// for the last of them; only what describes the object can follow n itself.
func (e *expansion) split(g *graph, n *node, users []*node) {
	parts := kind.Online{}
	for _, a := range n.actions {
		switch {
		case e.hasOnline(n, &a):
		case len(parts.After)+len(parts.Finally) > 0: // it can be about what comes later
			parts.Finally = append(parts.Finally, a)
			continue
		default:
			parts.Now = append(parts.Now, a)
			continue
		}
		o := warned(*a.Online, a.Hazards)
		parts.Before = append(parts.Before, o.Before...)
		parts.Now = append(parts.Now, o.Now...)
		parts.After = append(parts.After, o.After...)
		parts.Finally = append(parts.Finally, o.Finally...)
		parts.First = append(parts.First, o.First...)
		parts.Last = append(parts.Last, o.Last...)
	}
	if len(parts.Before) > 0 {
		ahead := n.part(preparing, parts.Before)
		for _, first := range n.after {
			if first.object.ID != n.object.ID && !slices.Contains(g.clashes[n], first) {
				ahead.waitFor(first)
			}
		}
		if ahead.waitsFor(func(m *node) bool { return m.object.ID == n.object.ID }, map[*node]bool{}) {
			return // the old form goes before the new one can be prepared
		}
		n.waitFor(ahead)
		g.nodes = append(g.nodes, ahead)
	}
	n.actions = parts.Now
	if len(parts.First)+len(parts.Last) > 0 {
		e.enclose(g, n, parts)
	}
	last := n
	for _, p := range []struct {
		phase   phase
		actions []kind.Action
	}{{completing, parts.After}, {finishing, parts.Finally}} {
		if len(p.actions) > 0 {
			part := n.part(p.phase, p.actions)
			part.waitFor(last)
			g.nodes = append(g.nodes, part)
			last = part
		}
	}
	for _, user := range users {
		describes := user.object.ID.IsSatellite() && user.object.ID.Subject() == n.object.ID && len(n.actions) > 0
		if last != n && !describes {
			user.waitFor(last)
		}
	}
}

// enclose makes the nodes that come before and behind all that happens to the
// parts of the object.
func (e *expansion) enclose(g *graph, n *node, parts kind.Online) {
	first, last := n.part(preparing, parts.First), n.part(finishing, parts.Last)
	last.waitFor(n)
	n.waitFor(first)
	for _, m := range g.nodes {
		if m.into == nil && m.object.ID != n.object.ID && m.object.Parent == n.object.ID {
			m.waitFor(first)
			last.waitFor(m)
		}
	}
	g.nodes = append(g.nodes, first, last)
}

// warned puts the hazards of an action on the part that makes the change.
func warned(o kind.Online, hazards []kind.Hazard) kind.Online {
	for _, actions := range []*[]kind.Action{&o.Now, &o.After, &o.Finally, &o.Before, &o.First, &o.Last} {
		if len(*actions) > 0 {
			*actions = slices.Clone(*actions)
			(*actions)[0].Hazards = hazards
			break
		}
	}
	return o
}

// part is a further node of the change that n makes.
func (n *node) part(p phase, actions []kind.Action) *node {
	part := *n
	part.phase, part.actions, part.after, part.next = p, actions, nil, nil
	return &part
}

// waitsFor reports whether a node that satisfies the condition comes before n.
func (n *node) waitsFor(is func(*node) bool, visited map[*node]bool) bool {
	for _, first := range n.after {
		if visited[first] {
			continue
		}
		visited[first] = true
		if is(first) || first.waitsFor(is, visited) {
			return true
		}
	}
	return false
}
