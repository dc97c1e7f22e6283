package cairn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/internal/shadow"
	"github.com/cairn-db/cairn/schema"
)

// reprint finds the expressions that differ only because PostgreSQL prints them
// otherwise each time that its own print is read again, such as IN lists on
// varchar, and gives the desired state the print that the target has.
//
// The server itself decides: the old print is made an object on the shadow and
// printed again, and then the new one likewise. Expressions that meet are equal.
func (e *Engine) reprint(ctx context.Context, old *schema.State, desired read, managed schema.Scope, open map[schema.ID][]string) error {
	p := reprinter{engine: e, managed: managed, old: old, new: desired.state, now: desired.state}
	var err error
	if desired.shadow != nil {
		if p.shadow, err = desired.shadow.open(ctx); err != nil {
			return err
		}
		if desired.shadow.changed {
			if p.now, err = p.read(ctx); err != nil {
				return err
			}
		}
		desired.shadow.changed = true
	} else {
		if p.shadow, _, err = e.materialize(ctx, desired.state, desired.state.Server); err != nil {
			return err
		}
		defer func() { _ = p.shadow.Close(context.WithoutCancel(ctx)) }()
		if p.now, err = p.read(ctx); err != nil {
			return err
		}
	}
	clean, err := p.settle(ctx, open)
	if err != nil || clean {
		return err
	}
	// A form that cannot be made here is a difference; the others get their turn.
	for _, id := range slices.SortedFunc(maps.Keys(open), schema.Compare) {
		if _, err := p.settle(ctx, map[schema.ID][]string{id: open[id]}); err != nil {
			return err
		}
	}
	return nil
}

// reprinter makes forms of objects on the shadow.
type reprinter struct {
	engine   *Engine
	shadow   *shadow.Shadow
	managed  schema.Scope
	old, new *schema.State
	now      *schema.State // what the shadow holds
}

// settle makes the old form of the given fields and then the new one, and
// adopts the old print of what meets. It stops without an adoption when the
// server refuses a form.
func (p *reprinter) settle(ctx context.Context, open map[schema.ID][]string) (clean bool, err error) {
	var earlier *schema.State
	for _, form := range []struct{ made, other *schema.State }{{mixed(p.old, p.new, open), p.new}, {p.new, p.old}} {
		refused, err := p.engine.move(ctx, p.shadow, p.engine.unowned(p.now), p.engine.unowned(form.made))
		if err != nil {
			return false, err
		}
		if p.now, err = p.read(ctx); err != nil || refused != nil {
			return false, err
		}
		adopt(p.old, p.new, p.now, open, form.other, earlier)
		if len(open) == 0 {
			break
		}
		earlier = p.now
	}
	return true, nil
}

func (p *reprinter) read(ctx context.Context) (*schema.State, error) {
	state, err := catalog.Read(ctx, p.shadow.Conn, p.engine.kinds,
		catalog.Options{Server: p.new.Server, Unowned: p.shadow.Unowned, Default: p.shadow.Unowned})
	if err != nil {
		return nil, fmt.Errorf("reading the shadow: %w", err)
	}
	return state, scope.Limit(p.engine.kinds, p.managed, state)
}

// reprintable returns the differing fields of each object that differs in print
// only and whose surroundings are the same in both states.
func (e *Engine) reprintable(new *schema.State, deltas []schema.Delta) map[schema.ID][]string {
	fields := map[schema.ID][]string{}
	for _, d := range deltas {
		var printed []string
		for _, f := range d.Changed {
			if e.kinds.Of(d.ID()).Printed[f] && d.Old.Attr(f) != "" && d.New.Attr(f) != "" {
				printed = append(printed, f)
			}
		}
		if len(printed) > 0 && len(printed) == len(d.Changed) {
			fields[d.ID()] = printed
		}
	}
	if len(fields) == 0 {
		return nil
	}
	differ := map[schema.ID]bool{} // so that what needs it can be printed otherwise
	for _, d := range deltas {
		id := d.ID()
		rebuild := e.kinds.Of(id).Rebuild
		differ[id] = d.Old == nil || d.New == nil ||
			fields[id] == nil && (rebuild == nil || slices.ContainsFunc(d.Changed, func(f string) bool { return rebuild[f] }))
	}
	maps.DeleteFunc(fields, func(id schema.ID, _ []string) bool {
		o := new.Objects[id]
		return differ[o.Parent] || slices.ContainsFunc(o.Needs, func(need schema.ID) bool { return differ[need] })
	})
	return fields
}

