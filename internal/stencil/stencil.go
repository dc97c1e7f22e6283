// Package stencil derives what a schema holds under one name from what it holds
// under another, as PostgreSQL would print it after a rename. It names no kind
// of object.
package stencil

import (
	"cmp"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// Quoting is how the server prints the name of a schema where it mentions it.
type Quoting int

// The quotings. A name that can stand in a text otherwise than as it is, or between
// quotes, has no stencil.
const (
	Other  Quoting = iota // with doubled quotes, only in some versions, or unlike what surrounds it
	Plain                 // as it is
	Quoted                // between quotes
)

// plain are the names that no version of PostgreSQL quotes unless they are keywords,
// and quoted those among the others that nothing escapes: no list, no JSON, no
// literal.
var (
	plain  = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	quoted = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// QuotingOf returns how the name of a schema is printed. The schema that every
// database has is like no other.
func QuotingOf(name string) Quoting {
	switch {
	case plain.MatchString(name):
		if name == "public" || pg.QuoteIdent(name) != name {
			return Other
		}
		return Plain
	case quoted.MatchString(name):
		return Quoted
	}
	return Other
}

// Names are two names for one schema, of one quoting.
type Names struct {
	First string // short, and sorts before what schemas are called
	Last  string // as long as a name can be, and sorts after that
}

// longest is how many bytes of a name PostgreSQL keeps.
const longest = 63

// NamesFor returns names of a quoting, Plain or Quoted, that no text of the state
// contains. No end of one is a beginning of it, so that each place where it stands
// is found.
func NamesFor(q Quoting, s *schema.State) Names {
	first, between, end := "_0", "_", "cairn"
	if q == Quoted {
		first, between, end = "-0", "-", "Cairn"
	}
	for {
		names := Names{first + end, strings.Repeat("z", longest-len(between+end)) + between + end}
		if !contains(s, names.First) && !contains(s, names.Last) {
			return names
		}
		end += "n"
	}
}

// Stencil is a state in which the name of one schema stands for that of another.
//
// PostgreSQL stores the schema of an object by its OID and prints the name wherever
// it mentions the object. So a state differs from the one after a rename in that
// name only, but for what depends on the name in another way: on its length, or on
// how it compares with other texts. Whether something does, the server says: New
// compares two readings. What is the same under names at both ends of the order is
// the same under those between them.
type Stencil struct {
	state *schema.State
	names Names
	taken map[string]bool // names of schemas, and of what is in none
}

// New returns the stencil of a state that was read while the schema had the first
// name. It returns nil when that, with the last name put in, is not what was read
// under the last name.
func New(names Names, first, last *schema.State) *Stencil {
	s := Known(names, first)
	if !same(s.under(names.Last), last) {
		return nil
	}
	return s
}

// Known returns the stencil of a state for which New returned one before.
func Known(names Names, first *schema.State) *Stencil {
	s := &Stencil{state: first, names: names, taken: map[string]bool{}}
	for _, ids := range []iter.Seq[schema.ID]{maps.Keys(first.Objects), maps.Keys(first.Members)} {
		for id := range ids {
			s.taken[cmp.Or(id.Schema, id.Name)] = true
		}
	}
	return s
}

// State returns the state as it is read after the schema got a name of the quoting
// of the stencil. It returns nil where the stencil says nothing: the name does not
// sort between those of the stencil, or the state has another schema of that name.
func (s *Stencil) State(name string) *schema.State {
	if s.taken[name] || name <= s.names.First || name >= s.names.Last {
		return nil
	}
	return s.under(name)
}

// under puts a name in. What does not mention the schema is shared with the state.
func (s *Stencil) under(name string) *schema.State {
	p := printer{from: s.names.First, to: name}
	state := *s.state
	state.Objects = make(map[schema.ID]*schema.Object, len(s.state.Objects))
	for _, o := range s.state.Objects {
		moved := p.object(o)
		state.Objects[moved.ID] = moved
	}
	state.Outside = map[schema.ID]*schema.Object{}
	state.Members = make(map[schema.ID]schema.ID, len(s.state.Members))
	for id, extension := range s.state.Members {
		state.Members[p.id(id)] = p.id(extension)
	}
	state.Unknown = p.texts(s.state.Unknown)
	return &state
}

// printer puts one name into the place of another.
type printer struct{ from, to string }

func (p printer) text(text string) string { return strings.ReplaceAll(text, p.from, p.to) }

// texts returns a sorted list.
func (p printer) texts(list []string) []string {
	var printed []string
	for _, text := range list {
		printed = append(printed, p.text(text))
	}
	slices.Sort(printed)
	return printed
}

func (p printer) id(id schema.ID) schema.ID {
	id.Schema, id.Name, id.Args, id.Part = p.text(id.Schema), p.text(id.Name), p.text(id.Args), p.text(id.Part)
	return id
}

func (p printer) object(o *schema.Object) *schema.Object {
	moved := *o
	moved.ID, moved.Parent = p.id(o.ID), p.id(o.Parent)
	for i, a := range o.Attrs {
		if text := p.text(a.Value); text != a.Value {
			if &moved.Attrs[0] == &o.Attrs[0] {
				moved.Attrs = slices.Clone(o.Attrs)
			}
			moved.Attrs[i].Value = text
		}
	}
	if len(o.Needs) > 0 {
		moved.Needs = make([]schema.ID, len(o.Needs))
		for i, need := range o.Needs {
			moved.Needs[i] = p.id(need)
		}
		slices.SortFunc(moved.Needs, schema.Compare)
	}
	return &moved
}

// contains reports whether a text of the state has the name in it.
func contains(s *schema.State, name string) bool {
	in := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, name) })
	}
	for id, o := range s.Objects {
		if in(id.Schema, id.Name, id.Args, id.Part, id.Role) || slices.ContainsFunc(o.Attrs, func(a schema.Attr) bool { return in(a.Value) }) {
			return true
		}
	}
	for id := range s.Members {
		if in(id.Schema, id.Name, id.Args, id.Part) {
			return true
		}
	}
	return in(s.Unknown...) || in(s.Roles...)
}

// same reports whether two states hold the same, but for the sizes of relations,
// which change by themselves.
func same(a, b *schema.State) bool {
	objects := maps.EqualFunc(a.Objects, b.Objects, func(a, b *schema.Object) bool {
		return a.Parent == b.Parent && a.Order == b.Order && a.Builtin == b.Builtin && slices.Equal(a.Attrs, b.Attrs) && slices.Equal(a.Needs, b.Needs)
	})
	return objects && maps.Equal(a.Members, b.Members) && slices.Equal(a.Roles, b.Roles) && slices.Equal(a.Unknown, b.Unknown) &&
		maps.EqualFunc(a.Hidden, b.Hidden, slices.Equal) && a.Server == b.Server && a.Default == b.Default && a.Unowned == b.Unowned &&
		slices.Equal(a.Options, b.Options) && a.Name == b.Name && a.Large == b.Large
}
