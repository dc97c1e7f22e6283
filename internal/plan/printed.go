package plan

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// printedAnew returns the objects whose stored expressions the plan makes from
// their print. What the server then prints can be another form of the same, so
// that these prints are no part of the fingerprint that the plan promises.
func (e *expansion) printedAnew() []string {
	var ids []string
	for _, c := range e.order {
		if c.New == nil {
			continue
		}
		printed := e.kinds.Of(c.New.ID).Printed
		made := c.created || c.inPlace && slices.ContainsFunc(c.Changed, func(f string) bool { return printed[f] })
		if made && slices.ContainsFunc(c.New.Attrs, func(a schema.Attr) bool { return printed[a.Name] && a.Value != "" }) {
			ids = append(ids, c.text())
		}
	}
	slices.Sort(ids)
	return ids
}

// Fingerprint returns the fingerprint of the state without the prints of the
// listed objects.
func Fingerprint(kinds *kind.Set, s *schema.State, printed []string) string {
	return Unprinted(kinds, s, printed).Fingerprint()
}

// Unprinted returns the state without the prints of the listed objects.
func Unprinted(kinds *kind.Set, s *schema.State, printed []string) *schema.State {
	if len(printed) == 0 {
		return s
	}
	b := newBlanks(kinds, printed)
	blank := *s
	blank.Objects = make(map[schema.ID]*schema.Object, len(s.Objects))
	for id, o := range s.Objects {
		blank.Objects[id] = b.of(o)
	}
	return &blank
}

// blanks takes the prints out of some objects.
type blanks struct {
	kinds  *kind.Set
	listed map[string]bool // texts of identities
	kind   map[string]bool // those that any of them has
}

func newBlanks(kinds *kind.Set, printed []string) blanks {
	b := blanks{kinds, map[string]bool{}, map[string]bool{}}
	for _, text := range printed {
		name, _, _ := strings.Cut(text, ":")
		b.listed[text], b.kind[name] = true, true
	}
	return b
}

// of returns the object, or a copy without its prints when it is listed.
func (b blanks) of(o *schema.Object) *schema.Object {
	if !b.kind[o.ID.Kind] || !b.listed[o.ID.String()] {
		return o
	}
	k := b.kinds.Of(o.ID)
	without := *o
	without.Attrs = slices.Clone(o.Attrs)
	for i, a := range without.Attrs {
		if k.Printed[a.Name] {
			without.Attrs[i].Value = ""
		}
	}
	return &without
}
