package cairn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/apply"
	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/prove"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/internal/shadow"
	"github.com/cairn-db/cairn/schema"
)

// Prove tries a saved plan on a scratch copy of the target's whole schema with
// rows made for it, or on a dump with the rows of that. A target or dump in
// another state than the plan was made for is a *StaleError.
func (e *Engine) Prove(ctx context.Context, r ProveRequest) (*ProveResult, error) {
	target, err := e.connect(ctx, r.Target)
	if err != nil {
		return nil, err
	}
	defer target.close(ctx)
	if err := sameMajor(target, r.Plan); err != nil {
		return nil, err
	}
	target.with = scope.Options(r.Plan.Scope)
	whole, err := e.readDatabase(ctx, target)
	if err != nil {
		return nil, err
	}
	p := *r.Plan
	p.Steps = slices.Clone(p.Steps)
	t := &trial{target: target, plan: &p, whole: whole, old: copyOf(whole), scratch: r.Scratch}
	if err := scope.Limit(e.kinds, p.Scope, t.old); err != nil {
		return nil, err
	}
	result := &ProveResult{Plan: &p}
	if r.WithData != "" {
		result.Unvalidated, err = e.proveData(ctx, t, r.WithData)
	} else if actual := t.old.Fingerprint(); actual != p.From {
		err = staleError(&p, t.old)
	} else if len(p.Steps) > 0 {
		err = e.proveTwice(ctx, t, whole, Full)
	}
	if err != nil {
		return nil, err
	}
	if t.result != nil {
		for _, s := range t.result.Steps {
			result.Elapsed = append(result.Elapsed, s.Elapsed)
		}
	}
	plan.Seal(&p)
	return result, nil
}

// sameMajor refuses a plan for another version of PostgreSQL.
func sameMajor(t *target, p *schema.Plan) error {
	if t.major == p.Server {
		return nil
	}
	return hinted{errors.New("the plan was made for PostgreSQL " + itoa(p.Server) + ", the target runs " + itoa(t.major)),
		"run cairn plan against this target"}
}

// sameTarget refuses a plan that was made for another database, also when that
// has the same schema: what was reviewed there (rows, sizes, who uses it) is not
// so here. The address is not compared, as one server has several. A copy that
// replication or a physical backup made has the system identifier of its origin.
// A plan between two states names no database.
func sameTarget(t *target, p *schema.Plan) error {
	planned, actual := p.Database, t.identity
	known := planned.System != "" && actual.System != ""
	if planned.Name == "" || planned.Name == actual.Name && (!known || planned.System == actual.System) {
		return nil
	}
	return &TargetError{Planned: planned, Target: actual}
}

func staleError(p *schema.Plan, actual *schema.State) error {
	return &StaleError{Expected: p.From, Actual: actual.Fingerprint(), Changed: apply.Changed(p.Objects, plan.Pins(actual))}
}

// proveData restores a dump on a scratch database and tries the plan there. It
// returns the constraints that rows may violate afterwards.
func (e *Engine) proveData(ctx context.Context, t *trial, name string) (unvalidated []string, err error) {
	dump, err := prove.OpenDump(name, e.options.Stdin)
	if err != nil {
		return nil, err
	}
	defer dump.Close()
	s, done, err := e.openTrial(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done(context.WithoutCancel(ctx))) }()
	read, err := e.act(ctx, s, t)
	if err != nil {
		return nil, err
	}
	if err := e.restore(ctx, s, t, dump); err != nil {
		return nil, err
	}
	before, err := e.readTrial(ctx, s, t, read)
	if err != nil {
		return nil, err
	}
	if err := e.checkRestored(t, before); err != nil {
		return nil, err
	}
	steps := len(t.plan.Steps)
	t.result, err = prove.Run(ctx, prove.Trial{Conn: s.Conn, Kinds: e.kinds, Plan: t.plan, Old: before, Zone: t.target.conn.PgConn().ParameterStatus("TimeZone"),
		Supply: func(err error) bool { return s.Supply(ctx, err) },
		Events: func(step int, sql string, elapsed time.Duration) {
			if e.options.Events != nil {
				e.options.Events(schema.Event{Time: time.Now(), Name: schema.StepDone, Step: step, Steps: steps, Message: sql, Elapsed: elapsed})
			}
		}})
	if err != nil {
		return nil, err
	}
	after, err := e.readTrial(ctx, s, t, read)
	if err != nil {
		return nil, err
	}
	if err := e.judge(t, before, after, read); err != nil {
		return nil, err
	}
	e.recordProof(t, before, after, Full)
	return unvalidatedConstraints(ctx, s.Conn)
}

// restore fills the scratch database with a dump.
func (e *Engine) restore(ctx context.Context, s *shadow.Shadow, t *trial, dump *prove.Dump) error {
	start := time.Now()
	if err := e.makeRoles(ctx, s, t, t.whole); err != nil {
		return err
	}
	err := dump.Restore(ctx, s.Conn, prove.Restoring{Owners: t.plan.Scope.Owners, Privileges: t.plan.Scope.Privileges, Major: t.target.major, Server: e.servers})
	if err != nil {
		return err
	}
	e.event("restore", "restored the dump", time.Since(start))
	return nil
}

// checkRestored demands that the dump is of the state that the plan was made
// for. A print that PostgreSQL makes otherwise when it reads its own print is no
// difference.
func (e *Engine) checkRestored(t *trial, restored *schema.State) error {
	if restored.Fingerprint() == t.plan.From {
		t.old = restored
		return nil
	}
	if t.old.Fingerprint() != t.plan.From || slices.ContainsFunc(diff.Compare(t.old, restored), func(d schema.Delta) bool {
		return d.Old == nil || d.New == nil || slices.ContainsFunc(d.Changed, func(f string) bool { return !e.kinds.Of(d.ID()).Printed[f] })
	}) {
		return staleError(t.plan, restored)
	}
	return nil
}

// unvalidatedConstraints lists the constraints that were never checked for the
// rows that are there. One that is not enforced never is.
func unvalidatedConstraints(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT format('constraint %I on %I.%I', c.conname, n.nspname, r.relname)
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE NOT c.convalidated AND coalesce(to_jsonb(c) ->> 'conenforced', 'true') = 'true' ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("looking for constraints that are not validated: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("looking for constraints that are not validated: %w", err)
	}
	return names, nil
}
