package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// placed is one statement in its place.
type placed struct {
	node   *node
	action *kind.Action
	also   []schema.ID // other objects whose changes it has taken in
}

// flatten lists the statements of the ordered nodes.
func flatten(nodes []*node) []placed {
	count := 0
	for _, n := range nodes {
		count += len(n.actions)
	}
	steps := make([]placed, 0, count)
	for _, n := range nodes {
		for i := range n.actions {
			steps = append(steps, placed{node: n, action: &n.actions[i]})
		}
	}
	return steps
}

// fold moves statements into an earlier one that can say the same, such as a
// constraint into the statement that creates its table. It does so only where
// everything that the moved statement needs comes before its new place. It
// returns what is left, which takes the place of the steps in memory, and which
// node took in each node that moved.
func (e *expansion) fold(steps []placed) (result []placed, folded map[*node]*node) {
	folded = map[*node]*node{}
	result = steps[:0]
	for _, s := range steps {
		if at := e.container(s.action); at > 0 && len(s.node.actions) == 1 && foldable(s.node, result[at-1].node, folded) {
			into(result[at-1].action, s.action)
			e.contain(s.action, at)
			folded[s.node] = result[at-1].node
			continue
		}
		result = append(result, s)
		if s.action.Open != "" {
			if c := e.change(s.node.object.ID); c != nil {
				c.container = int32(len(result))
			}
			e.contain(s.action, len(result))
		}
	}
	return result, folded
}

// container returns the number of the statement that the action can be folded
// into, from 1; 0 when there is none.
func (e *expansion) container(a *kind.Action) int {
	if a.Into == nil {
		return 0
	}
	if c := e.change(*a.Into); c != nil {
		return int(c.container)
	}
	return 0
}

// contain records the number of the statement that holds the fragments.
func (e *expansion) contain(a *kind.Action, number int) {
	for _, f := range a.Fragments {
		if c := e.change(f.ID); c != nil {
			c.container = int32(number)
		}
	}
}

// foldable reports whether everything that n needs is there when the container
// runs.
func foldable(n, container *node, folded map[*node]*node) bool {
	for _, first := range n.after {
		if first == container || folded[first] == container {
			continue
		}
		if at := folded[first]; at != nil {
			first = at
		}
		if first.place >= container.place {
			return false
		}
	}
	return true
}

func into(container, a *kind.Action) {
	container.Hazards = append(slices.Clip(container.Hazards), a.Hazards...)
	if a.Suffix == "" {
		container.Fragments = append(container.Fragments, a.Fragments...)
		return
	}
	for i, f := range container.Fragments {
		if f.ID == *a.Into {
			container.Fragments[i].Text += a.Suffix
		}
	}
}
