package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// placed is one statement in its place.
type placed struct {
	node   *node
	action kind.Action
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
		for _, a := range n.actions {
			steps = append(steps, placed{node: n, action: a})
		}
	}
	return steps
}

// fold moves statements into an earlier one that can say the same, such as a
// constraint into the statement that creates its table. It does so only where
// everything that the moved statement needs comes before its new place. It
// returns what is left, which takes the place of the steps in memory, and which
// node took in each node that moved.
func fold(nodes []*node, steps []placed) (result []placed, folded map[*node]*node) {
	position := map[*node]int{}
	for i, n := range nodes {
		position[n] = i
	}
	containers := map[schema.ID]int{} // the step that holds the object or its fragment
	folded = map[*node]*node{}
	result = steps[:0]
	for _, s := range steps {
		at, found := containers[s.action.Into]
		if s.action.Into != (schema.ID{}) && found && len(s.node.actions) == 1 &&
			foldable(s.node, result[at].node, position, folded) {
			into(&result[at].action, s.action)
			for _, f := range s.action.Fragments {
				containers[f.ID] = at
			}
			folded[s.node] = result[at].node
			continue
		}
		result = append(result, s)
		if s.action.Open != "" {
			containers[s.node.id] = len(result) - 1
			for _, f := range s.action.Fragments {
				containers[f.ID] = len(result) - 1
			}
		}
	}
	return result, folded
}

// foldable reports whether everything that n needs is there when the container
// runs.
func foldable(n, container *node, position map[*node]int, folded map[*node]*node) bool {
	for first := range n.after {
		if first == container || folded[first] == container {
			continue
		}
		if at := folded[first]; at != nil {
			first = at
		}
		if position[first] >= position[container] {
			return false
		}
	}
	return true
}

func into(container *kind.Action, a kind.Action) {
	container.Fragments = slices.Clone(container.Fragments)
	container.Hazards = append(slices.Clip(container.Hazards), a.Hazards...)
	if a.Suffix == "" {
		container.Fragments = append(container.Fragments, a.Fragments...)
		return
	}
	for i, f := range container.Fragments {
		if f.ID == a.Into {
			container.Fragments[i].Text += a.Suffix
		}
	}
}
