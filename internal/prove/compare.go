package prove

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/schema"
)

// Final returns the state that the steps lead to: the old one with what they
// changed on the scratch copy, which was like before and is like after. What the
// copy prints otherwise than the target, and what is no part of it, is as the
// target has it.
func Final(old, before, after *schema.State) *schema.State {
	final := *after
	final.Objects = maps.Clone(old.Objects)
	for id := range before.Objects {
		if after.Objects[id] == nil {
			delete(final.Objects, id)
		}
	}
	for id, now := range after.Objects {
		was, had := before.Objects[id], old.Objects[id]
		switch {
		case was == nil:
			final.Objects[id] = now
		case had != nil:
			final.Objects[id] = changed(had, was, now)
		case !slices.Equal(was.Attrs, now.Attrs) || was.Parent != now.Parent:
			final.Objects[id] = now
		}
	}
	return &final
}

// changed returns the target's object with the attributes that the steps changed.
func changed(had, was, now *schema.Object) *schema.Object {
	result := *had
	if was.Parent != now.Parent {
		result.Parent = now.Parent
	}
	result.Attrs = slices.Clone(had.Attrs)
	for i := range result.Attrs {
		if was.Attrs[i].Value != now.Attrs[i].Value {
			result.Attrs[i].Value = now.Attrs[i].Value
		}
	}
	return &result
}

// Compare returns an error of type *DivergedError when the state that the steps
// led to is not the desired one. What a step was for that could not be tried is
// no difference.
func Compare(kinds *kind.Set, p *schema.Plan, r *Result, final, desired *schema.State) error {
	var left []schema.Delta
	for _, d := range diff.Compare(plan.Unprinted(kinds, desired, p.Printed), plan.Unprinted(kinds, final, p.Printed)) {
		if fault := blame(p, d); fault > 0 && !r.Steps[fault-1].Tried {
			continue
		}
		left = append(left, d)
	}
	if len(left) == 0 {
		return nil
	}
	e := &DivergedError{}
	for _, d := range left {
		e.Deltas = append(e.Deltas, describe(d))
		e.Step = max(e.Step, blame(p, d))
	}
	if e.Step > 0 {
		e.SQL = p.Steps[e.Step-1].SQL
	}
	return e
}

// describe says what is left of a delta, whose old side is the desired one.
func describe(d schema.Delta) string {
	switch {
	case d.New == nil:
		return d.ID.Describe() + " is missing"
	case d.Old == nil:
		return d.ID.Describe() + " is there and should not be"
	}
	var parts []string
	for _, name := range d.Changed {
		parts = append(parts, fmt.Sprintf("%s is %q, not %q", name, d.New.Attr(name), d.Old.Attr(name)))
	}
	return d.ID.Describe() + ": " + strings.Join(parts, "; ")
}

// blame returns the last step that is for the object of a delta, or else for
// what that is a part of or describes; 0 when there is none.
func blame(p *schema.Plan, d schema.Delta) int {
	o := d.Old
	if o == nil {
		o = d.New
	}
	return lastFor(p, d.ID.String(), d.ID.Subject().String(), o.Parent.String())
}

// lastFor returns the last step that is for the first of the objects that has
// one.
func lastFor(p *schema.Plan, objects ...string) int {
	for _, about := range objects {
		for i := len(p.Steps) - 1; i >= 0; i-- {
			if s := p.Steps[i]; s.Object == about || s.Relation == about {
				return i + 1
			}
		}
	}
	return 0
}

// CompareChanges is Compare where only the changes and the fingerprint of the
// desired state are known: it returns an error that lists what of the changes is
// not there, and what changed that the plan does not list.
func CompareChanges(kinds *kind.Set, p *schema.Plan, r *Result, old, final *schema.State) error {
	listed := map[string]schema.Change{}
	for _, c := range p.Changes {
		listed[c.Object] = c
	}
	e := &DivergedError{}
	add := func(text string, objects ...string) {
		step := lastFor(p, objects...)
		if step == 0 || r.Steps[step-1].Tried {
			e.Deltas, e.Step = append(e.Deltas, text), max(e.Step, step)
		}
	}
	for _, c := range p.Changes {
		id, o := find(c.Object, final)
		switch {
		case c.Verb == schema.Drop && o != nil:
			add(c.Title+" is there and should not be", c.Object, c.Parent)
		case c.Verb != schema.Drop && o == nil:
			add(c.Title+" is missing", c.Object, c.Parent)
		}
		for _, f := range c.Fields {
			if o != nil && !kinds.Of(id).Printed[f.Name] && f.Name != "name" && o.Attr(f.Name) != f.New {
				add(fmt.Sprintf("%s: %s is %q, not %q", c.Title, f.Name, o.Attr(f.Name), f.New), c.Object, c.Parent)
			}
		}
	}
	for _, d := range diff.Compare(plan.Unprinted(kinds, old, p.Printed), plan.Unprinted(kinds, final, p.Printed)) {
		if _, known := listed[d.ID.String()]; !known {
			add(d.ID.Describe()+" changes, and the plan does not list it", d.ID.String(), d.ID.Subject().String(), cmp.Or(d.New, d.Old).Parent.String())
		}
	}
	if e.Step > 0 {
		e.SQL = p.Steps[e.Step-1].SQL
	}
	switch {
	case len(e.Deltas) > 0:
		return e
	case slices.ContainsFunc(r.Steps, func(o Observation) bool { return !o.Tried }):
		return nil // what these would do is part of the fingerprint
	}
	e.Deltas = []string{"something that the plan adds or changes is not as it promises: its fingerprint differs"}
	return e
}

// find returns the object of that text, nil when the state has none.
func find(text string, s *schema.State) (schema.ID, *schema.Object) {
	for id, o := range s.Objects {
		if id.String() == text {
			return id, o
		}
	}
	return schema.ID{}, nil
}
