package kind

import (
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// ties says of a state which objects are parts of one and which need it.
type ties struct {
	parts, users map[schema.ID][]*schema.Object
}

// tiesOf finds them when they are first asked for.
func (c *Ctx) tiesOf(s *schema.State) *ties {
	if t := c.ties[s]; t != nil {
		return t
	}
	t := &ties{parts: map[schema.ID][]*schema.Object{}, users: map[schema.ID][]*schema.Object{}}
	for _, o := range s.Objects {
		if o.Parent != (schema.ID{}) {
			t.parts[o.Parent] = append(t.parts[o.Parent], o)
		}
		for _, need := range o.Needs {
			t.users[need] = append(t.users[need], o)
		}
	}
	if c.ties == nil {
		c.ties = map[*schema.State]*ties{}
	}
	c.ties[s] = t
	return t
}

// Parts returns the objects of the given kind, "" for any, whose parent is id,
// ordered by identity.
func (c *Ctx) Parts(s *schema.State, id schema.ID, kind string) []*schema.Object {
	return ofKind(c.tiesOf(s).parts[id], kind)
}

// Users returns the objects of the given kind that need id, ordered by
// identity.
func (c *Ctx) Users(s *schema.State, id schema.ID, kind string) []*schema.Object {
	return ofKind(c.tiesOf(s).users[id], kind)
}

// Dependents returns the objects that need id or are its parts, ordered by
// identity.
func (c *Ctx) Dependents(s *schema.State, id schema.ID) []*schema.Object {
	t := c.tiesOf(s)
	return ofKind(slices.Concat(t.users[id], t.parts[id]), "")
}

func ofKind(objects []*schema.Object, kind string) []*schema.Object {
	var found []*schema.Object
	for _, o := range objects {
		if kind == "" || o.ID.Kind == kind {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *schema.Object) int { return schema.Compare(a.ID, b.ID) })
	return found
}