// mixed is the new state with the old prints of the open fields.
func mixed(old, new *schema.State, open map[schema.ID][]string) *schema.State {
	form := *new
	form.Objects = maps.Clone(new.Objects)
	for id, fields := range open {
		form.Objects[id] = withFields(new.Objects[id], old.Objects[id], fields)
	}
	return &form
}

// withFields returns the object with some attributes of another.
func withFields(o, other *schema.Object, fields []string) *schema.Object {
	mixed := *o
	mixed.Attrs = slices.Clone(o.Attrs)
	for i, a := range mixed.Attrs {
		if slices.Contains(fields, a.Name) {
			mixed.Attrs[i] = other.Attrs[i]
		}
	}
	return &mixed
}

// adopt settles the fields of which the print made now is the one that the
// other side has, or the one that was made of the other side's form earlier.
func adopt(old, new, now *schema.State, open map[schema.ID][]string, sides ...*schema.State) {
	for id, fields := range open {
		made := now.Objects[id]
		if made == nil {
			continue // it could not be made in the new surroundings
		}
		var left []string
		for _, f := range fields {
			if !slices.ContainsFunc(sides, func(s *schema.State) bool {
				return s != nil && s.Objects[id] != nil && s.Objects[id].Attr(f) == made.Attr(f)
			}) {
				left = append(left, f)
			}
		}
		settled := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return slices.Contains(left, f) })
		new.Objects[id] = withFields(new.Objects[id], old.Objects[id], settled)
		if open[id] = left; len(left) == 0 {
			delete(open, id)
		}
	}
}

// move runs the plan from one state of a scratch database to another, as far as
// the server does not refuse, and returns the first refusal.
func (e *Engine) move(ctx context.Context, s *shadow.Shadow, from, to *schema.State) (refused *pgconn.PgError, err error) {
	steps, err := plan.Steps(e.kinds, diff.Between(from, to), from, plan.Offline)
	if err != nil {
		return nil, err
	}
	if done, err := moveAtOnce(ctx, s, steps); done || err != nil {
		return nil, err
	}
	for _, sql := range append([]string{"SET check_function_bodies = off"}, statements(steps)...) {
		var refusal *pgconn.PgError
		_, err := s.Conn.Exec(ctx, sql)
		if err != nil && s.Supply(ctx, err) {
			_, err = s.Conn.Exec(ctx, sql)
		}
		if session := s.Conn.PgConn(); err != nil && session.ParameterStatus("is_superuser") == "on" {
			err = load.WriteLabel(ctx, session, session.ParameterStatus("session_authorization"), sql, err)
		}
		if err != nil && !errors.As(err, &refusal) {
			return nil, fmt.Errorf("changing the shadow: %w", err)
		}
		if refused == nil {
			refused = refusal
		}
	}
	return refused, nil
}

// moveAtOnce runs steps in one message, a transaction, when they are a single
// segment. It reports whether that went well; if not, nothing was changed.
func moveAtOnce(ctx context.Context, s *shadow.Shadow, steps []schema.Step) (done bool, err error) {
	last := len(steps) - 1
	if last < 1 || steps[last].Segment > 1 {
		return false, nil
	}
	_, err = s.Conn.Exec(ctx, "SET check_function_bodies = off;\n"+strings.Join(statements(steps), "\n;\n"))
	if err != nil && pg.Code(err) == "" {
		return false, fmt.Errorf("changing the shadow: %w", err)
	}
	return err == nil, nil
}

// unowned is the state without owners and grants, roles and settings, which
// change no print.
func (e *Engine) unowned(s *schema.State) *schema.State {
	bare := *s
	bare.Objects = maps.Clone(s.Objects)
	maps.DeleteFunc(bare.Objects, func(id schema.ID, _ *schema.Object) bool {
		k := e.kinds.Of(id)
		return k.Satellite == kind.FromOwner || k.Satellite == kind.FromACL || e.kinds.Option(id) != ""
	})
	return &bare
}

func statements(steps []schema.Step) []string {
	list := make([]string, len(steps))
	for i, s := range steps {
		list[i] = s.SQL
	}
	return list
}
