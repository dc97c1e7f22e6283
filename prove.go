package cairn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/prove"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/internal/shadow"
	"github.com/cairn-db/cairn/schema"
)

// trial is a plan that is tried on a scratch copy.
type trial struct {
	target  *target
	plan    *schema.Plan
	whole   *schema.State   // the target as it was read
	old     *schema.State   // what of it is managed
	desired *schema.State   // nil when only its fingerprint is known
	about   map[string]bool // what rows are made in, see prove.Trial
	scratch Scratch
	used    *shadow.Shadow // held the desired state, nil when none did
	result  *prove.Result
}

// managed returns those objects of a part of the target that are managed, as they
// are compared.
func (t *trial) managed(part *schema.State) *schema.State {
	less := *t.old
	less.Objects = make(map[schema.ID]*schema.Object, len(part.Objects))
	for id := range part.Objects {
		if o := t.old.Objects[id]; o != nil {
			less.Objects[id] = o
		}
	}
	return &less
}

// copyOf returns a state whose set of objects is its own.
func copyOf(s *schema.State) *schema.State {
	own := *s
	own.Objects = maps.Clone(s.Objects)
	return &own
}

// prove tries the plan, first on the part of the target that it touches, unless
// the whole is asked for, and writes into the steps what was observed. What
// fails on a part is tried on the whole: a function can use what no dependency
// says.
func (e *Engine) prove(ctx context.Context, t *trial, reach Reach) error {
	if reach == NoProof || len(t.plan.Steps) == 0 {
		return nil
	}
	if reach != Full {
		kinds := e.kinds
		if t.target.ties != nil {
			kinds = kinds.Knowing(t.target.ties)
		}
		part, about := prove.Closure(kinds, t.whole, t.desired, t.plan)
		t.about = about
		err := e.proveTwice(ctx, t, part, Closure)
		var refused *prove.StepError
		var diverged *prove.DivergedError
		if err == nil || !errors.As(err, &refused) && !errors.As(err, &diverged) {
			return err
		}
	}
	return e.proveTwice(ctx, t, t.whole, Full)
}

// proveTwice takes the copy for what the target is, and only when the steps then
// lead elsewhere looks at what it is before them: PostgreSQL prints some
// expressions otherwise each time that its own print is read again.
func (e *Engine) proveTwice(ctx context.Context, t *trial, part *schema.State, reach Reach) error {
	err := e.proveOn(ctx, t, part, reach, false)
	var diverged *prove.DivergedError
	if !errors.As(err, &diverged) {
		return err
	}
	return e.proveOn(ctx, t, part, reach, true)
}

// proveOn tries the plan on a scratch database that is filled with the state.
func (e *Engine) proveOn(ctx context.Context, t *trial, part *schema.State, reach Reach, careful bool) (err error) {
	start := time.Now()
	s, done, err := e.openTrial(ctx, t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done(context.WithoutCancel(ctx))) }()
	read, err := e.act(ctx, s, t)
	if err != nil {
		return err
	}
	read.few, read.compared = len(part.Objects) <= mostFew, true
	refused, err := e.copyInto(ctx, s, t, part)
	if err != nil {
		return err
	}
	if err := prove.Declare(ctx, t.target.conn, s.Conn); err != nil {
		return err
	}
	before := t.managed(part)
	if careful || refused != nil {
		if before, err = e.readTrial(ctx, s, t, read); err != nil {
			return err
		}
	}
	run := prove.Trial{Conn: s.Conn, Kinds: e.kinds, Plan: t.plan, Old: part, Zone: t.target.conn.PgConn().ParameterStatus("TimeZone"), Seed: true, About: t.about, Lacks: refused != nil,
		Supply: func(err error) bool { return s.Supply(ctx, err) }}
	if t.result, err = prove.Run(ctx, run); err != nil {
		return err
	}
	after, err := e.readTrial(ctx, s, t, read)
	if err != nil {
		return err
	}
	if refused != nil {
		t.result.Omitted = append(t.result.Omitted, "the shadow could not be made like the target: "+refused.Message)
	}
	if read.bare {
		t.result.Omitted = append(t.result.Omitted, "owners and privileges were not compared, because the role of the target cannot act on the shadow")
	}
	if err := e.judge(t, before, after, read); err != nil {
		return err
	}
	e.recordProof(t, before, after, reach)
	e.event("prove", fmt.Sprintf("proved %d steps with %d objects and %d rows", len(t.plan.Steps), t.plan.Proof.Objects, t.plan.Proof.Seeded), time.Since(start))
	return nil
}

