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

// Outcome returns the hash of each object that is another one in the new state
// than in the old, as the fingerprint of the plan sees it.
func Outcome(kinds *kind.Set, old, new *schema.State, p *schema.Plan) []schema.Pin {
	outcome := []schema.Pin{}
	b := newBlanks(kinds, p.Printed)
	stay := 0
	for id, o := range new.Objects {
		was, blank := old.Objects[id], b.of(o)
		if was != nil {
			stay++
		}
		if was == nil || !alike(was, blank) {
			outcome = append(outcome, pin(id, blank.Hash()))
		}
	}
	if stay < len(old.Objects) {
		for id := range old.Objects {
			if new.Objects[id] == nil {
				outcome = append(outcome, schema.Pin{Object: id.String()})
			}
		}
	}
	slices.SortFunc(outcome, func(a, b schema.Pin) int { return strings.Compare(a.Object, b.Object) })
	shareTexts(outcome, p.Changes)
	return outcome
}

// shareTexts lets the pins, which are in order, have the texts of the changes
// where these are equal: most of what changes is in both.
func shareTexts(pins []schema.Pin, changes []schema.Change) {
	texts := make([]string, len(changes))
	for i := range changes {
		texts[i] = changes[i].Object
	}
	slices.Sort(texts)
	at := 0
	for i := range pins {
		for at < len(texts) && texts[at] < pins[i].Object {
			at++
		}
		if at < len(texts) && texts[at] == pins[i].Object {
			pins[i].Object = texts[at]
		}
	}
}

// alike reports whether two objects of one identity have the same hash.
func alike(a, b *schema.Object) bool {
	return a == b || a.Parent == b.Parent && slices.EqualFunc(a.Attrs, b.Attrs, func(a, b schema.Attr) bool {
		return a.Name == b.Name && a.Info == b.Info && (a.Info || a.Value == b.Value)
	})
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
