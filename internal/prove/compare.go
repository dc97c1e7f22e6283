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

// End is the state that the steps lead to: the old one with what they changed on the
// scratch copy. What the copy prints otherwise than the target, and what is no part
// of it, is as the target has it.
type End struct{ old, before, after *schema.State }

// EndOf returns where the steps lead from the old state, when the copy was like
// before and is like after.
func EndOf(old, before, after *schema.State) End { return End{old, before, after} }

// object returns an object of the end, nil when it has none, and whether the steps
// changed it.
func (e End) object(id schema.ID) (o *schema.Object, touched bool) {
	had, was, now := e.old.Objects[id], e.before.Objects[id], e.after.Objects[id]
	switch {
	case was == nil && now == nil:
		return had, false
	case was == nil || now == nil:
		return now, true
	case slices.Equal(was.Attrs, now.Attrs) && was.Parent == now.Parent:
		return had, false
	case had != nil:
		return changed(had, was, now), true
	}
	return now, true
}

// touched calls a function with each object that the steps changed, nil for what is
// gone.
func (e End) touched(visit func(schema.ID, *schema.Object)) {
	for id := range e.before.Objects {
		if e.after.Objects[id] == nil {
			visit(id, nil)
		}
	}
	for id := range e.after.Objects {
		if o, touched := e.object(id); touched {
			visit(id, o)
		}
	}
}

// state returns all of the end.
func (e End) state() *schema.State {
	whole := *e.old
	whole.Objects = maps.Clone(e.old.Objects)
	e.touched(func(id schema.ID, o *schema.Object) {
		if whole.Objects[id] = o; o == nil {
			delete(whole.Objects, id)
		}
	})
	return &whole
}

