// Package layout puts the statements that build a schema into files: one for
// each object that stands by itself, with its parts. It names no kind of
// object.
package layout

import (
	"container/heap"
	"fmt"
	"maps"
	"slices"

	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/schema"
)

// File is one file.
type File struct {
	Name       string // relative path with slashes, "public/table/users.sql"
	Statements []plan.Statement
}

// Files returns the files of a state in an order in which they can be run one
// after the other. Statements keep their order within a file.
//
// A part stands in the file of its whole, unless two files would then need
// each other: such a part, as a foreign key that closes a circle of tables, has
// a file of its own.
func Files(statements []plan.Statement, state *schema.State) ([]File, error) {
	l := &layout{statements: statements, state: state, home: map[schema.ID]schema.ID{}, users: make([][]int, len(statements))}
	for i, s := range statements {
		l.home[s.Object] = l.whole(s.Object)
		for _, need := range s.Needs {
			l.users[need] = append(l.users[need], i)
		}
	}
	order, stuck := l.order()
	if len(stuck) > 0 {
		l.separate(stuck)
		if order, stuck = l.order(); len(stuck) > 0 {
			return nil, fmt.Errorf("%d files need each other in a circle", len(stuck))
		}
	}
	names := paths(order)
	files := make([]File, len(order))
	members := l.members()
	for i, home := range order {
		files[i].Name = names[home]
		for _, at := range members[home] {
			files[i].Statements = append(files[i].Statements, statements[at])
		}
	}
	return files, nil
}

// layout is the work of finding a home for each object: the object whose file
// has its statements.
type layout struct {
	statements []plan.Statement
	state      *schema.State
	users      [][]int // the statements that need each statement
	home       map[schema.ID]schema.ID
}

// parent returns the object that id is a part of, or the zero value.
func (l *layout) parent(id schema.ID) schema.ID {
	if o := l.state.Objects[id]; o != nil {
		return o.Parent
	}
	return schema.ID{}
}

// whole returns the outermost parent of an object.
func (l *layout) whole(id schema.ID) schema.ID {
	for p := l.parent(id); p != (schema.ID{}); p = l.parent(id) {
		id = p
	}
	return id
}

// homeOf returns the home of statement i.
func (l *layout) homeOf(i int) schema.ID { return l.home[l.statements[i].Object] }

// members returns the statements of each home, in order.
func (l *layout) members() map[schema.ID][]int {
	members := map[schema.ID][]int{}
	for i := range l.statements {
		home := l.homeOf(i)
		members[home] = append(members[home], i)
	}
	return members
}

// order sorts the homes so that each comes after those that it needs, and
// otherwise by their first statements. Homes that are part of a circle, or need
// one that is, are stuck.
func (l *layout) order() (sorted []schema.ID, stuck map[schema.ID]bool) {
	var homes []schema.ID
	place := map[schema.ID]int{}
	for i := range l.statements {
		if home := l.homeOf(i); !has(place, home) {
			place[home] = len(homes)
			homes = append(homes, home)
		}
	}
	waiting := make([]int, len(homes))
	next := make([][]int, len(homes))
	for i, s := range l.statements {
		to := place[l.homeOf(i)]
		for _, need := range s.Needs {
			if from := place[l.homeOf(need)]; from != to {
				next[from] = append(next[from], to)
				waiting[to]++
			}
		}
	}
	ready := &queue{}
	for at, n := range waiting {
		if n == 0 {
			*ready = append(*ready, at)
		}
	}
	for ready.Len() > 0 {
		at := heap.Pop(ready).(int)
		sorted = append(sorted, homes[at])
		for _, to := range next[at] {
			if waiting[to]--; waiting[to] == 0 {
				heap.Push(ready, to)
			}
		}
	}
	stuck = map[schema.ID]bool{}
	for at, n := range waiting {
		if n > 0 {
			stuck[homes[at]] = true
		}
	}
	return sorted, stuck
}

func has[V any](m map[schema.ID]V, id schema.ID) bool {
	_, found := m[id]
	return found
}

// queue holds places, the smallest first.
type queue []int

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i] < q[j] }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(int)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// separate gives every part of the stuck homes a home of its own, which leaves
// no circle, and lets each move back to its whole where that closes none. It
// goes by identity, so that an object outside of the circles changes nothing.
func (l *layout) separate(stuck map[schema.ID]bool) {
	var parts []schema.ID
	for _, id := range slices.SortedFunc(maps.Keys(l.home), schema.Compare) {
		if stuck[l.home[id]] {
			parts = append(parts, id)
		}
	}
	for _, id := range parts {
		l.home[id] = id
	}
	members := l.members()
	settled := map[schema.ID]bool{}
	for _, id := range parts {
		l.settle(id, members, settled)
	}
}

// settle moves an object into the home of its parent, whose place is decided
// first. It returns the home.
func (l *layout) settle(id schema.ID, members map[schema.ID][]int, settled map[schema.ID]bool) schema.ID {
	parent := l.parent(id)
	if parent == (schema.ID{}) || settled[id] {
		if !has(l.home, id) {
			return id
		}
		return l.home[id]
	}
	settled[id] = true
	to := l.settle(parent, members, settled)
	switch {
	case len(members[id]) == 0:
		l.home[id] = to
	case !l.between(id, to, members, l.needs) && !l.between(id, to, members, l.usersOf):
		l.home[id] = to
		members[to] = append(members[to], members[id]...)
		delete(members, id)
	}
	return l.home[id]
}

func (l *layout) needs(i int) []int   { return l.statements[i].Needs }
func (l *layout) usersOf(i int) []int { return l.users[i] }

// between reports whether the edges lead from one home to another over a third.
func (l *layout) between(from, to schema.ID, members map[schema.ID][]int, edges func(int) []int) bool {
	seen := map[schema.ID]bool{from: true}
	for open := []schema.ID{from}; len(open) > 0; {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		for _, i := range members[at] {
			for _, j := range edges(i) {
				home := l.homeOf(j)
				if home == to && at != from {
					return true
				}
				if home != to && !seen[home] {
					seen[home] = true
					open = append(open, home)
				}
			}
		}
	}
	return false
}
