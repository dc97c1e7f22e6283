package cairn

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/schema"
)

// onlySafe returns the part of a plan that is safe: the objects of unsafe steps
// keep their old form, and what hangs on that stays with them. It plans again
// until nothing unsafe is left, and lists what is left out.
func (e *Engine) onlySafe(ctx context.Context, c comparison, goal *read, full *schema.Plan, r PlanRequest) (*schema.Plan, error) {
	assess(full, r.Policy)
	findings, keep := deniedRenames(c, full, r.Policy)
	if len(keep) > 0 { // without the renames, each is a drop and a creation, which are both left out
		unnamed := *goal
		unnamed.renames, r.Selection.Decisions.Renames = nil, nil
		if err := e.begin(ctx, &c, unnamed, r); err != nil {
			return nil, err
		}
	}
	mix := plan.NewMix(e.kinds, c.between())
	mix.Keep(keep...)
	for {
		state := mix.State()
		p, err := e.derive(ctx, c, state, r.Selection)
		if err != nil {
			return nil, err
		}
		assess(p, r.Policy)
		unsafe := unsafeSteps(p.Steps, r.Policy)
		if len(unsafe) == 0 {
			for _, left := range mix.Kept() {
				findings = append(findings, waits(left, findings)...)
			}
			p.Findings = append(p.Findings, findings...)
			goal.state = state
			return p, nil
		}
		findings = append(findings, leftOut(unsafe, r.Policy)...)
		if !mix.KeepObjects(objects(unsafe)) {
			mix.KeepAll()
		}
	}
}

// deniedRenames lists the renames that are denied, and what of all renames has to
// stay for them: they are made in one go or not at all.
func deniedRenames(c comparison, full *schema.Plan, policy Policy) (findings []schema.Finding, keep []schema.ID) {
	if c.renames == nil {
		return nil, nil
	}
	findings = leftOut(unsafeSteps(full.Steps[:len(c.renames.pairs)], policy), policy)
	if len(findings) == 0 {
		return nil, nil
	}
	for _, pair := range c.renames.pairs {
		keep = append(keep, pair.From, pair.To)
	}
	return findings, keep
}

// unsafeSteps are the steps that lose data, are dangerous or are denied.
func unsafeSteps(steps []schema.Step, policy Policy) []schema.Step {
	var unsafe []schema.Step
	for _, s := range steps {
		if s.Loses != "" || len(policy.Denied(s)) > 0 || worst(s) == schema.Danger {
			unsafe = append(unsafe, s)
		}
	}
	return unsafe
}

func worst(s schema.Step) schema.Severity {
	for _, h := range s.Hazards {
		if h.Severity == schema.Danger {
			return schema.Danger
		}
	}
	return schema.Note
}

// objects are the texts of the identities that unsafe steps and their hazards
// are for.
func objects(steps []schema.Step) map[string]bool {
	set := map[string]bool{}
	for _, s := range steps {
		set[s.Object] = true
		for _, h := range s.Hazards {
			if h.Severity == schema.Danger {
				set[h.Object] = true
			}
		}
	}
	return set
}

// leftOut is a finding for each hazard for which a step is left out.
func leftOut(steps []schema.Step, policy Policy) []schema.Finding {
	var findings []schema.Finding
	for _, s := range steps {
		for _, h := range s.Hazards {
			denied := policy.Denies(h)
			if !denied && h.Severity != schema.Danger && h.Code != s.Loses {
				continue
			}
			because := h.Code
			if denied {
				because += ", denied by the policy"
			}
			first, _, _ := strings.Cut(s.SQL, "\n")
			findings = append(findings, schema.Finding{Code: "left-out", Object: h.Object,
				Message: fmt.Sprintf("left out, %s: %s (%s)", because, h.Message, first), Hint: h.Instead})
		}
	}
	return findings
}

// waits is a finding for an object that keeps its old form because of another
// one, unless it is listed already.
func waits(left plan.Left, listed []schema.Finding) []schema.Finding {
	for _, f := range listed {
		if f.Object == left.ID.String() {
			return nil
		}
	}
	if left.Because == (schema.ID{}) {
		return nil
	}
	return []schema.Finding{{Code: "left-out", Object: left.ID.String(),
		Message: left.ID.Describe() + " is left as it is, because " + left.Because.Describe() + " is"}}
}
