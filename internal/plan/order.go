package plan

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// CycleError says that the changes depend on each other in a circle, which
// means that PostgreSQL recorded one, or that a kind declares a false need.
type CycleError struct {
	Members []string // described, each needs the next
}

func (e *CycleError) Error() string {
	return "the changes depend on each other in a circle: " + strings.Join(e.Members, " -> ")
}

// Hint tells what to do about it.
func (e *CycleError) Hint() string {
	return "this is a defect of cairn; please report the two schemas"
}

// order sorts the nodes that have statements so that each comes after those
// that it needs. Among nodes that are free, the comparison decides, so that the
// result does not depend on the order of the input. The nodes of a unit follow
// each other.
func (g *graph) order() ([]*node, error) {
	u := g.units()
	count := 0
	var first []*node // the least member stands for all of its unit
	for _, n := range g.nodes {
		if n.into == nil {
			count++
			if u.least(n) == n {
				first = append(first, n)
			}
		}
	}
	sorted, err := topological(first, func(least *node, need func(*node)) {
		u.each(least, func(n *node) {
			for _, before := range n.after {
				if before.unit() != n.unit() {
					need(u.least(before))
				}
			}
		})
	})
	if err != nil {
		return nil, err
	}
	result := make([]*node, 0, count)
	for _, least := range sorted {
		unit := least.unit()
		if u[unit] == nil {
			result = append(result, least)
			continue
		}
		inside, err := topological(u[unit], func(n *node, need func(*node)) {
			for _, before := range n.after {
				if before.unit() == unit {
					need(before)
				}
			}
		})
		if err != nil {
			return nil, err
		}
		result = append(result, inside...)
	}
	for i, n := range result {
		n.place = int32(i)
	}
	return result, nil
}

// units has the members of those units that have several, the least first.
type units map[*node][]*node

func (g *graph) units() units {
	u := units{}
	for _, n := range g.nodes {
		if n.into == nil && n.united != nil {
			u[n.unit()] = append(u[n.unit()], n)
		}
	}
	if len(u) == 0 {
		return u
	}
	for _, n := range g.nodes {
		if n.into == nil && u[n] != nil {
			u[n] = append(u[n], n)
		}
	}
	for _, members := range u {
		slices.SortFunc(members, compareNodes)
	}
	return u
}

// least returns the node that comes first in the unit of n.
func (u units) least(n *node) *node {
	if len(u) > 0 {
		if members := u[n.unit()]; members != nil {
			return members[0]
		}
	}
	return n
}

// each calls a function for the members of the unit that a node stands for.
func (u units) each(least *node, do func(*node)) {
	if len(u) > 0 {
		if members := u[least.unit()]; members != nil {
			for _, n := range members {
				do(n)
			}
			return
		}
	}
	do(least)
}

// edge is an entry of a list of nodes that wait, all lists being one in memory.
type edge struct{ to, next int32 }

// topological sorts nodes behind what they need, the least first. The function
// calls another one for each node that the given one needs.
func topological(nodes []*node, needs func(n *node, need func(*node))) ([]*node, error) {
	for i, n := range nodes {
		n.place = int32(i)
	}
	waiting := make([]int32, len(nodes)) // for how many, -1 when the node has come
	heads := make([]int32, len(nodes))   // of the lists of those that wait for the node, 0 for none
	edges := make([]edge, 1, len(nodes)+1)
	ready := &queue{}
	for i, n := range nodes {
		needs(n, func(first *node) { // one that comes twice is counted twice, and given free twice
			waiting[i]++
			edges = append(edges, edge{to: int32(i), next: heads[first.place]})
			heads[first.place] = int32(len(edges) - 1)
		})
		if waiting[i] == 0 {
			ready.nodes = append(ready.nodes, n)
		}
	}
	heap.Init(ready)
	sorted := make([]*node, 0, len(nodes))
	for ready.Len() > 0 {
		n := heap.Pop(ready).(*node)
		sorted = append(sorted, n)
		waiting[n.place] = -1
		for at := heads[n.place]; at > 0; at = edges[at].next {
			to := edges[at].to
			if waiting[to]--; waiting[to] == 0 {
				heap.Push(ready, nodes[to])
			}
		}
	}
	if len(sorted) < len(nodes) {
		stuck := slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return waiting[n.place] < 0 })
		return nil, findCycle(stuck, needs)
	}
	return sorted, nil
}

