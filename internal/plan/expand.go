// Package plan turns differences into ordered statements. It names no kind of
// object: what a statement says is the kinds' business, and the order follows
// from the dependencies that PostgreSQL recorded.
package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// node is one thing that happens to one object. Nodes are what is ordered.
type node struct {
	object  *schema.Object
	kind    *kind.Kind
	next    *node // of the same change
	actions []kind.Action
	after   []*node          // nodes that have to come first; one can stand there twice
	united  *node            // a node of the same unit, on the way to the one that stands for it
	into    *node            // the node whose statement does this one's work
	key     []*schema.Object // from the outermost parent to the object, for a readable order
	verb    schema.Verb
	rank    int32
	group   int32 // twice the rank of the outermost parent, one less where that is hastened
	place   int32 // among the nodes that are being ordered, and then in their order
	phase   phase
}

// phase is what a node does within the change of one object.
type phase uint8

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
	sized    *schema.State              // knows how large relations are
	at       map[*schema.Object]*change // by the object of the delta
	order    []*change                  // of deltas and of what they pull in

	followers map[schema.ID][]*schema.Object // objects that follow the key, found when first asked for
}

// change is what happens to one object. A plan can have some of nearly all
// objects of a large database, so what few have is behind a pointer.
type change struct {
	schema.Delta
	edits   *edits  // nil where nothing is done in place
	cause   *change // why an unchanged object is replaced
	nodes   *node   // the first of them
	name    string  // text of the identity, see text
	dropped bool
	created bool
	swapped bool // replaced with the old form moved aside
	pulled  bool // what hangs on it was pulled in
	inPlace bool // was altered in place
	states  bool // has a statement, or a part in one

	container int32 // number of the statement that holds it or its fragment, from 1
}

// edits is what is done to an object in place; nil where that is not possible.
type edits struct {
	altered, moved []kind.Action // moved is retargeted
}

func (c *change) altered() []kind.Action {
	if c.edits == nil {
		return nil
	}
	return c.edits.altered
}

func (c *change) moved() []kind.Action {
	if c.edits == nil {
		return nil
	}
	return c.edits.moved
}

// edit returns what is done in place, to be set.
func (c *change) edit() *edits {
	if c.edits == nil {
		c.edits = &edits{}
	}
	return c.edits
}

// replaced reports whether the object is dropped to be created anew.
func (c *change) replaced() bool { return c.dropped && c.created }

// text returns the text of the identity.
func (c *change) text() string {
	if c.name == "" {
		c.name = c.ID().String()
	}
	return c.name
}

// expand decides what happens to each object: a difference that a kind cannot
// alter in place becomes a replacement, and a replacement pulls in the parts
// and the dependents of the object.
func expand(kinds *kind.Set, between diff.Difference, mode Mode) *expansion {
	old, new, deltas := between.Old, between.New, between.Deltas
	e := &expansion{
		kinds: kinds, old: old, new: new, sized: old,
		at: make(map[*schema.Object]*change, len(deltas)), order: make([]*change, 0, len(deltas)),
	}
	e.ctx = &kind.Ctx{Server: old.Server, Old: old, New: new, Kinds: kinds, Online: mode == Online, Turns: e.turns}
	changes := make([]change, len(deltas))
	for i, d := range deltas {
		changes[i] = change{Delta: d, created: d.Old == nil, dropped: d.New == nil}
		e.add(&changes[i])
	}
	e.alterOrReplace()
	e.propagate()
	e.realter()
	e.overlap()
	slices.SortFunc(e.order, func(a, b *change) int { return schema.CompareObjects(a.Object(), b.Object()) })
	return e
}

func (e *expansion) add(c *change) {
	e.at[c.Object()] = c
	e.order = append(e.order, c)
}

// change returns what happens to the identified object, nil for nothing.
func (e *expansion) change(id schema.ID) *change {
	o := e.new.Objects[id]
	if o == nil {
		o = e.old.Objects[id]
	}
	return e.at[o]
}

// changed returns the change of an object that is in both states, a new one where
// nothing happens to it yet.
func (e *expansion) changed(id schema.ID) *change {
	c := e.change(id)
	if c == nil {
		c = &change{Delta: schema.Delta{Old: e.old.Objects[id], New: e.new.Objects[id]}}
		e.add(c)
	}
	return c
}

// turns reports whether the object is dropped, and whether it is created.
func (e *expansion) turns(id schema.ID) (dropped, created bool) {
	if c := e.change(id); c != nil {
		return c.dropped, c.created
	}
	return false, false
}

// text returns the text of an identity.
func (e *expansion) text(id schema.ID) string {
	if c := e.change(id); c != nil {
		return c.text()
	}
	return id.String()
}

// users returns the old objects that need the identified one, or are its parts.
func (e *expansion) users(id schema.ID) []*schema.Object { return e.ctx.Dependents(e.old, id) }

// alterOrReplace asks the kinds what can be changed in place.
func (e *expansion) alterOrReplace() {
	for _, c := range slices.Clone(e.order) {
		if c.Old == nil || c.New == nil {
			continue
		}
		k := e.kinds.Of(c.Old.ID)
		if c.Old.Parent != c.New.Parent && e.old.Objects[c.New.Parent] == nil && !k.Early {
			e.replace(c)
			continue
		}
		actions, inPlace := k.Alter(e.ctx, c.Delta)
		if inPlace {
			c.edit().altered = actions
		} else {
			e.replace(c)
		}
	}
	for _, c := range slices.Clone(e.order) {
		if !c.dropped {
			continue
		}
		for _, bound := range e.kinds.Of(c.Old.ID).Bound(e.ctx, c.Old) {
			if e.new.Objects[bound] != nil {
				e.replace(e.changed(bound))
			}
		}
	}
}

