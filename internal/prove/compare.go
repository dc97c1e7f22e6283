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
	for _, about := range []string{d.ID.String(), d.ID.Subject().String(), o.Parent.String()} {
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
	add := func(id schema.ID, o *schema.Object, text string) {
		e.Deltas = append(e.Deltas, text)
		e.Step = max(e.Step, blame(p, schema.Delta{ID: id, New: o}))
	}
	for _, c := range p.Changes {
		id, o := find(c.Object, final, old)
		switch present := final.Objects[id] != nil; {
		case c.Verb == schema.Drop && present:
			add(id, o, id.Describe()+" is there and should not be")
		case c.Verb != schema.Drop && !present:
			e.Deltas = append(e.Deltas, c.Title+" is missing")
		}
		for _, f := range c.Fields {
			if o != nil && !kinds.Of(id).Printed[f.Name] && f.Name != "name" && final.Objects[id] != nil && o.Attr(f.Name) != f.New {
				add(id, o, fmt.Sprintf("%s: %s is %q, not %q", id.Describe(), f.Name, o.Attr(f.Name), f.New))
			}
		}
	}
	for _, d := range diff.Compare(plan.Unprinted(kinds, old, p.Printed), plan.Unprinted(kinds, final, p.Printed)) {
		if _, known := listed[d.ID.String()]; !known {
			add(d.ID, cmp.Or(d.New, d.Old), d.ID.Describe()+" changes, and the plan does not list it")
		}
	}
	if e.Step > 0 {
		e.SQL = p.Steps[e.Step-1].SQL
	}
	if len(e.Deltas) == 0 {
		e.Deltas = []string{"the fingerprint is not the one that the plan promises"}
	}
	return e
}

// find returns the object of that text, as the first of the states that has it.
func find(text string, states ...*schema.State) (schema.ID, *schema.Object) {
	for _, s := range states {
		for id, o := range s.Objects {
			if id.String() == text {
				return id, o
			}
		}
	}
	return schema.ID{}, nil
}
