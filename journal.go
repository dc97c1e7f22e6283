package cairn

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairn-db/cairn/internal/apply"
	"github.com/cairn-db/cairn/internal/store"
	"github.com/cairn-db/cairn/schema"
)

// History returns the last runs on a database, newest first; all with a limit of
// 0. One that a session is at work on is marked as active.
func (e *Engine) History(ctx context.Context, c Connection, limit int) ([]schema.Run, error) {
	return withJournal(ctx, e, c, func(t *target, j store.Journal) ([]schema.Run, error) {
		runs, err := j.Runs(ctx, limit)
		return runs, errors.Join(err, markActive(ctx, t, runs))
	})
}

// Unfinished returns the runs on a database that did not come to their end and
// can be resumed, newest first.
func (e *Engine) Unfinished(ctx context.Context, c Connection) ([]schema.Run, error) {
	return withJournal(ctx, e, c, func(t *target, j store.Journal) ([]schema.Run, error) {
		runs, err := j.Open(ctx, "")
		return runs, errors.Join(err, markActive(ctx, t, runs))
	})
}

// markActive marks the newest running run when somebody has the advisory lock.
func markActive(ctx context.Context, t *target, runs []schema.Run) error {
	holder, err := apply.Holder(ctx, t.conn)
	if err != nil || holder == nil {
		return err
	}
	for i := range runs {
		if runs[i].State == schema.Running {
			runs[i].Active = true
			break
		}
	}
	return nil
}

// RunDetail is a run with its plan and what became of each step.
type RunDetail struct {
	schema.Run
	Plan  *schema.Plan     `json:"plan"`
	Trace []schema.RunStep `json:"trace"` // what is recorded of the steps, in their order
}

// RunOf returns a run of a database by its number.
func (e *Engine) RunOf(ctx context.Context, c Connection, id int64) (*RunDetail, error) {
	return withJournal(ctx, e, c, func(t *target, j store.Journal) (*RunDetail, error) {
		run, found, err := j.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, hinted{fmt.Errorf("database %s has no run %d in its journal", t.identity.Name, id), "cairn history lists the runs"}
		}
		runs := []schema.Run{run}
		if err := markActive(ctx, t, runs); err != nil {
			return nil, err
		}
		stored, err := e.stored(ctx, j, id)
		if err != nil {
			return nil, err
		}
		steps, err := j.Steps(ctx, id)
		return &RunDetail{Run: runs[0], Plan: stored.Plan, Trace: steps}, err
	})
}

// stored reads what the journal keeps of a run.
func (e *Engine) stored(ctx context.Context, j store.Journal, id int64) (apply.Stored, error) {
	plan, before, err := j.Files(ctx, id)
	if err != nil {
		return apply.Stored{}, err
	}
	return apply.Unpack(e.kinds, plan, before)
}

// Abandon records that nobody is to resume the unfinished runs on a database, and
// returns them. The database stays as it is. It is a *LockError when a run is at
// work.
func (e *Engine) Abandon(ctx context.Context, c Connection) ([]schema.Run, error) {
	return withJournal(ctx, e, c, func(t *target, j store.Journal) ([]schema.Run, error) {
		unlock, err := apply.Lock(ctx, t.conn)
		if err != nil {
			return nil, err
		}
		defer unlock()
		runs, err := j.Open(ctx, "")
		if err != nil {
			return nil, err
		}
		for i := range runs {
			if err := j.End(ctx, runs[i].ID, schema.Abandoned, errors.New("abandoned by "+account())); err != nil {
				return nil, err
			}
		}
		return runs, nil
	})
}

// withJournal reads the journal of a database; without one the result is zero.
func withJournal[T any](ctx context.Context, e *Engine, c Connection, read func(*target, store.Journal) (T, error)) (result T, err error) {
	t, err := e.connect(ctx, c)
	if err != nil {
		return result, err
	}
	defer t.close(ctx)
	j := store.Journal{Conn: t.conn}
	exists, err := j.Exists(ctx)
	if err != nil {
		return result, err
	}
	if !exists {
		return result, nil
	}
	return read(t, j)
}
