package cairn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/rename"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/schema"
)

// renaming is the part of a plan that gives objects their new names.
type renaming struct {
	pairs      []rename.Pair
	statements []string
	state      *schema.State        // the old one under the new names
	printed    []string             // its objects whose print the renames changed
	implied    map[rename.Pair]bool // follow from others
}

// rename makes the declared renames on a copy of the old state, so that
// PostgreSQL says what follows from them, and returns nil when there are none.
func (e *Engine) rename(ctx context.Context, old *schema.State, goal read, managed schema.Scope, decisions Decisions) (result *renaming, err error) {
	due := func(state *schema.State) []rename.Pair {
		return append(rename.Declared(e.kinds, state, goal.state, goal.renames), rename.Decided(old, state, goal.state, decisions.Renames)...)
	}
	if len(due(old)) == 0 {
		return nil, nil
	}
	s, refused, err := e.materialize(ctx, old, old.Server)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if refused != nil {
		return nil, fmt.Errorf("copying the target's schema for the renames: %w", refused)
	}
	look := func() (*schema.State, error) {
		state, err := catalog.Read(ctx, s.Conn, e.kinds, catalog.Options{Server: old.Server, Unowned: s.Unowned, Default: old.Default})
		if err != nil {
			return nil, fmt.Errorf("reading the shadow: %w", err)
		}
		return state, scope.Limit(e.kinds, managed, state)
	}
	before, err := look()
	if err != nil {
		return nil, err
	}
	result = &renaming{state: before, implied: map[rename.Pair]bool{}}
	for {
		pairs := due(result.state)
		if len(pairs) == 0 {
			pairs = rename.Implied(e.kinds, result.state, goal.state, result.pairs)
			for _, p := range pairs {
				result.implied[p] = true
			}
		}
		if len(pairs) == 0 {
			break
		}
		for _, p := range pairs {
			sql := rename.Statement(e.kinds, p)
			if _, err := s.Conn.Exec(ctx, sql); err != nil {
				return nil, fmt.Errorf("renaming %s to %s: %w", p.From.Describe(), p.To.QualifiedName(), err)
			}
			result.pairs, result.statements = append(result.pairs, p), append(result.statements, sql)
		}
		if result.state, err = look(); err != nil {
			return nil, err
		}
	}
	_, asked := scope.Plain(e.kinds, old)
	maps.Copy(result.state.Objects, asked)
	maps.Copy(before.Objects, asked)
	result.keep(old, before)
	return result, nil
}

// keep takes over what the renames did not change as the target itself has it.
func (r *renaming) keep(old, before *schema.State) {
	for id, o := range r.state.Objects {
		was, now := before.Objects[id], old.Objects[id]
		if was != nil && now != nil && slices.Equal(was.Attrs, o.Attrs) {
			kept := *o
			kept.Attrs, kept.Stats = now.Attrs, now.Stats
			r.state.Objects[id] = &kept
			continue
		}
		r.printed = append(r.printed, id.String())
	}
	for _, p := range r.pairs {
		if from, to := old.Objects[p.From], r.state.Objects[p.To]; from != nil && to != nil {
			to.Stats = from.Stats
		}
	}
	r.state.Roles, r.state.Unknown, r.state.Options, r.state.Name = old.Roles, old.Unknown, old.Options, old.Name
}

// prepend puts the renames before the steps of a plan that starts from the
// renamed state.
func (e *Engine) prepend(r *renaming, p *schema.Plan, old, new *schema.State) {
	p.Printed = append(p.Printed, r.printed...)
	slices.Sort(p.Printed)
	p.Printed = slices.Compact(p.Printed)
	if len(p.Steps) > 0 && p.Steps[0].NoTx {
		for i := range p.Steps {
			p.Steps[i].Segment++
		}
	}
	var steps []schema.Step
	var changes []schema.Change
	for i, pair := range r.pairs {
		step := schema.Step{SQL: r.statements[i], Verb: schema.Alter, Object: pair.To.String(), Segment: 1}
		if !r.implied[pair] {
			step.Hazards = renamed(pair.From, step.Object)
		}
		steps = append(steps, step)
		changes = append(changes, schema.Change{Verb: schema.Alter, Object: pair.To.String(), Title: pair.To.Describe(),
			Parent: parentText(r.state, pair.To), Fields: []schema.Field{{Name: rename.Field, Old: rename.Name(pair.From), New: rename.Name(pair.To)}}})
	}
	p.Steps = append(steps, p.Steps...)
	p.Changes = mergeChanges(changes, p.Changes)
	p.Summary.Change += len(r.pairs)
	plan.Pin(e.kinds, p, old, new)
}

func parentText(s *schema.State, id schema.ID) string {
	if o := s.Objects[id]; o != nil && o.Parent != (schema.ID{}) {
		return o.Parent.String()
	}
	return ""
}

// mergeChanges adds the new names to the changes of the same objects.
func mergeChanges(renames, changes []schema.Change) []schema.Change {
	var result []schema.Change
	for _, r := range renames {
		if i := slices.IndexFunc(changes, func(c schema.Change) bool { return c.Object == r.Object }); i >= 0 {
			changes[i].Fields = append(r.Fields, changes[i].Fields...)
			continue
		}
		result = append(result, r)
	}
	return append(result, changes...)
}

// candidates names what may be a rename that nobody declared.
func (e *Engine) candidates(d diff.Difference, decisions Decisions) []schema.Finding {
	var findings []schema.Finding
	for _, p := range rename.Candidates(e.kinds, d) {
		if slices.Contains(decisions.Drops, p.From.String()) {
			continue
		}
		findings = append(findings, schema.Finding{Code: "possible-rename", Object: p.To.String(), Former: p.From.String(),
			Message: fmt.Sprintf("%s goes and %s comes with the same content", p.From.Describe(), p.To.QualifiedName()),
			Hint: fmt.Sprintf("if it is a rename, write above its definition: -- cairn: renamed from %s; if not, add %q below drops in cairn.decisions.yaml",
				pg.QuoteIdent(rename.Name(p.From)), p.From.String())})
	}
	return findings
}
