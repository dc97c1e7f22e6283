package generate

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Kind is what the grammar knows about one kind of object.
type Kind struct {
	Name   string
	Makes  []string // the kinds of objects that its statements make; nil: the one of its name
	Weight int      // how often it is made, compared with the others
	Since  int      // first server version that has it
	Slots  []Slot
	Picks  []Pick

	Words   string                             // of COMMENT ON and OWNER TO; "" when it has neither
	Grants  []string                           // privileges on it
	Address func(*Schema, *Object) string      // behind the words
	Fits    func(*Schema, *Object) bool        // whether it is valid where it is; nil: always
	Keys    func(*Schema, *Object) []string    // what only one object of a schema can be
	Becomes func(a, b *Schema, o *Object) bool // whether a server can change it from a to b; nil: always
	Needs   func(*Schema, *Object) []*Object   // what has to exist before, beside what is in the slots
	SQL     func(*Schema, *Object) []string
}

// Slot is a place for another object.
type Slot struct {
	Name   string
	Kinds  []string
	Chance int  // in percent that it is filled; 100: it has to be
	Keep   bool // the object stays when that in the slot goes
	Fixed  bool // never changed by an edit
}

// Pick is an attribute with Size values, the first of which is the plainest.
type Pick struct {
	Name   string
	Size   int
	Chance int  // in percent that it is not 0
	Since  int  // first server version that has it
	Fixed  bool // never changed by an edit
}

func (k *Kind) keys(s *Schema, o *Object) []string {
	if k.Keys == nil {
		return nil
	}
	return k.Keys(s, o)
}

func kindOf(o *Object) *Kind { return kindNamed(o.Kind) }

func kindNamed(name string) *Kind {
	if k := grammar()[name]; k != nil {
		return k
	}
	panic("generate: no kind is named " + name)
}

// maker makes objects. Its numbers come from the seed alone.
type maker struct {
	random *rand.Rand
	next   int
}

func (m *maker) chance(percent int) bool { return m.random.IntN(100) < percent }

// object makes an object of a kind that fits into the schema, and adds it.
func (m *maker) object(s *Schema, k *Kind, fill map[string]int) *Object {
	m.next++
	o := &Object{ID: m.next, Kind: k.Name, Name: m.name(k.Name), Refs: map[string]int{}, Picks: map[string]int{}}
	for slot, id := range fill {
		o.Refs[slot] = id
	}
	for _, slot := range k.Slots {
		if _, filled := o.Refs[slot.Name]; filled || !m.chance(slot.Chance) {
			continue
		}
		if m.fill(s, o, slot); slot.Chance == 100 && o.Refs[slot.Name] == 0 && slot.Kinds[0] != "column" {
			if made := m.object(s, kindNamed(slot.Kinds[0]), nil); made != nil {
				o.Refs[slot.Name] = made.ID
			}
		}
	}
	for _, p := range k.Picks {
		if m.chance(p.Chance) {
			o.Picks[p.Name] = m.random.IntN(p.Size)
		}
	}
	c := s.clone()
	c.put(o)
	c.prune()
	if c.get(o.ID) == nil || len(c.Objects) != len(s.Objects)+1 {
		return nil
	}
	s.put(o)
	return o
}

// fill puts a random object into a slot that no circle would come of.
func (m *maker) fill(s *Schema, o *Object, slot Slot) {
	var candidates []*Object
	for _, c := range s.Objects {
		if !slices.Contains(slot.Kinds, c.Kind) || c.ID == o.ID {
			continue
		}
		if t := s.ref(o, "table"); t != nil && c.Kind == "column" && !slices.Contains(s.columns(t), c) {
			continue
		}
		if slot.Name != "table" && s.reaches(s.whole(c), s.whole(o)) {
			continue
		}
		candidates = append(candidates, c)
	}
	if len(candidates) > 0 {
		o.Refs[slot.Name] = candidates[m.random.IntN(len(candidates))].ID
	}
}

// key is a key of one object.
func key(what string, id int) []string { return []string{fmt.Sprintf("%s %d", what, id)} }

// spellings are the ways to write a name; most names are plain.
var spellings = []string{"%s_%d", "%s_%d", "%s_%d", "%s_%d", "%s_%d", "%s_%d", "%sMixed%d", "%s odd %d", "%s\"%d", "%s.%d", "%s-%dé", "%s'%d", "%s$%d"}

var short = map[string]string{"table": "t", "column": "c", "materialized_view": "m", "view": "v", "function": "f", "index": "i",
	"check": "ck", "unique": "uq", "foreign_key": "fk", "exclusion": "ex", "trigger": "tr", "trigger_function": "tf", "schema": "s",
	"policy": "po", "sequence": "sq", "enum": "e", "domain": "d", "composite": "r", "range": "rg"}

func (m *maker) name(kind string) string {
	word := short[kind]
	if word == "" {
		word = kind
	}
	return fmt.Sprintf(spellings[m.random.IntN(len(spellings))], word, m.next)
}
