package cairn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cairn-db/cairn/internal/apply"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/rename"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/internal/store"
	"github.com/cairn-db/cairn/schema"
)

// UndoRequest asks for the plan that takes back what the last run did.
type UndoRequest struct {
	Target  Connection
	Scratch Scratch
	Policy  Policy
	Prove   Reach
	Offline bool
}

// Undo returns the plan from where the last run on a database left it back to
// where the run found it, and the run. That run has stopped, or is done and
// nothing was changed since. The plan says what it would lose.
func (e *Engine) Undo(ctx context.Context, r UndoRequest) (*schema.Plan, *schema.Run, error) {
	target, err := e.connect(ctx, r.Target)
	if err != nil {
		return nil, nil, err
	}
	defer target.close(ctx)
	run, stored, err := e.undoable(ctx, target)
	if err != nil {
		return nil, nil, err
	}
	if err := sameMajor(target, stored.Plan); err != nil {
		return nil, nil, err
	}
	selection := selectionOf(stored.Plan)
	target.with = selection.options()
	old, err := e.readDatabase(ctx, target)
	if err != nil {
		return nil, nil, err
	}
	selection.Decisions.Renames = renamesBack(old, stored.Plan)
	goal, err := e.stateBefore(old, run, stored)
	if err != nil {
		return nil, nil, err
	}
	p, err := e.planTo(ctx, target, old, &read{state: goal}, PlanRequest{Target: r.Target, Selection: selection, Scratch: r.Scratch,
		Offline: r.Offline, Prove: r.Prove, Policy: r.Policy})
	return p, run, err
}

// undoable returns the last run of a database that had an effect.
func (e *Engine) undoable(ctx context.Context, t *target) (*schema.Run, apply.Stored, error) {
	nothing := hinted{errors.New("there is no run to undo"), "cairn history lists the runs"}
	j := store.Journal{Conn: t.conn}
	exists, err := j.Exists(ctx)
	if err != nil {
		return nil, apply.Stored{}, err
	}
	if !exists {
		return nil, apply.Stored{}, nothing
	}
	runs, err := j.Runs(ctx, 0)
	if err != nil {
		return nil, apply.Stored{}, err
	}
	i := slices.IndexFunc(runs, func(r schema.Run) bool { return r.State != schema.Failed })
	switch {
	case i < 0:
		return nil, apply.Stored{}, nothing
	case runs[i].Undoes != 0:
		return nil, apply.Stored{}, hinted{fmt.Errorf("run %d, the last one, is an undo itself (%s)", runs[i].ID, runs[i].State),
			"cairn apply --resume goes on with one that stopped; otherwise plan to the state that you want"}
	case !runs[i].IsOpen() && runs[i].State != schema.Done:
		return nil, apply.Stored{}, hinted{fmt.Errorf("run %d, the last one, is %s", runs[i].ID, runs[i].State), "plan to the state that you want"}
	}
	stored, err := e.stored(ctx, j, runs[i].ID)
	if err == nil && stored.Before == nil {
		err = hinted{fmt.Errorf("the journal no longer knows how the database was before run %d", runs[i].ID), "plan to the state that you want"}
	}
	return &runs[i], stored, err
}

// selectionOf is what a plan manages.
func selectionOf(p *schema.Plan) Selection {
	mode := func(managed bool) Mode {
		if managed {
			return All
		}
		return None
	}
	return Selection{Schemas: p.Scope.Schemas, Ignore: p.Scope.Ignore, Owners: mode(p.Scope.Owners), Privileges: mode(p.Scope.Privileges),
		Roles: slices.Contains(p.Scope.Options, string(kind.Roles)), Database: slices.Contains(p.Scope.Options, string(kind.Database))}
}

// renamesBack decides that what a plan renamed gets its old name back.
func renamesBack(now *schema.State, p *schema.Plan) map[string]string {
	former := map[string]string{}
	for _, change := range p.Changes {
		for _, f := range change.Fields {
			if f.Name == rename.Field {
				former[change.Object] = f.Old
			}
		}
	}
	back := map[string]string{}
	for id := range now.Objects {
		if name, ok := former[id.String()]; ok {
			back[id.String()] = rename.WithName(id, name).String()
		}
	}
	return back
}

// stateBefore puts the objects that a run changes back into the state of the
// target. It is a *StaleError when others are not as the run found them.
func (e *Engine) stateBefore(now *schema.State, run *schema.Run, stored apply.Stored) (*schema.State, error) {
	managed := copyOf(now)
	if err := scope.Limit(e.kinds, stored.Plan.Scope, managed); err != nil {
		return nil, err
	}
	goal := copyOf(now)
	maps.DeleteFunc(goal.Objects, func(id schema.ID, _ *schema.Object) bool { return managed.Objects[id] != nil })
	before := map[string]*schema.Object{}
	for _, o := range stored.Before {
		before[o.ID.String()] = o
	}
	var kept map[string]bool
	var err error
	if run.State == schema.Done {
		kept, err = e.keptByDone(managed, run, stored.Plan)
	} else {
		kept, err = keptByStopped(managed, run, stored.Plan, before)
	}
	if err != nil {
		return nil, err
	}
	for id, o := range managed.Objects {
		if kept[id.String()] {
			goal.Objects[id] = o
		}
	}
	for text, o := range before {
		if !kept[text] {
			goal.Objects[o.ID] = o
		}
	}
	return goal, nil
}

// keptByDone returns the objects that a run which came to its end did not change.
func (e *Engine) keptByDone(now *schema.State, run *schema.Run, p *schema.Plan) (map[string]bool, error) {
	if actual := plan.Fingerprint(e.kinds, now, p.Printed); actual != run.To {
		return nil, &StaleError{Expected: run.To, Actual: actual, Run: run.ID, Done: run.Done}
	}
	kept := map[string]bool{}
	for id := range now.Objects {
		kept[id.String()] = true
	}
	for _, pin := range p.Outcome {
		delete(kept, pin.Object)
	}
	return kept, nil
}

// keptByStopped returns the objects that are as a run found them, when the plan
// explains all others.
func keptByStopped(now *schema.State, run *schema.Run, p *schema.Plan, before map[string]*schema.Object) (map[string]bool, error) {
	kept, planned, strange := map[string]bool{}, map[string]string{}, []schema.Pin{}
	for _, pin := range p.Objects {
		planned[pin.Object] = pin.Hash
	}
	explained := apply.Touched(p)
	for id := range now.Objects {
		if kind.IsHelper(id) {
			explained[id.String()] = true
		}
	}
	actual := plan.Pins(now)
	for _, pin := range actual {
		kept[pin.Object] = planned[pin.Object] == pin.Hash
		if !kept[pin.Object] && !explained[pin.Object] {
			strange = append(strange, pin)
		}
	}
	var expected []schema.Pin
	for _, pin := range p.Objects {
		if !kept[pin.Object] && (before[pin.Object] == nil || !explained[pin.Object]) {
			expected = append(expected, pin)
		}
	}
	if len(strange)+len(expected) > 0 {
		return nil, &StaleError{Expected: run.From, Actual: now.Fingerprint(), Changed: apply.Changed(expected, strange), Run: run.ID, Done: run.Done}
	}
	return kept, nil
}
