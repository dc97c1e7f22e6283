// Package plan turns differences into ordered statements. It names no kind of
// object: what a statement says is the kinds' business, and the order follows
// from the dependencies that PostgreSQL recorded.
package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// node is one thing that happens to one object. Nodes are what is ordered.
type node struct {
	id      schema.ID
	verb    schema.Verb
	phase   phase
	object  *schema.Object
	actions []kind.Action
	after   map[*node]bool // nodes that have to come first
	clashes []*node        // those of them that only free its name
	united  *node          // a node of the same unit, on the way to the one that stands for it
	into    *node          // the node whose statement does this one's work
	rank    int
	group   int         // rank of the outermost parent
	key     []schema.ID // from the outermost parent to the object, for a readable order
}

// phase is what a node does within the change of one object.
type phase int

const (
	preparing phase = iota // the long part before the change, online
	dropping
	movingAside
	altering
	creating
	retargeting
	completing // the long part behind the change, online
	finishing  // what can be said only then
	droppingAside
)

// expansion is the work of turning deltas into nodes.
type expansion struct {
	ctx      *kind.Ctx
	kinds    *kind.Set
	old, new *schema.State
	deltas   map[schema.ID]schema.Delta
	order    []schema.ID                 // of deltas and of what they pull in
	altered  map[schema.ID][]kind.Action // in place
	moved    map[schema.ID][]kind.Action // retargeted
	cause    map[schema.ID]schema.ID     // why an unchanged object is replaced
	swapped  map[schema.ID]bool          // replaced with the old form moved aside
	pulled   map[schema.ID]bool          // what hangs on them was pulled in

	followers map[schema.ID][]schema.ID // objects that follow the key, found when first asked for
}

// expand decides what happens to each object: a difference that a kind cannot
// alter in place becomes a replacement, and a replacement pulls in the parts
// and the dependents of the object.
func expand(kinds *kind.Set, old, new *schema.State, deltas []schema.Delta, mode Mode) *expansion {
	e := &expansion{
		kinds: kinds, old: old, new: new,
		ctx: &kind.Ctx{Server: old.Server, Old: old, New: new, Kinds: kinds, Online: mode == Online,
			Created: make(map[schema.ID]bool, len(deltas)), Dropped: make(map[schema.ID]bool, len(deltas))},
		deltas: make(map[schema.ID]schema.Delta, len(deltas)), order: make([]schema.ID, 0, len(deltas)), altered: map[schema.ID][]kind.Action{},
		moved: map[schema.ID][]kind.Action{}, cause: map[schema.ID]schema.ID{},
		swapped: map[schema.ID]bool{}, pulled: map[schema.ID]bool{},
	}
	for _, d := range deltas {
		e.deltas[d.ID] = d
		e.order = append(e.order, d.ID)
		e.ctx.Created[d.ID] = d.Old == nil
		e.ctx.Dropped[d.ID] = d.New == nil
	}
	e.alterOrReplace(deltas)
	e.propagate()
	e.realter()
	e.overlap()
	slices.SortFunc(e.order, schema.Compare)
	return e
}

// users returns the old objects that need the identified one, or are its parts.
func (e *expansion) users(id schema.ID) []schema.ID {
	var ids []schema.ID
	for _, o := range e.ctx.Dependents(e.old, id) {
		ids = append(ids, o.ID)
	}
	return ids
}

// alterOrReplace asks the kinds what can be changed in place.
func (e *expansion) alterOrReplace(deltas []schema.Delta) {
	for _, d := range deltas {
		if d.Old == nil || d.New == nil {
			continue
		}
		if d.Old.Parent != d.New.Parent && e.old.Objects[d.New.Parent] == nil && !e.kinds.Of(d.ID).Early {
			e.replace(d.ID)
			continue
		}
		actions, inPlace := e.kinds.Of(d.ID).Alter(e.ctx, d)
		if inPlace {
			e.altered[d.ID] = actions
		} else {
			e.replace(d.ID)
		}
	}
	for _, id := range slices.Clone(e.order) {
		if !e.ctx.Dropped[id] {
			continue
		}
		for _, bound := range e.kinds.Of(id).Bound(e.ctx, e.old.Objects[id]) {
			if e.new.Objects[bound] != nil {
				e.replace(bound)
			}
		}
	}
}

// replace marks an object that is in both states as dropped and created.
func (e *expansion) replace(id schema.ID) {
	if e.ctx.Dropped[id] && e.ctx.Created[id] {
		return
	}
	if _, known := e.deltas[id]; !known {
		e.deltas[id] = schema.Delta{ID: id, Old: e.old.Objects[id], New: e.new.Objects[id]}
		e.order = append(e.order, id)
	}
	delete(e.altered, id)
	delete(e.moved, id)
	delete(e.pulled, id)
	e.ctx.Dropped[id], e.ctx.Created[id] = true, true
}

// propagate pulls in what hangs on dropped and rebuilt objects until nothing is
// left to pull in. The queue is worked off in order of discovery.
func (e *expansion) propagate() {
	for i := 0; i < len(e.order); i++ {
		e.pull(e.order[i])
	}
	for again := true; again; {
		again = false
		before := len(e.order)
		for _, id := range slices.Clone(e.order) {
			e.pull(id)
		}
		again = len(e.order) > before
	}
}

