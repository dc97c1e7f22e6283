package kind

import (
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// Ties has the objects of a state by the names of what they need or are parts of.
// Few names have many, and looking through these is less work than an index by
// identity. Those of one name are a chain through one list, which grows as a whole.
type Ties struct {
	state   *schema.State
	places  map[place]int32 // the number of each name, nil before they are asked for
	last    []int32         // of each, the last link of its chain
	links   []link
	builtin []*schema.Object
}

// link is an object, and the link before it in its chain, -1 for none.
type link struct {
	object *schema.Object
	before int32
}

type place struct{ schema, name string }

func placeOf(id schema.ID) place { return place{id.Schema, id.Name} }

// NewTies returns the ties of a state, which are found when they are first asked
// for. The set of its objects stays as it is from then on.
func NewTies(s *schema.State) *Ties { return &Ties{state: s} }

func (t *Ties) find() {
	if t.places != nil {
		return
	}
	t.places, t.links = map[place]int32{}, make([]link, 0, 2*len(t.state.Objects))
	for _, o := range t.state.Objects {
		if o.Builtin {
			t.builtin = append(t.builtin, o)
		}
		var done place // most of what an object needs has the names of what it is a part of
		if o.Parent != (schema.ID{}) {
			done = placeOf(o.Parent)
			t.add(done, o)
		}
		for i := range o.Needs {
			if at := placeOf(o.Needs[i]); at != done {
				t.add(at, o)
				done = at
			}
		}
	}
}

// add lists an object below a name.
func (t *Ties) add(at place, o *schema.Object) {
	n, known := t.places[at]
	if !known {
		n = int32(len(t.last))
		t.places[at], t.last = n, append(t.last, -1)
	}
	if before := t.last[n]; before < 0 || t.links[before].object != o {
		t.last[n], t.links = int32(len(t.links)), append(t.links, link{o, before})
	}
}

// Knowing returns the kinds together with the ties of a state, which serve for the
// other states too: each has no object that the state does not have, and none that
// needs more than there. Finding the ties takes as long as all else that a small
// change of a large database asks of them.
func (s *Set) Knowing(t *Ties, others ...*schema.State) *Set {
	known := *s
	known.ties = map[*schema.State]*Ties{t.state: t}
	for _, other := range others {
		known.ties[other] = t
	}
	return &known
}

// tiesOf returns the ties that serve for a state.
func (c *Ctx) tiesOf(s *schema.State) *Ties {
	if c.Kinds != nil && c.Kinds.ties[s] != nil {
		return c.Kinds.ties[s]
	}
	if c.ties[s] == nil {
		if c.ties == nil {
			c.ties = map[*schema.State]*Ties{}
		}
		c.ties[s] = NewTies(s)
	}
	return c.ties[s]
}

// Builtin returns the objects of a state that every new database has.
func (c *Ctx) Builtin(s *schema.State) []*schema.Object {
	t := c.tiesOf(s)
	t.find()
	var list []*schema.Object
	for _, o := range t.builtin {
		if had := s.Objects[o.ID]; had != nil && had.Builtin {
			list = append(list, had)
		}
	}
	return list
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
	t := c.tiesOf(s)
	t.find()
	n, known := t.places[placeOf(id)]
	if !known {
		return nil
	}
	var found []*schema.Object
	for at := t.last[n]; at >= 0; at = t.links[at].before {
		o := t.links[at].object
		if wanted(o) && t.state != s {
			o = s.Objects[o.ID]
		}
		if o != nil && wanted(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *schema.Object) int { return schema.Compare(a.ID, b.ID) })
	return slices.Compact(found)
}
