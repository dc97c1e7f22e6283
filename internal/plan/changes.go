package plan

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// changes lists what happens to each object, ordered by identity.
func (e *expansion) changes(g *graph) []schema.Change {
	changes := []schema.Change{}
	for _, id := range e.order {
		d := e.deltas[id]
		c := schema.Change{Object: id.String(), Title: id.Describe(), Verb: e.verb(id)}
		o := d.New
		if o == nil {
			o = d.Old
		}
		if o.Parent != (schema.ID{}) {
			c.Parent = o.Parent.String()
		}
		if cause, ok := e.cause[id]; ok {
			c.Cause = cause.Describe()
		}
		for _, name := range d.Changed {
			c.Fields = append(c.Fields, schema.Field{Name: name, Old: d.Old.Attr(name), New: d.New.Attr(name)})
		}
		if c.Verb == schema.Alter && !e.hasStatements(g, id) {
			continue // follows from the change of another object
		}
		changes = append(changes, c)
	}
	return changes
}

func (e *expansion) hasStatements(g *graph, id schema.ID) bool {
	for _, n := range g.at[id] {
		if len(n.actions) > 0 || n.into != nil {
			return true
		}
	}
	return false
}

func (e *expansion) verb(id schema.ID) schema.Verb {
	switch dropped, created := e.ctx.Dropped[id], e.ctx.Created[id]; {
	case dropped && created:
		return schema.Replace
	case dropped:
		return schema.Drop
	case created:
		return schema.Add
	}
	return schema.Alter
}

// summary counts the objects that people name. A part that is added or dropped
// with its parent, and what describes another object, is counted with that.
func (e *expansion) summary(changes []schema.Change) schema.Summary {
	var s schema.Summary
	verbs := map[string]schema.Verb{}
	for _, c := range changes {
		verbs[c.Object] = c.Verb
	}
	counted := map[schema.ID]bool{}
	for _, id := range e.order {
		verb, listed := verbs[id.String()]
		if !listed {
			continue
		}
		if e.kinds.Of(id).Satellite != kind.NotSatellite {
			subject := id.Subject()
			if _, too := verbs[subject.String()]; too || counted[subject] {
				continue
			}
			counted[subject] = true
			s.Change++
			continue
		}
		o := e.deltas[id].New
		if o == nil {
			o = e.deltas[id].Old
		}
		if verb != schema.Alter && slices.Contains([]schema.Verb{verb, schema.Replace}, verbs[o.Parent.String()]) {
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
