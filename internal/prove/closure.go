package prove

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// Closure returns the part of a state that a plan has to do with: what the steps
// touch with its parts, what needs that, and what these need. New is the state
// that the plan leads to.
// It also returns the texts of what the steps touch and of what their objects
// need, with the wholes that these belong to.
func Closure(kinds *kind.Set, old, new *schema.State, p *schema.Plan) (part *schema.State, about map[string]bool) {
	c := &closure{kinds: kinds, old: old, in: map[schema.ID]bool{}, expanded: map[schema.ID]bool{}, entered: map[schema.ID]bool{}, leading: map[schema.ID][]schema.ID{}, ties: map[schema.ID]bool{}, said: map[schema.ID]bool{},
		ctx: &kind.Ctx{Server: old.Server, Old: old, New: new, Kinds: kinds}}
	about = map[string]bool{}
	for id, as := range c.touched(p) {
		about[c.whole(id).String()] = true
		switch as {
		case described:
			c.addWhole(c.whole(id))
		case around:
			c.enter(c.whole(id))
		case subject:
			c.touch(id)
		}
		if o := new.Objects[id]; o != nil {
			c.want(o)
			for _, need := range o.Needs {
				whole := c.whole(need)
				about[whole.String()] = true
				c.say(whole, true)
			}
		}
	}
	for len(c.queue) > 0 {
		o := old.Objects[c.queue[0]]
		c.queue = c.queue[1:]
		c.want(o)
	}
	less := *old
	part, less.Objects = &less, make(map[schema.ID]*schema.Object, len(c.in))
	for _, o := range c.ctx.Builtin(old) {
		part.Objects[o.ID] = o // every database has it
	}
	for id := range c.in {
		part.Objects[id] = old.Objects[id]
	}
	return part, about
}

// closure is a set of objects of the old state that grows.
type closure struct {
	kinds    *kind.Set
	ctx      *kind.Ctx
	old      *schema.State
	in       map[schema.ID]bool
	expanded map[schema.ID]bool        // wholes of which the users of all parts were looked at
	entered  map[schema.ID]bool        // wholes of which all parts are in
	queue    []schema.ID               // those of which needs were not looked at yet
	leading  map[schema.ID][]schema.ID // of wholes, see leaders
	ties     map[schema.ID]bool        // whether wholes are tied
	said     map[schema.ID]bool        // wholes of which is in what their creation says, and whether all of it
}

// users returns what needs an object, and parts what is a part of it.
func (c *closure) users(id schema.ID) []schema.ID { return ids(c.ctx.Users(c.old, id, "")) }
func (c *closure) parts(id schema.ID) []schema.ID { return ids(c.ctx.Parts(c.old, id, "")) }

func ids(objects []*schema.Object) []schema.ID {
	list := make([]schema.ID, len(objects))
	for i, o := range objects {
		list[i] = o.ID
	}
	return list
}

// aspect is what an object is to a plan that touches it.
type aspect int

const (
	described aspect = iota // only a comment, an owner, a grant of it changes
	around                  // a part of it changes
	subject                 // it changes itself, or what it is no part of locks it
)

// touched lists what the steps and changes of a plan are about.
func (c *closure) touched(p *schema.Plan) map[schema.ID]aspect {
	found := map[string][]schema.ID{}
	find := func(text string) []schema.ID {
		ids, known := found[text]
		if !known {
			ids = Find(text, c.old, c.ctx.New)
			found[text] = ids
		}
		return ids
	}
	list := map[schema.ID]aspect{}
	add := func(object string, others ...string) {
		as := map[schema.ID]aspect{} // of what it is a part of
		for _, id := range find(object) {
			list[id] = subject
			for at := c.parent(id); at != (schema.ID{}); at = c.parent(at) {
				if as[at] = around; c.kinds.Of(id).Satellite != kind.NotSatellite {
					as[at] = described
				}
			}
		}
		for _, text := range others {
			for _, id := range find(text) {
				if to, whole := as[id]; whole {
					list[id] = max(list[id], to)
				} else {
					list[id] = subject
				}
			}
		}
	}
	for _, s := range p.Steps {
		add(s.Object, s.Relation)
		for _, l := range s.Locks {
			add(s.Object, l.Relation)
		}
	}
	for _, change := range p.Changes {
		add(change.Object, change.Parent)
	}
	return list
}

// parent returns what an object of one of the states is a part of.
func (c *closure) parent(id schema.ID) schema.ID {
	for _, s := range []*schema.State{c.ctx.New, c.old} {
		if o := s.Objects[id]; o != nil {
			return o.Parent
		}
	}
	return schema.ID{}
}

// whole returns the outermost object that an object is a part of.
func (c *closure) whole(id schema.ID) schema.ID {
	for o := c.old.Objects[id]; o != nil && o.Parent != (schema.ID{}) && c.old.Objects[o.Parent] != nil; o = c.old.Objects[id] {
		id = o.Parent
	}
	return id
}