// recordProof writes into the plan what the trial has shown.
func (e *Engine) recordProof(t *trial, before, after *schema.State, reach Reach) {
	declared := map[int]bool{}
	for i, s := range t.plan.Steps {
		declared[i] = s.Relation != ""
	}
	prove.Record(e.kinds, t.plan, t.result, after, before)
	for i := range t.plan.Steps {
		s := &t.plan.Steps[i]
		if declared[i] {
			continue
		}
		for _, id := range prove.Find(s.Relation, t.old) {
			if stats := t.old.Objects[id].Stats; stats != nil {
				s.Rows, s.Bytes = stats.Rows, stats.Bytes
			}
		}
	}
	built := 0
	for _, o := range before.Objects {
		if !o.Builtin {
			built++
		}
	}
	t.plan.Proof = &schema.Proof{Reach: string(reach), Objects: built, Seeded: t.result.Seeded, Empty: t.result.Empty, Omitted: t.result.Omitted}
}

// judge demands that the steps led to the desired state.
func (e *Engine) judge(t *trial, before, after *schema.State, read trialReading) error {
	old, desired := t.old, t.desired
	if read.bare {
		before, after, old = e.unowned(before), e.unowned(after), e.unowned(old)
		if desired != nil {
			desired = e.unowned(desired)
		}
	}
	end, unlike := prove.EndOf(old, before, after), prove.Unlike(old, before)
	switch {
	case desired != nil:
		return prove.Compare(e.kinds, t.plan, t.result, end, desired, unlike)
	case read.bare:
		return nil // the fingerprint is one with owners and privileges
	}
	return prove.CompareChanges(e.kinds, t.plan, t.result, end, unlike)
}

// openTrial opens the scratch database of a trial and returns what ends it. What
// belongs to the whole server, or names the database, has a server of its own.
// There is only one database that the user gives: it is used again.
func (e *Engine) openTrial(ctx context.Context, t *trial) (s *shadow.Shadow, done func(context.Context) error, err error) {
	if t.used != nil {
		again, err := t.used.Reset(ctx)
		if err != nil {
			return nil, nil, err
		}
		if again {
			return t.used, func(context.Context) error { return nil }, nil
		}
	}
	if len(t.plan.Scope.Options) > 0 && t.scratch.Shadow != "" {
		return nil, nil, hinted{errors.New("the proof of a plan for roles or for the database itself needs a local shadow: what it changes is not only in a scratch database"),
			"leave out --shadow, or skip the proof with --no-prove"}
	}
	request := e.trialRequest(t.target, t.plan.Scope, t.scratch)
	request.Statements = len(t.plan.Steps)
	if s, err = e.shadows.Open(ctx, request); err == nil {
		return s, s.Close, nil
	}
	var hint interface{ Hint() string }
	text := "skip the proof with --no-prove"
	if errors.As(err, &hint) && hint.Hint() != "" {
		text = hint.Hint() + ", or " + text
	}
	return nil, nil, hinted{fmt.Errorf("opening a scratch database for the proof: %w", err), text}
}

// trialRequest is the request for the scratch database that a plan for the target
// is tried on.
func (e *Engine) trialRequest(t *target, managed schema.Scope, scratch Scratch) shadow.Request {
	return shadow.Request{Where: scratch.Shadow, Major: t.major, Beside: t.conn, Options: e.connectOptions(), Server: e.servers,
		Encoding: t.encoding, Alone: len(managed.Options) > 0, Name: t.identity.Name}
}

// trialReading says how the scratch database of a trial is read.
type trialReading struct {
	unowned  string // role whose objects nobody gave an owner
	bare     bool   // owners and privileges tell nothing
	few      bool   // it has no more objects than mostFew, or little more
	compared bool   // nothing is planned from it, see catalog.Options
}

// mostFew is how many objects are few, see catalog.Options.
const mostFew = 1000

// act lets the session of the scratch database be the role that runs the plan on
// the target, so that it owns what it creates there. On a local server that role
// is made, with every right.
func (e *Engine) act(ctx context.Context, s *shadow.Shadow, t *trial) (trialReading, error) {
	role := t.target.user
	quoted := pg.QuoteIdent(role)
	if s.Conn.PgConn().ParameterStatus("session_authorization") == role {
		return trialReading{}, nil
	}
	if s.Conn.PgConn().ParameterStatus("is_superuser") != "on" {
		return trialReading{unowned: s.Unowned, bare: true}, nil
	}
	if s.Local && t.whole.Objects[e.kinds.Role(role)] == nil {
		_, err := s.Conn.Exec(ctx, "CREATE ROLE "+quoted+" SUPERUSER; SET SESSION AUTHORIZATION "+quoted)
		if code := pg.Code(err); code == "42710" || code == "23505" { // it is there
			_, err = s.Conn.Exec(ctx, "ALTER ROLE "+quoted+" SUPERUSER; SET SESSION AUTHORIZATION "+quoted)
		}
		if err != nil {
			return trialReading{}, fmt.Errorf("acting as role %s on the shadow: %w", role, err)
		}
		return trialReading{}, nil
	}
	var able bool
	if err := s.Conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolsuper)", role).Scan(&able); err != nil {
		return trialReading{}, fmt.Errorf("looking for role %s on the shadow: %w", role, err)
	}
	if !able {
		return trialReading{unowned: s.Unowned, bare: true}, nil
	}
	if _, err := s.Conn.Exec(ctx, "SET SESSION AUTHORIZATION "+quoted); err != nil {
		return trialReading{}, fmt.Errorf("acting as role %s on the shadow: %w", role, err)
	}
	return trialReading{}, nil
}