// replace marks an object that is in both states as dropped and created.
func (e *expansion) replace(c *change) {
	if c.replaced() {
		return
	}
	c.edits, c.pulled = nil, false
	c.dropped, c.created = true, true
}

// propagate pulls in what hangs on dropped and rebuilt objects until nothing is
// left to pull in. The queue is worked off in order of discovery.
func (e *expansion) propagate() {
	for i := 0; i < len(e.order); i++ {
		e.pull(e.order[i])
	}
	for again := true; again; {
		before := len(e.order)
		for _, c := range slices.Clone(e.order) {
			e.pull(c)
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
	for _, c := range e.order {
		if c.replaced() && len(c.Changed) > 0 && e.kinds.Of(c.Old.ID).Overlap(c.Old) && e.canSwap(c) && !e.ctx.Dropped(c.Old.Parent) &&
			!slices.ContainsFunc(c.Old.Needs, func(need schema.ID) bool { n := e.change(need); return n != nil && n.moved() != nil }) {
			c.swapped = true
		}
	}
}

func (e *expansion) pull(c *change) {
	if c.pulled {
		return
	}
	switch {
	case c.dropped:
		c.pulled = true
		if c.created {
			for _, follower := range e.followersOf(c.Old.ID) {
				if slices.Contains(e.kinds.Of(follower.ID).Follows(e.ctx, follower), c.Old.ID) {
					e.pullUser(follower, c)
				}
			}
		}
		e.pullShell(c)
		for _, user := range e.users(c.Old.ID) {
			e.pullUser(user, c)
		}
	case e.rebuilds(c):
		c.pulled = true
		for _, user := range e.users(c.Old.ID) {
			if e.kinds.Of(user.ID).CarriedOver(user) || e.letsGo(user.ID, c.Old.ID) {
				continue
			}
			if u := e.change(user.ID); u != nil && u.edits != nil {
				u.edits.altered = nil
			}
			e.pullUser(user, c)
		}
	}
}

// canSwap reports whether the old form of an object can be kept aside for a
// while: nothing that it needs is dropped before its successor comes.
func (e *expansion) canSwap(c *change) bool {
	return e.kinds.Of(c.Old.ID).CanSwap && !slices.ContainsFunc(c.Old.Needs, func(need schema.ID) bool {
		return e.ctx.Dropped(need) && !e.kinds.Of(need).CanSwap
	})
}

// followersOf returns the objects in which PostgreSQL repeats the changes of the
// identified one, unless what ties them goes.
func (e *expansion) followersOf(id schema.ID) []*schema.Object {
	if e.followers == nil {
		e.followers = map[schema.ID][]*schema.Object{}
		for _, o := range e.old.Sorted() {
			for _, leader := range e.kinds.Of(o.ID).Follows(e.ctx, o) {
				e.followers[leader] = append(e.followers[leader], o)
			}
		}
	}
	return e.followers[id]
}

// pullShell replaces the shell of an object that goes: it cannot be a shell again.
func (e *expansion) pullShell(c *change) {
	id := c.Old.Parent
	if !e.kinds.Of(c.Old.ID).Shelled || e.new.Objects[id] == nil || e.ctx.Dropped(id) {
		return
	}
	shell := e.changed(id)
	shell.cause = c
	e.replace(shell)
}

// letsGo reports whether the change in place of user ends its need for id.
func (e *expansion) letsGo(user, id schema.ID) bool {
	c := e.change(user)
	return c != nil && c.altered() != nil && c.New.Parent != id && !slices.Contains(c.New.Needs, id)
}

// rebuilds reports whether the change in place of an object needs its
// dependents out of the way.
func (e *expansion) rebuilds(c *change) bool {
	if c.altered() == nil {
		return false
	}
	return slices.ContainsFunc(c.Changed, func(f string) bool { return e.kinds.Of(c.Old.ID).Rebuild[f] })
}

// pullUser decides what becomes of an object whose need or parent goes.
func (e *expansion) pullUser(old *schema.Object, gone *change) {
	new, user := e.new.Objects[old.ID], e.change(old.ID)
	if new == nil || user != nil && user.replaced() {
		return
	}
	id := gone.Old.ID
	part := old.Parent == id
	if user != nil && user.altered() != nil && !part && !gone.created {
		return // its change lets go of what is dropped
	}
	k := e.kinds.Of(old.ID)
	if part && k.Early && new.Parent != id || k.Tied != nil && k.Tied(old.ID, id) {
		return
	}
	if !part && gone.created && e.canSwap(gone) {
		if actions := k.Retarget(e.ctx, old, new, id); actions != nil {
			gone.swapped = true
			user = e.changed(old.ID)
			user.edit().moved = actions
			user.cause = gone
			for _, dependent := range e.users(old.ID) {
				if !e.kinds.Of(dependent.ID).CarriedOver(dependent) {
					e.pullUser(dependent, user)
				}
			}
			return
		}
	}
	user = e.changed(old.ID)
	if user.cause == nil && len(user.Changed) == 0 {
		user.cause = gone
	}
	e.replace(user)
}

// realter asks again for the changes in place, now that it is known what else
// is dropped and created.
func (e *expansion) realter() {
	for _, c := range e.order {
		if c.altered() == nil {
			continue
		}
		if actions, inPlace := e.kinds.Of(c.Old.ID).Alter(e.ctx, c.Delta); inPlace {
			c.edits.altered = actions
		}
	}
}
