package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// runAlone runs a step outside of a transaction. Such a statement waits for the
// transactions that were there before it, and keeps nobody waiting meanwhile, so
// nothing limits its wait. That it begins is recorded before, so that a later run
// knows that it may have had its effect.
func (r *runner) runAlone(ctx context.Context, i int) error {
	results, err := r.conn.PgConn().Exec(ctx, askBackend).ReadAll()
	if err != nil {
		return fmt.Errorf("asking for the session's process: %w", err)
	}
	if err := r.checkBackend(results); err != nil {
		return err
	}
	if r.doubt {
		if settled, err := r.settle(ctx, i); err != nil || settled {
			return err
		}
	}
	if err := r.journal.Started(ctx, r.record.ID, i+1, hash(r.plan.Steps[i]), setLockTimeout(0), r.nameSession(i)); err != nil {
		return err
	}
	r.doubt = true
	r.watch.patience(0)
	r.longTransactions(ctx, i)
	ran, err := r.runMessage(ctx, i, i+1)
	var failed *StepError
	if errors.As(err, &failed) {
		err = r.takeBack(ctx, ran[0], failed)
	} else if err == nil {
		err = r.recordAlone(ctx, ran[0])
	}
	return err
}

// recordAlone records that a step has had its effect, and limits the waits of what
// follows again; an interrupt leaves time for that.
func (r *runner) recordAlone(ctx context.Context, t timed) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
	defer cancel()
	if _, err := r.journal.Finished(ctx, r.record.ID, r.times([]timed{t}), setLockTimeout(r.options.LockTimeout)); err != nil {
		return err
	}
	r.done, r.doubt = t.step+1, false
	return nil
}

// setLockTimeout is the statement that says how long the session waits for a lock.
func setLockTimeout(limit time.Duration) string {
	return fmt.Sprintf("SET lock_timeout = %d", limit.Milliseconds())
}

// settle finds out what became of a step whose end nobody recorded, and mends
// what it had half done. It reports whether the step has had its effect.
func (r *runner) settle(ctx context.Context, i int) (settled bool, err error) {
	step := r.plan.Steps[i]
	if step.Recover == nil {
		return false, nil
	}
	done, err := r.holds(ctx, step.Recover.Done)
	if err != nil {
		return false, err
	}
	if !done {
		if err := r.mend(ctx, i); err != nil {
			return false, err
		}
		if done, err = r.holds(ctx, step.Recover.Done); err != nil || !done {
			return false, err
		}
	}
	r.event(schema.Event{Name: "step-done", Step: i + 1, Message: step.SQL})
	now := time.Now()
	return true, r.recordAlone(ctx, timed{step: i, began: now, ended: now})
}

// mend runs the statement for what a step had half done.
func (r *runner) mend(ctx context.Context, i int) error {
	how := r.plan.Steps[i].Recover
	if how.Half == "" {
		return nil
	}
	half, err := r.holds(ctx, how.Half)
	if err != nil || !half {
		return err
	}
	if _, err := r.conn.Exec(ctx, setLockTimeout(0)); err != nil {
		return fmt.Errorf("setting lock_timeout: %w", err)
	}
	r.watch.patience(0)
	defer r.watch.during(i, 1)()
	if _, err := r.conn.Exec(ctx, how.Mend); err != nil {
		return &StepError{Step: i + 1, SQL: how.Mend, Undone: r.done == 0, Err: err}
	}
	return nil
}

// holds evaluates a condition of the plan; unknown is false.
func (r *runner) holds(ctx context.Context, condition string) (bool, error) {
	var holds *bool
	if err := r.conn.QueryRow(ctx, "SELECT "+condition, pgx.QueryExecModeExec).Scan(&holds); err != nil {
		return false, fmt.Errorf("looking at what an interrupted step left: %w", err)
	}
	return holds != nil && *holds, nil
}

// takeBack mends what a step that the server refused had half done, and returns
// the error of the step, unless the mending did the rest of it. After an interrupt
// this has little time; what is left then, and after a lost connection, is for the
// next run.
func (r *runner) takeBack(ctx context.Context, t timed, failed *StepError) error {
	how := r.plan.Steps[t.step].Recover
	if pg.Code(failed.Err) == "" || r.conn.IsClosed() {
		return failed
	}
	if ctx.Err() != nil {
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
		defer cancel()
		ctx = short
	}
	if how != nil {
		if err := r.mend(ctx, t.step); err != nil {
			failed.Next = "the step stopped halfway: run the same command again, or " + how.Mend
			return failed
		}
		done, err := r.holds(ctx, how.Done)
		switch {
		case err != nil:
			return failed // the step's own error is the one to report
		case done:
			return r.recordAlone(ctx, t)
		}
	}
	r.doubt = false
	r.recordFailure(ctx, t, failed.Err)
	return failed
}
