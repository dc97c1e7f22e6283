package plan

import (
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// join lets consecutive changes of one relation that need the same lock share a
// statement, so that several of them write or read the relation once. What can
// lose rows or fail on them stays a statement of its own, to be named by itself.
func join(steps []placed, segments []int) ([]placed, []int) {
	joined, numbers := steps[:0], make([]int, 0, len(steps)) // what is joined takes the place of the steps
	for i, s := range steps {
		if i > 0 && numbers[len(numbers)-1] == segments[i] && joinable(joined[len(joined)-1], s) {
			last := &joined[len(joined)-1]
			a := last.action
			a.SQL = a.Statement() + ",\n    " + strings.TrimPrefix(s.action.Statement(), s.action.Alters)
			a.Rewrite, a.Scan = a.Rewrite || s.action.Rewrite, a.Scan || s.action.Scan
			a.Hazards = append(a.Hazards[:len(a.Hazards):len(a.Hazards)], s.action.Hazards...)
			if s.node.object.ID != last.node.object.ID {
				last.also = append(last.also, s.node.object.ID)
			}
			continue
		}
		joined, numbers = append(joined, s), append(numbers, segments[i])
	}
	return joined, numbers
}

func joinable(a, b placed) bool {
	single := func(s placed) bool {
		return s.action.Alters == "" || s.action.Loses != "" || s.action.Violating != "" || s.action.NoTx || s.action.Commit
	}
	return !single(a) && !single(b) && a.action.Alters == b.action.Alters && a.action.Lock == b.action.Lock && len(a.action.Also)+len(b.action.Also) == 0
}

// texts returns the identities as text.
func (e *expansion) texts(ids []schema.ID) []string {
	var names []string
	for _, id := range ids {
		names = append(names, e.text(id))
	}
	return names
}