// copyInto makes the state in the scratch database, as far as the server does
// not refuse, and returns the first refusal.
func (e *Engine) copyInto(ctx context.Context, s *shadow.Shadow, t *trial, part *schema.State) (*pgconn.PgError, error) {
	goal, scoped := copyOf(part), t.plan.Scope
	for id := range goal.Objects {
		k := e.kinds.Of(id)
		if k.Satellite == kind.FromOwner && !scoped.Owners || (k.Satellite == kind.FromACL || k.Privilege) && !scoped.Privileges {
			delete(goal.Objects, id)
		}
	}
	empty := schema.NewState(part.Server)
	empty.Name, empty.Options = part.Name, part.Options
	for id, o := range goal.Objects {
		if o.Builtin {
			empty.Objects[id] = o
		}
	}
	if len(empty.Objects) == 0 { // the target lacks what every new database has
		fresh, err := e.readTrial(ctx, s, t, trialReading{})
		if err != nil {
			return nil, err
		}
		empty = fresh
	}
	if err := e.makeRoles(ctx, s, t, goal); err != nil {
		return nil, err
	}
	refused, err := e.move(ctx, s, empty, goal)
	if err != nil || refused != nil {
		return refused, err
	}
	return e.complete(ctx, s, goal)
}

// complete gives the objects of a copy what no statement gives them.
func (e *Engine) complete(ctx context.Context, s *shadow.Shadow, copied *schema.State) (refused *pgconn.PgError, err error) {
	for id, o := range copied.Objects {
		sql := e.kinds.Of(id).Copy(o)
		if sql == "" {
			continue
		}
		if _, err := s.Conn.Exec(ctx, sql); errors.As(err, &refused) {
			return refused, nil
		} else if err != nil {
			return nil, fmt.Errorf("completing the copy for the proof: %w", err)
		}
	}
	return nil, nil
}

// made returns the objects of the desired state that the old one does not have so,
// or all of them.
func (t *trial) made() []*schema.Object {
	var list []*schema.Object
	add := func(id schema.ID) {
		if o := t.desired.Objects[id]; o != nil {
			list = append(list, o)
		}
	}
	if !prove.Differing(t.plan, t.old, t.desired, add) {
		return slices.Collect(maps.Values(t.desired.Objects))
	}
	return list
}

// makeRoles makes the roles that objects of the trial name and that are no
// objects themselves.
func (e *Engine) makeRoles(ctx context.Context, s *shadow.Shadow, t *trial, goal *schema.State) error {
	if t.scratch.Shadow == shadow.Target {
		return nil // roles are shared with the target
	}
	roles, seen := map[string]bool{}, map[string]bool{}
	add := func(state *schema.State, o *schema.Object) {
		for _, role := range e.kinds.Of(o.ID).Roles(o) {
			if seen[role] || role == "" || role[0] == '$' {
				continue
			}
			seen[role] = true
			if made := e.kinds.Role(role); t.whole.Objects[made] == nil && state.Objects[made] == nil {
				roles[role] = true
			}
		}
	}
	for _, o := range goal.Objects {
		add(goal, o)
	}
	if t.desired != nil {
		clear(seen)
		for _, o := range t.made() {
			add(t.desired, o)
		}
	}
	if len(roles) == 0 {
		return nil
	}
	rows, err := s.Conn.Query(ctx, "SELECT rolname FROM pg_roles", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return fmt.Errorf("looking for roles on the shadow: %w", err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("looking for roles on the shadow: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		if slices.Contains(there, name) {
			continue
		}
		_, err := s.Conn.Exec(ctx, "CREATE ROLE "+pg.QuoteIdent(name))
		switch pg.Code(err) {
		case "42710", "23505", "42939", "42501": // another session made it, its name is reserved, or nobody may
		default:
			if err != nil {
				return fmt.Errorf("making role %s on the shadow: %w", name, err)
			}
		}
	}
	return nil
}

// readTrial reads what of the scratch database the plan manages.
func (e *Engine) readTrial(ctx context.Context, s *shadow.Shadow, t *trial, r trialReading) (*schema.State, error) {
	state, err := catalog.Read(ctx, s.Conn, e.kinds, catalog.Options{Server: t.plan.Server, Few: r.few, Compared: r.compared, Unowned: r.unowned, Default: t.whole.Default, With: scope.Options(t.plan.Scope), Like: t.desired})
	if err != nil {
		return nil, fmt.Errorf("reading the shadow: %w", err)
	}
	return state, scope.Limit(e.kinds, t.plan.Scope, state)
}
