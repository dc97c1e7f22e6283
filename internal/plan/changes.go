package plan

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// changes lists what happens to each object, ordered by identity.
func (e *expansion) changes() []schema.Change {
	changes := make([]schema.Change, 0, len(e.order))
	for _, c := range e.order {
		if !c.listed() {
			continue
		}
		change := schema.Change{Object: c.text(), Title: c.ID().Describe(), Verb: c.verb()}
		if parent := c.Object().Parent; parent != (schema.ID{}) {
			change.Parent = e.text(parent)
		}
		if c.cause != nil {
			change.Cause = c.cause.ID().Describe()
		}
		for _, name := range c.Changed {
			change.Fields = append(change.Fields, schema.Field{Name: name, Old: c.Old.Attr(name), New: c.New.Attr(name)})
		}
		changes = append(changes, change)
	}
	return changes
}

// listed reports whether the plan says what happens to the object. What has no
// statement follows from the change of another one.
func (c *change) listed() bool { return c.verb() != schema.Alter || c.states }

func (c *change) verb() schema.Verb {
	switch {
	case c.replaced():
		return schema.Replace
	case c.dropped:
		return schema.Drop
	case c.created:
		return schema.Add
	}
	return schema.Alter
}

// summary counts the objects that people name. A part that is added or dropped
// with its parent, and what describes another object, is counted with that.
func (e *expansion) summary() schema.Summary {
	var s schema.Summary
	counted := map[schema.ID]bool{}
	for _, c := range e.order {
		if !c.listed() {
			continue
		}
		id, verb := c.ID(), c.verb()
		if e.kinds.Of(id).Satellite != kind.NotSatellite {
			subject := id.Subject()
			if too := e.change(subject); too != nil && too.listed() || counted[subject] {
				continue
			}
			counted[subject] = true
			s.Change++
			continue
		}
		if parent := e.change(c.Object().Parent); verb != schema.Alter && parent != nil && parent.listed() && (parent.verb() == verb || parent.replaced()) {
			continue
		}
		switch verb {
		case schema.Add:
			s.Add++
		case schema.Drop:
			s.Drop++
		case schema.Replace:
			s.Add++
			s.Drop++
		default:
			s.Change++
		}
	}
	return s
}
