package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// segment numbers the transactions. What cannot run in a transaction has none,
// and what has to be committed before it can be used ends one.
//
// Offline everything else shares one. Online a transaction holds locks that keep
// others waiting on one relation only, takes them last, and does nothing long
// under them; what replaces an object stays in one transaction all the same, as
// sessions must not find it missing.
func (e *expansion) segment(steps []placed) []int {
	numbers := make([]int, len(steps))
	current := 1
	var now extent
	for i := 0; i < len(steps); {
		end := i + 1
		for end < len(steps) && together(steps[i], steps[end]) {
			end++
		}
		next := e.extent(steps[i:end])
		if i > 0 && (separate(steps[i-1], steps[i]) || e.ctx.Online && !now.takes(next)) {
			current, now = current+1, extent{}
		}
		now.add(next)
		for first := i; i < end; i++ {
			if i > first && separate(steps[i-1], steps[i]) {
				current++
			}
			numbers[i] = current
		}
	}
	return numbers
}

// separate reports whether two consecutive statements cannot share a transaction.
func separate(a, b placed) bool {
	return a.action.NoTx || a.action.Commit || b.action.NoTx
}

// together reports whether two statements belong to one unit. Each of those that
// prepare or complete a change stands by itself.
func together(a, b placed) bool {
	alone := func(s placed) bool { return s.node.phase == preparing || s.node.phase == completing }
	return a.node.unit() == b.node.unit() && !alone(a) && !alone(b)
}

// extent is what statements do to sessions of others.
type extent struct {
	held []schema.ID // relations that writers wait for
	of   []schema.ID // what stands by itself and is changed, or has a part that is, for each statement
	long bool        // takes time that grows with a relation
}

func (e *expansion) extent(steps []placed) extent {
	var x extent
	for _, s := range steps {
		x.add(extent{held: e.held(s), long: e.long(s)})
		x.of = append(x.of, s.node.key[0].ID)
	}
	return x
}

// add takes in what more statements hold, and how long they take.
func (x *extent) add(more extent) {
	for _, id := range more.held {
		if !slices.Contains(x.held, id) {
			x.held = append(x.held, id)
		}
	}
	x.long = x.long || more.long
}

// takes reports whether more can be done in the transaction that did this.
func (x *extent) takes(more extent) bool {
	switch {
	case x.long || more.long:
		return false
	case len(x.held) == 0:
		return true
	case len(more.held) == 0:
		return within(more.of, x.held)
	}
	return within(more.held, x.held) && within(x.held, more.held)
}

func within(ids, all []schema.ID) bool {
	return !slices.ContainsFunc(ids, func(id schema.ID) bool { return !slices.Contains(all, id) })
}

// held returns the relations that writers of other sessions wait for.
func (e *expansion) held(s placed) []schema.ID {
	var ids []schema.ID
	for _, h := range append([]kind.Held{{Relation: s.action.Relation, Lock: s.action.Lock}}, s.action.Also...) {
		if h.Lock.BlocksWrites() && e.seen(s.node, h.Relation) {
			ids = append(ids, h.Relation)
		}
	}
	return ids
}

// long reports whether the time that the action takes grows with a relation
// that other sessions use.
func (e *expansion) long(s placed) bool {
	return (s.action.Scan || s.action.Rewrite) && e.seen(s.node, s.action.Relation)
}
