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
	var nodes []*node
	for _, n := range g.nodes {
		if n.into == nil {
			nodes = append(nodes, n)
		}
	}
	units := map[*node]*node{} // the least member stands for all of its unit
	members := map[*node][]*node{}
	for _, n := range nodes {
		root := n.unit()
		members[root] = append(members[root], n)
		if units[root] == nil || compareNodes(n, units[root]) < 0 {
			units[root] = n
		}
	}
	first := make([]*node, 0, len(units))
	for _, least := range units {
		first = append(first, least)
	}
	sorted, err := topological(first, func(least *node) []*node {
		var needs []*node
		for _, n := range members[least.unit()] {
			for before := range n.after {
				if before.unit() != n.unit() {
					needs = append(needs, units[before.unit()])
				}
			}
		}
		return needs
	})
	if err != nil {
		return nil, err
	}
	result := make([]*node, 0, len(nodes))
	for _, least := range sorted {
		unit := least.unit()
		if len(members[unit]) == 1 {
			result = append(result, least)
			continue
		}
		inside, err := topological(members[unit], func(n *node) []*node {
			var needs []*node
			for before := range n.after {
				if before.unit() == unit {
					needs = append(needs, before)
				}
			}
			return needs
		})
		if err != nil {
			return nil, err
		}
		result = append(result, inside...)
	}
	return result, nil
}

// topological sorts nodes behind what they need, the least first.
func topological(nodes []*node, needs func(*node) []*node) ([]*node, error) {
	waiting := map[*node]int{}
	next := map[*node][]*node{}
	ready := &queue{}
	for _, n := range nodes {
		before := needs(n) // one that comes twice is counted twice, and given free twice
		waiting[n] = len(before)
		for _, first := range before {
			next[first] = append(next[first], n)
		}
		if len(before) == 0 {
			ready.nodes = append(ready.nodes, n)
		}
	}
	heap.Init(ready)
	var sorted []*node
	for ready.Len() > 0 {
		n := heap.Pop(ready).(*node)
		sorted = append(sorted, n)
		delete(waiting, n)
		for _, m := range next[n] {
			if waiting[m]--; waiting[m] == 0 {
				heap.Push(ready, m)
			}
		}
	}
	if len(waiting) > 0 {
		return nil, findCycle(waiting)
	}
	return sorted, nil
}

// compareNodes orders what no dependency orders: drops first, then by the place
// of the outermost parent, so that what belongs together stands together.
func compareNodes(a, b *node) int {
	return cmp.Or(
		cmp.Compare(late(a), late(b)),
		cmp.Compare(a.group, b.group),
		schema.Compare(a.key[0], b.key[0]),
		cmp.Compare(a.rank, b.rank),
		cmp.Compare(a.object.Order, b.object.Order),
		slices.CompareFunc(a.key, b.key, schema.Compare),
		schema.Compare(a.id, b.id),
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
func findCycle(waiting map[*node]int) error {
	var start *node
	for n := range waiting {
		if start == nil || compareNodes(n, start) < 0 {
			start = n
		}
	}
	seen := map[*node]int{}
	var walk []*node
	for n := start; ; {
		if at, ok := seen[n]; ok {
			walk = append(walk[at:], n)
			break
		}
		seen[n] = len(walk)
		walk = append(walk, n)
		var least *node
		for m := range n.after {
			if _, stuck := waiting[m]; stuck && (least == nil || compareNodes(m, least) < 0) {
				least = m
			}
		}
		n = least
	}
	e := &CycleError{}
	for _, n := range walk {
		e.Members = append(e.Members, fmt.Sprintf("%s %s", n.phase, n.id.Describe()))
	}
	return e
}

func (p phase) String() string {
	return [...]string{"prepare", "drop", "move aside", "change", "create", "retarget", "complete", "finish", "drop old"}[p]
}