// overlap keeps the old form of replaced objects aside where sessions would
// miss it meanwhile.
func (e *expansion) overlap() {
	if !e.ctx.Online {
		return
	}
	for _, id := range e.order {
		old := e.old.Objects[id]
		if e.ctx.Dropped[id] && e.ctx.Created[id] && e.deltaChanged(id) && e.kinds.Of(id).Overlap(old) && e.canSwap(id) &&
			!e.ctx.Dropped[old.Parent] && !slices.ContainsFunc(old.Needs, func(need schema.ID) bool { return e.moved[need] != nil }) {
			e.swapped[id] = true
		}
	}
}

func (e *expansion) pull(id schema.ID) {
	if e.pulled[id] {
		return
	}
	switch {
	case e.ctx.Dropped[id]:
		e.pulled[id] = true
		if e.ctx.Created[id] {
			for _, follower := range e.followersOf(id) {
				if slices.Contains(e.kinds.Of(follower).Follows(e.ctx, e.old.Objects[follower]), id) {
					e.pullUser(follower, id)
				}
			}
		}
		e.pullShell(id)
		for _, user := range e.users(id) {
			e.pullUser(user, id)
		}
	case e.rebuilds(id):
		e.pulled[id] = true
		for _, user := range e.users(id) {
			if !e.kinds.Of(user).CarriedOver(e.old.Objects[user]) && !e.letsGo(user, id) {
				delete(e.altered, user)
				e.pullUser(user, id)
			}
		}
	}
}

// canSwap reports whether the old form of an object can be kept aside for a
// while: nothing that it needs is dropped before its successor comes.
func (e *expansion) canSwap(id schema.ID) bool {
	return e.kinds.Of(id).CanSwap && !slices.ContainsFunc(e.old.Objects[id].Needs, func(need schema.ID) bool {
		return e.ctx.Dropped[need] && !e.kinds.Of(need).CanSwap
	})
}

// followersOf returns the objects in which PostgreSQL repeats the changes of the
// identified one, unless what ties them goes.
func (e *expansion) followersOf(id schema.ID) []schema.ID {
	if e.followers == nil {
		e.followers = map[schema.ID][]schema.ID{}
		for _, o := range e.old.Sorted() {
			for _, leader := range e.kinds.Of(o.ID).Follows(e.ctx, o) {
				e.followers[leader] = append(e.followers[leader], o.ID)
			}
		}
	}
	return e.followers[id]
}

// pullShell replaces the shell of an object that goes: it cannot be a shell again.
func (e *expansion) pullShell(id schema.ID) {
	shell := e.old.Objects[id].Parent
	if e.kinds.Of(id).Shelled && e.new.Objects[shell] != nil && !e.ctx.Dropped[shell] {
		e.cause[shell] = id
		e.replace(shell)
	}
}

// letsGo reports whether the change in place of user ends its need for id.
func (e *expansion) letsGo(user, id schema.ID) bool {
	_, inPlace := e.altered[user]
	new := e.new.Objects[user]
	return inPlace && new.Parent != id && !slices.Contains(new.Needs, id)
}

// rebuilds reports whether the change in place of an object needs its
// dependents out of the way.
func (e *expansion) rebuilds(id schema.ID) bool {
	if _, inPlace := e.altered[id]; !inPlace {
		return false
	}
	return slices.ContainsFunc(e.deltas[id].Changed, func(f string) bool { return e.kinds.Of(id).Rebuild[f] })
}

// pullUser decides what becomes of an object whose need or parent goes.
func (e *expansion) pullUser(user, gone schema.ID) {
	old, new := e.old.Objects[user], e.new.Objects[user]
	if new == nil || (e.ctx.Dropped[user] && e.ctx.Created[user]) {
		return
	}
	part := old.Parent == gone
	if _, inPlace := e.altered[user]; inPlace && !part && !e.ctx.Created[gone] {
		return // its change lets go of what is dropped
	}
	k := e.kinds.Of(user)
	if part && k.Early && new.Parent != gone || k.Tied != nil && k.Tied(user, gone) {
		return
	}
	if !part && e.ctx.Created[gone] && e.canSwap(gone) {
		if actions := k.Retarget(e.ctx, old, new, gone); actions != nil {
			e.swapped[gone] = true
			if _, known := e.deltas[user]; !known {
				e.deltas[user] = schema.Delta{ID: user, Old: old, New: new}
				e.order = append(e.order, user)
			}
			e.moved[user] = actions
			e.cause[user] = gone
			for _, dependent := range e.users(user) {
				if !e.kinds.Of(dependent).CarriedOver(e.old.Objects[dependent]) {
					e.pullUser(dependent, user)
				}
			}
			return
		}
	}
	if _, explained := e.cause[user]; !explained && !e.deltaChanged(user) {
		e.cause[user] = gone
	}
	e.replace(user)
}

func (e *expansion) deltaChanged(id schema.ID) bool { return len(e.deltas[id].Changed) > 0 }

// realter asks again for the changes in place, now that it is known what else
// is dropped and created.
func (e *expansion) realter() {
	for id := range e.altered {
		if actions, inPlace := e.kinds.Of(id).Alter(e.ctx, e.deltas[id]); inPlace {
			e.altered[id] = actions
		}
	}
}