// touch takes in an object with the whole that it belongs to, all parts of that, and
// what needs the object or the whole. What describes an object breaks with nothing.
func (c *closure) touch(id schema.ID) {
	o, whole := c.old.Objects[id], c.whole(id)
	switch {
	case o == nil:
	case c.kinds.Of(id).Satellite != kind.NotSatellite:
		c.add(id)
	case id == whole:
		c.expand(whole)
	default:
		c.enter(whole)
		for _, part := range c.withParts(id) {
			c.addUsers(part, whole)
		}
	}
}

// expand takes in a whole and what needs any part of it.
func (c *closure) expand(whole schema.ID) {
	if c.expanded[whole] {
		return
	}
	c.expanded[whole] = true
	c.enter(whole)
	for _, part := range c.withParts(whole) {
		c.addUsers(part, whole)
	}
}

// enter takes in a whole with its parts, and what needs it as a whole.
func (c *closure) enter(whole schema.ID) {
	if c.entered[whole] || c.old.Objects[whole] == nil {
		return
	}
	c.entered[whole] = true
	c.addWhole(whole)
	c.addUsers(whole, whole)
}

// addUsers takes in what needs a part of a whole, or the whole itself.
func (c *closure) addUsers(part, whole schema.ID) {
	for _, user := range c.users(part) {
		switch top := c.whole(user); {
		case top == user || c.follows(top, whole):
			c.expand(top)
		case c.tied(top):
			c.addWhole(top)
		default: // a foreign key, a trigger: what else its table has is out of the way
			c.add(user)
			c.addOwner(top)
		}
	}
}

// tied reports whether PostgreSQL repeats changes of other objects in parts of this
// one, or of its parts in others: it cannot be made without them.
func (c *closure) tied(top schema.ID) bool {
	tied, known := c.ties[top]
	if !known {
		tied = len(c.leaders(top)) > 0 || slices.ContainsFunc(c.users(top), func(user schema.ID) bool { return c.follows(c.whole(user), top) })
		c.ties[top] = tied
	}
	return tied
}

// follows reports whether PostgreSQL repeats changes of one object in parts of
// another, as in those of a partition.
func (c *closure) follows(top, whole schema.ID) bool { return slices.Contains(c.leaders(top), whole) }

// leaders returns the objects whose changes PostgreSQL repeats in parts of another.
func (c *closure) leaders(top schema.ID) []schema.ID {
	list, known := c.leading[top]
	if known {
		return list
	}
	for _, part := range c.parts(top) {
		for _, leader := range c.kinds.Of(part).Follows(c.ctx, c.old.Objects[part]) {
			list = append(list, c.whole(leader))
		}
	}
	c.leading[top] = list
	return list
}

// withParts returns an object and its parts at any depth.
func (c *closure) withParts(id schema.ID) []schema.ID {
	list := []schema.ID{id}
	for i := 0; i < len(list); i++ {
		list = append(list, c.parts(list[i])...)
	}
	return list
}

func (c *closure) addWhole(id schema.ID) {
	for _, part := range c.withParts(id) {
		c.add(part)
	}
}

// addOwner takes in who owns an object: some have to belong to the owner of another.
func (c *closure) addOwner(id schema.ID) {
	for _, part := range c.parts(id) {
		if c.kinds.Of(part).Satellite == kind.FromOwner {
			c.add(part)
		}
	}
}

func (c *closure) add(id schema.ID) {
	if c.old.Objects[id] != nil && !c.in[id] {
		c.in[id] = true
		c.queue = append(c.queue, id)
	}
}

// want takes in what an object needs: of another whole just the part that is needed,
// or all that its creation says.
func (c *closure) want(o *schema.Object) {
	own := c.whole(cmp.Or(o.Parent, o.ID))
	needs := append([]schema.ID{o.Parent}, o.Needs...)
	for _, need := range needs {
		if c.old.Objects[need] == nil {
			continue
		}
		c.add(need)
		top := c.whole(need)
		c.add(top)
		c.say(top, need == top && top != own || c.tied(top))
	}
}

// say takes in what the creation of a whole says, such as the columns of a table: all of
// it, or just what it cannot do without, as the columns that it is partitioned by.
func (c *closure) say(whole schema.ID, all bool) {
	if did, known := c.said[whole]; known && (did || !all) {
		return
	}
	c.said[whole] = all
	for _, part := range c.parts(whole) {
		if c.kinds.Of(part).Inline && (all || mentions(c.old.Objects[whole], part.Part)) {
			c.add(part)
		}
	}
}

// mentions reports whether an attribute of an object can name a part of it.
func mentions(o *schema.Object, part string) bool {
	return o != nil && slices.ContainsFunc(o.Attrs, func(a schema.Attr) bool { return strings.Contains(a.Value, part) })
}