// hasten puts what is to come soon, with the new objects that this needs, before
// other objects of the same rank. What has to do with objects that are there already
// stays among the other changes of these.
func (g *graph) hasten() {
	var todo []*node
	for _, n := range g.nodes {
		if n.kind.Soon && n.phase == creating {
			todo = append(todo, n)
		}
	}
	there := map[schema.ID]bool{} // new ones that are to be tied to what is there
	for before := -1; len(there) > before; {
		before = len(there)
		todo = slices.DeleteFunc(todo, func(n *node) bool {
			whole := n.key[0].ID
			tied := slices.ContainsFunc(append(n.kind.Extra(g.e.new, n.object), whole), func(id schema.ID) bool { return there[id] || g.e.old.Objects[id] != nil })
			if tied {
				there[whole] = true
			}
			return tied
		})
	}
	if len(todo) == 0 {
		return
	}
	seen, soon := map[*node]bool{}, map[*schema.Object]bool{}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; !seen[n] {
			seen[n] = true
			soon[n.key[0]] = g.e.old.Objects[n.key[0].ID] == nil
			todo = append(todo, n.after...)
		}
	}
	for _, n := range g.nodes {
		if soon[n.key[0]] {
			n.group--
		}
	}
}

// compareNodes orders what no dependency orders: drops first, then by the place
// of the outermost parent, so that what belongs together stands together.
func compareNodes(a, b *node) int {
	if c := cmp.Or(cmp.Compare(late(a), late(b)), cmp.Compare(a.group, b.group)); c != 0 {
		return c
	}
	if c := schema.CompareObjects(a.key[0], b.key[0]); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.object.Order, b.object.Order)); c != 0 {
		return c
	}
	return cmp.Or(
		slices.CompareFunc(a.key, b.key, schema.CompareObjects),
		schema.CompareObjects(a.object, b.object),
		cmp.Compare(a.phase, b.phase),
	)
}

// late puts what takes long before and behind what is short, so that the short
// statements follow each other closely.
func late(n *node) int {
	switch n.phase {
	case preparing:
		return 0
	case dropping, movingAside:
		return 1
	case droppingAside:
		return 3
	case completing:
		return 4
	case finishing:
		return 5
	}
	return 2
}

type queue struct{ nodes []*node }

func (q *queue) Len() int           { return len(q.nodes) }
func (q *queue) Less(i, j int) bool { return compareNodes(q.nodes[i], q.nodes[j]) < 0 }
func (q *queue) Swap(i, j int)      { q.nodes[i], q.nodes[j] = q.nodes[j], q.nodes[i] }
func (q *queue) Push(x any)         { q.nodes = append(q.nodes, x.(*node)) }
func (q *queue) Pop() any {
	last := q.nodes[len(q.nodes)-1]
	q.nodes = q.nodes[:len(q.nodes)-1]
	return last
}

// findCycle walks from the least waiting node along its needs until one comes
// again.
func findCycle(stuck []*node, needs func(n *node, need func(*node))) error {
	waits := make(map[*node]bool, len(stuck))
	for _, n := range stuck {
		waits[n] = true
	}
	seen := map[*node]int{}
	var walk []*node
	for n := slices.MinFunc(stuck, compareNodes); ; {
		if at, ok := seen[n]; ok {
			walk = append(walk[at:], n)
			break
		}
		seen[n] = len(walk)
		walk = append(walk, n)
		var least *node
		needs(n, func(m *node) {
			if waits[m] && (least == nil || compareNodes(m, least) < 0) {
				least = m
			}
		})
		n = least
	}
	e := &CycleError{}
	for _, n := range walk {
		e.Members = append(e.Members, fmt.Sprintf("%s %s", n.phase, n.object.ID.Describe()))
	}
	return e
}

func (p phase) String() string {
	return [...]string{"prepare", "drop", "move aside", "change", "create", "retarget", "complete", "finish", "drop old"}[p]
}