// unequal returns those parts of the desired state and of the end in which they may
// differ: what the steps changed, and what they should have. Where the plan does not
// say that, of most objects the desired state has the very one of the old state.
func (e End) unequal(p *schema.Plan, desired *schema.State) (want, have *schema.State) {
	want, have = schema.NewState(desired.Server), schema.NewState(desired.Server)
	differ := func(id schema.ID, end, o *schema.Object) {
		if end != nil && o != nil && (end == o || slices.Equal(end.Attrs, o.Attrs)) {
			return
		}
		if o != nil {
			want.Objects[id] = o
		}
		if end != nil {
			have.Objects[id] = end
		}
	}
	e.touched(func(id schema.ID, end *schema.Object) { differ(id, end, desired.Objects[id]) })
	look := func(id schema.ID) {
		end, _ := e.object(id)
		differ(id, end, desired.Objects[id])
	}
	if Differing(p, e.old, desired, look) {
		return want, have
	}
	for id, o := range desired.Objects {
		if e.old.Objects[id] != o {
			look(id)
		}
	}
	for id := range e.old.Objects {
		if desired.Objects[id] == nil {
			look(id)
		}
	}
	return want, have
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

// Unlike returns the objects that the copy could not make like the target's in
// what is never compared and still decides what statements do, such as whether a
// child declares what it inherits, with the attributes that differ.
func Unlike(old, before *schema.State) map[string][]string {
	unlike := map[string][]string{}
	for id, copied := range before.Objects {
		o := old.Objects[id]
		if o == nil || o == copied {
			continue
		}
		for i, a := range o.Attrs {
			if a.Info && copied.Attrs[i].Value != a.Value {
				unlike[id.String()] = append(unlike[id.String()], a.Name)
			}
		}
	}
	return unlike
}

// Compare returns an error of type *DivergedError when the state that the steps
// led to is not the desired one. What a step was for that could not be tried is
// no difference, and what the copy was unlike the target in only a remark.
func Compare(kinds *kind.Set, p *schema.Plan, r *Result, end End, desired *schema.State, unlike map[string][]string) error {
	l := left{plan: p, result: r, unlike: unlike}
	want, have := end.unequal(p, desired)
	for _, d := range diff.Compare(plan.Unprinted(kinds, want, p.Printed), plan.Unprinted(kinds, have, p.Printed)) {
		o := d.Old
		if o == nil {
			o = d.New
		}
		l.add(describe(d), d.ID().String(), d.ID().Subject().String(), o.Parent.String())
	}
	return l.err()
}

// left collects what is left after a trial.
type left struct {
	plan    *schema.Plan
	result  *Result
	unlike  map[string][]string
	error   DivergedError
	excused bool // something is left that is no fault of a step
}

// add adds something that is left. The objects are that itself, and what it is
// a part of or describes.
func (l *left) add(text string, objects ...string) {
	step := lastFor(l.plan, objects...)
	if step > 0 && !l.result.Steps[step-1].Tried {
		l.excused = true
		return
	}
	if names, unlike := l.unlike[objects[0]]; unlike {
		l.excused = true
		l.result.Omitted = append(l.result.Omitted, fmt.Sprintf("not judged, because the copy differs from the target in %s: %s", strings.Join(names, ", "), text))
		return
	}
	l.error.Deltas, l.error.Step = append(l.error.Deltas, text), max(l.error.Step, step)
}

// err returns the error, nil when nothing is left.
func (l *left) err() error {
	if len(l.error.Deltas) == 0 {
		return nil
	}
	if l.error.Step > 0 {
		l.error.SQL = l.plan.Steps[l.error.Step-1].SQL
	}
	return &l.error
}

// describe says what is left of a delta, whose old side is the desired one.
func describe(d schema.Delta) string {
	switch {
	case d.New == nil:
		return d.ID().Describe() + " is missing"
	case d.Old == nil:
		return d.ID().Describe() + " is there and should not be"
	}
	var parts []string
	for _, name := range d.Changed {
		parts = append(parts, fmt.Sprintf("%s is %q, not %q", name, d.New.Attr(name), d.Old.Attr(name)))
	}
	return d.ID().Describe() + ": " + strings.Join(parts, "; ")
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
func CompareChanges(kinds *kind.Set, p *schema.Plan, r *Result, end End, unlike map[string][]string) error {
	old, final := end.old, end.state()
	if plan.Fingerprint(kinds, final, p.Printed) == p.To {
		return nil
	}
	l := left{plan: p, result: r, unlike: unlike}
	listed := map[string]bool{}
	for _, c := range p.Changes {
		listed[c.Object] = true
		var o *schema.Object
		var id schema.ID
		if found := Find(c.Object, final); len(found) > 0 {
			id, o = found[0], final.Objects[found[0]]
		}
		switch {
		case c.Verb == schema.Drop && o != nil:
			l.add(c.Title+" is there and should not be", c.Object, c.Parent)
		case c.Verb != schema.Drop && o == nil:
			l.add(c.Title+" is missing", c.Object, c.Parent)
		}
		for _, f := range c.Fields {
			if o != nil && !kinds.Of(id).Printed[f.Name] && f.Name != "name" && o.Attr(f.Name) != f.New {
				l.add(fmt.Sprintf("%s: %s is %q, not %q", c.Title, f.Name, o.Attr(f.Name), f.New), c.Object, c.Parent)
			}
		}
	}
	for _, d := range diff.Compare(plan.Unprinted(kinds, old, p.Printed), plan.Unprinted(kinds, final, p.Printed)) {
		if !listed[d.ID().String()] {
			l.add(d.ID().Describe()+" changes, and the plan does not list it", d.ID().String(), d.ID().Subject().String(), cmp.Or(d.New, d.Old).Parent.String())
		}
	}
	untried := slices.ContainsFunc(r.Steps, func(o Observation) bool { return !o.Tried })
	if len(l.error.Deltas) == 0 && !l.excused && !untried {
		l.error.Deltas = []string{"something that the plan adds or changes is not as it promises: its fingerprint differs"}
	}
	return l.err()
}
