// Package generate makes random schemas, pairs of them that differ by random
// edits, and rows that both sides of a pair accept. The same seed gives the
// same SQL everywhere.
//
// A schema is a list of objects. An object is made of numbers only: those of
// the objects that it refers to, and one for each of its attributes, where 0 is
// the plainest. What a number means is decided when the object is printed, by
// what is around it, so that every combination of numbers is a valid schema,
// and a failing pair is made small by removing objects and setting numbers to 0.
package generate

import (
	"maps"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Object is one generated object.
type Object struct {
	ID    int
	Kind  string
	Name  string
	Refs  map[string]int // slot to the number of the object in it
	Picks map[string]int // attribute to its number; 0 when missing
}

// Schema is a set of objects for one server version, in order of their making.
type Schema struct {
	Major   int
	Objects []*Object
}

func (s *Schema) clone() *Schema {
	c := &Schema{Major: s.Major}
	for _, o := range s.Objects {
		c.Objects = append(c.Objects, o.clone())
	}
	return c
}

func (o *Object) clone() *Object {
	return &Object{o.ID, o.Kind, o.Name, maps.Clone(o.Refs), maps.Clone(o.Picks)}
}

func (o *Object) equal(p *Object) bool {
	return o.ID == p.ID && maps.Equal(o.Refs, p.Refs) && maps.Equal(o.Picks, p.Picks)
}

func (s *Schema) get(id int) *Object {
	for _, o := range s.Objects {
		if o.ID == id {
			return o
		}
	}
	return nil
}

// ref returns the object in a slot, or nil.
func (s *Schema) ref(o *Object, slot string) *Object {
	id, ok := o.Refs[slot]
	if !ok {
		return nil
	}
	return s.get(id)
}

// pick returns the number of an attribute, 0 where the server does not have it.
func (s *Schema) pick(o *Object, name string) int {
	n := o.Picks[name]
	if n == 0 {
		return 0
	}
	for _, p := range kindOf(o).Picks {
		if p.Name == name && p.Since <= s.Major {
			return n % p.Size
		}
	}
	return 0
}

// of returns the objects of a kind whose slot holds o.
func (s *Schema) of(kind, slot string, o *Object) []*Object {
	var found []*Object
	for _, x := range s.Objects {
		if id, ok := x.Refs[slot]; ok && x.Kind == kind && id == o.ID {
			found = append(found, x)
		}
	}
	return found
}

// put replaces the object of the same number, or adds it.
func (s *Schema) put(o *Object) {
	at := slices.IndexFunc(s.Objects, func(x *Object) bool { return x.ID == o.ID })
	if at < 0 {
		s.Objects = append(s.Objects, o)
		slices.SortFunc(s.Objects, func(a, b *Object) int { return a.ID - b.ID })
		return
	}
	s.Objects[at] = o
}

func (s *Schema) remove(id int) {
	s.Objects = slices.DeleteFunc(s.Objects, func(o *Object) bool { return o.ID == id })
}

// prune empties slots whose object is gone and removes what is not valid
// without it, until nothing more has to go. What fits is asked only when every
// slot is in order.
func (s *Schema) prune() {
	for again := true; again; {
		again = s.removeAll(func(o *Object) bool { return !s.filled(o) })
		if again {
			continue
		}
		keys := map[string]bool{}
		again = s.removeAll(func(o *Object) bool { return !s.filled(o) || !s.fits(o, keys) })
	}
}

// removeAll removes what is bad, and reports whether there was any.
func (s *Schema) removeAll(bad func(*Object) bool) bool {
	for _, o := range slices.Clone(s.Objects) {
		if bad(o) {
			s.remove(o.ID)
			return true
		}
	}
	return false
}

// filled reports whether the slots of an object are as they have to be.
func (s *Schema) filled(o *Object) bool {
	for _, slot := range kindOf(o).Slots {
		_, filled := o.Refs[slot.Name]
		if filled && s.ref(o, slot.Name) == nil && slot.Keep {
			delete(o.Refs, slot.Name)
			filled = false
		}
		if filled && s.ref(o, slot.Name) == nil || !filled && slot.Chance >= 100 {
			return false
		}
	}
	return true
}

func (s *Schema) fits(o *Object, keys map[string]bool) bool {
	k := kindOf(o)
	if k.Since > s.Major || k.Fits != nil && !k.Fits(s, o) {
		return false
	}
	for _, key := range k.keys(s, o) {
		if keys[key] {
			return false
		}
		keys[key] = true
	}
	return true
}

// whole is the object whose statement creates this one.
func (s *Schema) whole(o *Object) *Object {
	if o.Kind == "column" {
		if t := s.ref(o, "table"); t != nil {
			return t
		}
	}
	return o
}

// needs returns the objects that have to exist before o.
func (s *Schema) needs(o *Object) []*Object {
	var list []*Object
	add := func(x *Object) {
		for _, slot := range slices.Sorted(maps.Keys(x.Refs)) {
			if n := s.ref(x, slot); n != nil && s.whole(n) != o {
				list = append(list, s.whole(n))
			}
		}
		if k := kindOf(x); k.Needs != nil {
			list = append(list, k.Needs(s, x)...)
		}
	}
	add(o)
	if o.Kind == "table" {
		for _, c := range s.of("column", "table", o) {
			add(c)
		}
	}
	return list
}

// reaches reports whether from needs to, directly or not.
func (s *Schema) reaches(from, to *Object) bool {
	seen := map[int]bool{}
	var walk func(o *Object) bool
	walk = func(o *Object) bool {
		if o.ID == to.ID {
			return true
		}
		if seen[o.ID] {
			return false
		}
		seen[o.ID] = true
		return slices.ContainsFunc(s.needs(o), walk)
	}
	return walk(from)
}

// SQL prints the schema, each object after those that it needs.
func (s *Schema) SQL() string {
	var b strings.Builder
	done := map[int]bool{}
	var print func(o *Object)
	print = func(o *Object) {
		if done[o.ID] {
			return
		}
		done[o.ID] = true
		for _, n := range s.needs(o) {
			print(n)
		}
		for _, statement := range kindOf(o).SQL(s, o) {
			b.WriteString(statement + ";\n")
		}
	}
	for _, o := range s.Objects {
		print(s.whole(o))
	}
	return b.String()
}

// name is the printed name of an object that lives in a schema.
func (s *Schema) name(o *Object) string {
	return pg.QuoteName(s.schemaName(o), o.Name)
}

// schemaName returns the name of the schema that an object is in.
func (s *Schema) schemaName(o *Object) string {
	if in := s.ref(o, "schema"); in != nil {
		return in.Name
	}
	return "public"
}

func quoted(o *Object) string { return pg.QuoteIdent(o.Name) }
