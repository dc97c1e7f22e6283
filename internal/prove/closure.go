package prove

import (
	"maps"
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// Closure returns the part of a state that a plan has to do with: what the steps
// touch with its parts, what needs that, and what these need. New is the state
// that the plan leads to.
// It also returns the texts of what the steps touch and of what their objects
// need, with the wholes that these belong to.
func Closure(kinds *kind.Set, old, new *schema.State, p *schema.Plan) (part *schema.State, about map[string]bool) {
	c := &closure{kinds: kinds, old: old, in: map[schema.ID]bool{}, expanded: map[schema.ID]bool{}, users: map[schema.ID][]schema.ID{}, parts: map[schema.ID][]schema.ID{},
		ctx: &kind.Ctx{Server: old.Server, Old: old, New: new, Kinds: kinds, Created: map[schema.ID]bool{}, Dropped: map[schema.ID]bool{}}}
	for id, o := range old.Objects {
		for _, need := range o.Needs {
			c.users[need] = append(c.users[need], id)
		}
		if o.Parent != (schema.ID{}) {
			c.parts[o.Parent] = append(c.parts[o.Parent], id)
		}
	}
	about = map[string]bool{}
	for _, id := range touched(p, old, new) {
		c.touch(id)
		about[c.whole(id).String()] = true
		if o := new.Objects[id]; o != nil {
			c.want(o)
			for _, need := range o.Needs {
				about[c.whole(need).String()] = true
			}
		}
	}
	for len(c.queue) > 0 {
		o := old.Objects[c.queue[0]]
		c.queue = c.queue[1:]
		c.want(o)
	}
	less := *old
	part, less.Objects = &less, maps.Clone(old.Objects)
	maps.DeleteFunc(part.Objects, func(id schema.ID, o *schema.Object) bool { return !c.in[id] && !o.Builtin })
	return part, about
}

// closure is a set of objects of the old state that grows.
type closure struct {
	kinds    *kind.Set
	ctx      *kind.Ctx
	old      *schema.State
	in       map[schema.ID]bool
	expanded map[schema.ID]bool // wholes of which the users were looked at
	queue    []schema.ID        // those of which needs were not looked at yet
	users    map[schema.ID][]schema.ID
	parts    map[schema.ID][]schema.ID
}

// touched lists what the steps and changes of a plan are about.
func touched(p *schema.Plan, states ...*schema.State) []schema.ID {
	texts := map[string]bool{}
	for _, s := range p.Steps {
		texts[s.Object], texts[s.Relation] = true, true
		for _, l := range s.Locks {
			texts[l.Relation] = true
		}
	}
	for _, c := range p.Changes {
		texts[c.Object], texts[c.Parent] = true, true
	}
	ids := map[schema.ID]bool{}
	for _, s := range states {
		for id := range s.Objects {
			if texts[id.String()] {
				ids[id] = true
			}
		}
	}
	var list []schema.ID
	for id := range ids {
		list = append(list, id)
	}
	return list
}

// whole returns the outermost object that an object is a part of.
func (c *closure) whole(id schema.ID) schema.ID {
	for o := c.old.Objects[id]; o != nil && o.Parent != (schema.ID{}) && c.old.Objects[o.Parent] != nil; o = c.old.Objects[id] {
		id = o.Parent
	}
	return id
}

// touch takes in an object with the whole that it belongs to, all parts of that,
// and what needs any of them. What describes an object breaks with nothing.
func (c *closure) touch(id schema.ID) {
	o := c.old.Objects[id]
	switch {
	case o == nil:
		return
	case c.kinds.Of(id).Satellite != kind.NotSatellite:
		c.add(id)
		return
	}
	c.expand(c.whole(id))
}

func (c *closure) expand(whole schema.ID) {
	if c.expanded[whole] {
		return
	}
	c.expanded[whole] = true
	for _, part := range c.withParts(whole) {
		c.add(part)
		for _, user := range c.users[part] {
			if top := c.whole(user); top != user && !c.follows(top, whole) {
				c.addWhole(top)
			} else {
				c.expand(top)
			}
		}
	}
}

// follows reports whether PostgreSQL repeats changes of one object in parts of
// another, as in those of a partition.
func (c *closure) follows(top, whole schema.ID) bool {
	return slices.ContainsFunc(c.parts[top], func(part schema.ID) bool {
		return slices.ContainsFunc(c.kinds.Of(part).Follows(c.ctx, c.old.Objects[part]), func(leader schema.ID) bool { return c.whole(leader) == whole })
	})
}

// withParts returns an object and its parts at any depth.
func (c *closure) withParts(id schema.ID) []schema.ID {
	list := []schema.ID{id}
	for i := 0; i < len(list); i++ {
		list = append(list, c.parts[list[i]]...)
	}
	return list
}

func (c *closure) addWhole(id schema.ID) {
	for _, part := range c.withParts(id) {
		c.add(part)
	}
}

func (c *closure) add(id schema.ID) {
	if c.old.Objects[id] != nil && !c.in[id] {
		c.in[id] = true
		c.queue = append(c.queue, id)
	}
}

// want takes in what an object needs: of another whole, only what its creation
// says and the part that is needed.
func (c *closure) want(o *schema.Object) {
	needs := append([]schema.ID{o.Parent}, o.Needs...)
	for _, need := range needs {
		if c.old.Objects[need] == nil {
			continue
		}
		c.add(need)
		top := c.whole(need)
		c.add(top)
		for _, part := range c.parts[top] {
			if c.kinds.Of(part).Inline {
				c.add(part)
			}
		}
	}
}
