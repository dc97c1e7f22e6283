package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// Statement is one statement of a plan, with the object that it is for and the
// statements that have to run before it.
type Statement struct {
	SQL    string // without the closing semicolon
	Object schema.ID
	Needs  []int // places of other statements in the list, ascending
}

// Statements returns what Make makes steps of, for callers that put the
// statements in an order of their own.
func Statements(kinds *kind.Set, old, new *schema.State) ([]Statement, error) {
	e := expand(kinds, diff.Between(old, new), Offline)
	nodes, err := e.build().order()
	if err != nil {
		return nil, err
	}
	steps, folded := e.fold(flatten(nodes))
	return link(nodes, steps, folded), nil
}

// link turns the edges between nodes into those between statements. A node
// without a statement hands on what it needs itself.
func link(nodes []*node, steps []placed, folded map[*node]*node) []Statement {
	statements := make([]Statement, len(steps))
	places := map[*node][]int{}
	for i, s := range steps {
		statements[i] = Statement{SQL: s.action.Statement(), Object: s.node.object.ID}
		if i > 0 && steps[i-1].node == s.node {
			statements[i].Needs = []int{i - 1}
		}
		places[s.node] = append(places[s.node], i)
	}
	ends := map[*node][]int{} // the statements after which a node is done
	for _, n := range nodes {
		var needs []int
		for _, first := range n.after {
			needs = append(needs, ends[first]...)
		}
		slices.Sort(needs)
		needs = slices.Compact(needs)
		at := places[n]
		if container := folded[n]; container != nil {
			at = places[container]
		}
		if len(at) == 0 {
			ends[n] = needs
			continue
		}
		ends[n] = at[len(at)-1:]
		first := &statements[at[0]]
		for _, need := range needs {
			if need < at[0] {
				first.Needs = append(first.Needs, need)
			}
		}
		slices.Sort(first.Needs)
		first.Needs = slices.Compact(first.Needs)
	}
	return statements
}
