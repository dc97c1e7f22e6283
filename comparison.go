package cairn

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/hazard"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/rename"
	"github.com/cairn-db/cairn/schema"
)

// comparison is two states as they are compared, within what is managed.
type comparison struct {
	target   *target // nil where none is at hand
	mode     plan.Mode
	old      *schema.State
	start    *schema.State // the old one, under the new names when there are renames
	desired  *schema.State
	deltas   []schema.Delta // from the start to the desired one
	renames  *renaming      // nil when there are none
	managed  schema.Scope
	findings []schema.Finding
}

// between is the difference from the start to the desired state.
func (c *comparison) between() diff.Difference {
	return diff.Difference{Old: c.start, New: c.desired, Deltas: c.deltas}
}

// planFor returns the plan of a request from one state to another, of a target
// if there is one. The state of the goal is then the one that the plan leads to.
// The caller adds what is found on the target, and seals the plan.
func (e *Engine) planFor(ctx context.Context, target *target, old *schema.State, goal *read, r PlanRequest) (*schema.Plan, error) {
	c := comparison{target: target, mode: plan.Online, old: old, desired: goal.state}
	if r.Offline {
		c.mode = plan.Offline
	}
	var err error
	if c.managed, c.findings, err = e.manage(old, goal.state, r.Selection); err != nil {
		return nil, err
	}
	if err := e.begin(ctx, &c, *goal, r); err != nil {
		return nil, err
	}
	p, err := e.derive(ctx, c, c.desired, r.Selection)
	if err != nil || !r.OnlySafe {
		return p, err
	}
	return e.onlySafe(ctx, c, goal, p, r)
}

// begin makes the renames and finds what only the prints differ in. It begins to
// start the server that the proof needs, which takes as long as making the plan.
func (e *Engine) begin(ctx context.Context, c *comparison, goal read, r PlanRequest) (err error) {
	if c.renames, err = e.rename(ctx, c.old, goal, c.managed, r.Selection.Decisions); err != nil {
		return err
	}
	c.start = c.old
	if c.renames != nil {
		c.start = c.renames.state
	}
	c.deltas = diff.Compare(c.start, goal.state)
	if c.target != nil && r.Prove != NoProof && len(c.deltas) > 0 {
		request := e.trialRequest(c.target, c.managed, r.Scratch)
		request.Statements = len(c.deltas)
		e.shadows.Begin(ctx, request)
	}
	open := e.reprintable(goal.state, c.deltas)
	if len(open) == 0 {
		return nil
	}
	err = e.reprint(ctx, c.start, goal, c.managed, open)
	c.deltas = diff.Compare(c.start, goal.state)
	return err
}

// derive returns the plan to a state, with its reverse. The way back is made
// first: what it is made of is let go before there is the plan itself.
func (e *Engine) derive(ctx context.Context, c comparison, desired *schema.State, s Selection) (*schema.Plan, error) {
	kinds := e.kinds
	if c.target != nil && c.target.ties != nil && c.renames == nil {
		kinds = kinds.Knowing(c.target.ties, c.start)
	}
	between := c.between()
	if desired != c.desired {
		between = diff.Between(c.start, desired)
	}
	back, noWay := e.wayBack(kinds, c.mode, between)
	p, err := plan.Make(kinds, between, c.mode)
	if err != nil {
		return nil, err
	}
	reverse := e.reverse(c, p, back, noWay)
	if c.renames != nil {
		e.prepend(c.renames, p, c.old, desired)
	}
	if len(p.Steps) > 0 {
		p.Reverse = reverse
	}
	if c.target != nil {
		if err := indexUse(ctx, c.target.conn, p); err != nil {
			return nil, err
		}
	}
	findings := append(slices.Clone(c.findings), e.candidates(between, s.Decisions)...)
	p.Cairn, p.Created, p.Scope = e.options.Version, time.Now().UTC().Truncate(time.Second), c.managed
	p.Findings = append(findings, p.Findings...)
	return p, nil
}

// wayBack returns the steps from the end of a plan to its start.
func (e *Engine) wayBack(kinds *kind.Set, mode plan.Mode, there diff.Difference) ([]schema.Step, error) {
	if len(there.Deltas) == 0 {
		return nil, nil
	}
	back, start := there.Back(), there.Old
	end := *back.Old
	end.Default, end.Unowned, end.Roles, end.Name = start.Default, start.Unowned, start.Roles, start.Name
	back.Old = &end
	return plan.Steps(kinds, back, start, mode) // the files do not know how large tables are
}

// reverse is the way back, and says what that cannot bring back.
func (e *Engine) reverse(c comparison, p *schema.Plan, steps []schema.Step, err error) *schema.Reverse {
	r := &schema.Reverse{Steps: []schema.Step{}}
	if err != nil {
		r.Irreversible = append(r.Irreversible, "there is no plan back: "+err.Error())
		return r
	}
	if len(steps) > 0 {
		r.Steps = steps
	}
	if c.renames != nil {
		r.Steps = append(r.Steps, e.undo(c.renames, r.Steps)...)
	}
	for _, s := range p.Steps {
		if s.Loses != "" {
			r.Irreversible = append(r.Irreversible, fmt.Sprintf("%s of %s (%s)", lostBy(s), s.Name(), s.Loses))
		}
	}
	r.Irreversible = slices.Compact(r.Irreversible)
	return r
}

func lostBy(s schema.Step) string {
	if s.Why != "" {
		return s.Why
	}
	return s.SQL
}

// undo returns the steps that give objects their old names back, last first.
func (e *Engine) undo(r *renaming, before []schema.Step) []schema.Step {
	segment := 1
	if len(before) > 0 {
		segment = before[len(before)-1].Segment + 1
	}
	var steps []schema.Step
	for i := len(r.pairs) - 1; i >= 0; i-- {
		pair := r.pairs[i]
		step := schema.Step{SQL: rename.Undo(e.kinds, pair), Verb: schema.Alter, Object: pair.From.String(), Segment: segment}
		if !r.implied[pair] {
			step.Hazards = renamed(pair.To, step.Object)
		}
		steps = append(steps, step)
	}
	return steps
}

// renamed is the hazard of an object that loses a name.
func renamed(from schema.ID, object string) []schema.Hazard {
	return []schema.Hazard{{Code: "rename", Object: object, Message: "code that names " + from.Describe() + " fails"}}
}

// assess completes the hazards of a plan and says which the policy denies.
func assess(p *schema.Plan, policy Policy) {
	hazard.Assess(p)
	policy.Weigh(p)
	p.Findings = slices.DeleteFunc(p.Findings, func(f schema.Finding) bool { return f.Code == "denied" })
	for i, s := range p.Steps {
		for _, h := range policy.Denied(s) {
			p.Findings = append(p.Findings, schema.Finding{Code: "denied", Object: h.Object,
				Message: fmt.Sprintf("the policy denies %s of step %d: %s", h.Code, i+1, h.Message), Hint: h.Instead})
		}
	}
}
