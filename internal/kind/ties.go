package kind

import (
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// ties has the objects of a state by the names of what they need or are parts of.
// Few names have many, and looking through these is less work than an index by
// identity.
type ties map[place][]*schema.Object

type place struct{ schema, name string }

func placeOf(id schema.ID) place { return place{id.Schema, id.Name} }

// tiesOf finds them when they are first asked for.
func (c *Ctx) tiesOf(s *schema.State) ties {
	if t := c.ties[s]; t != nil {
		return t
	}
	t := ties{}
	add := func(to schema.ID, o *schema.Object) {
		at := placeOf(to)
		if list := t[at]; len(list) == 0 || list[len(list)-1] != o {
			t[at] = append(list, o)
		}
	}
	for _, o := range s.Objects {
		if o.Parent != (schema.ID{}) {
			add(o.Parent, o)
		}
		for _, need := range o.Needs {
			add(need, o)
		}
	}
	if c.ties == nil {
		c.ties = map[*schema.State]ties{}
	}
	c.ties[s] = t
	return t
}

// Parts returns the objects of the given kind, "" for any, whose parent is id,
// ordered by identity.
func (c *Ctx) Parts(s *schema.State, id schema.ID, kind string) []*schema.Object {
	return c.tied(s, id, func(o *schema.Object) bool { return (kind == "" || o.ID.Kind == kind) && o.Parent == id })
}

// Users returns the objects of the given kind, "" for any, that need id, ordered
// by identity.
func (c *Ctx) Users(s *schema.State, id schema.ID, kind string) []*schema.Object {
	return c.tied(s, id, func(o *schema.Object) bool { return (kind == "" || o.ID.Kind == kind) && slices.Contains(o.Needs, id) })
}

// Dependents returns the objects that need id or are its parts, ordered by
// identity.
func (c *Ctx) Dependents(s *schema.State, id schema.ID) []*schema.Object {
	return c.tied(s, id, func(o *schema.Object) bool { return o.Parent == id || slices.Contains(o.Needs, id) })
}

func (c *Ctx) tied(s *schema.State, id schema.ID, wanted func(*schema.Object) bool) []*schema.Object {
	var found []*schema.Object
	for _, o := range c.tiesOf(s)[placeOf(id)] {
		if wanted(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *schema.Object) int { return schema.Compare(a.ID, b.ID) })
	return slices.Compact(found)
}
