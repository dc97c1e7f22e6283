package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// runAlone runs a step outside of a transaction. Such a statement waits for the
// transactions that were there before it, and keeps nobody waiting meanwhile, so
// nothing limits its wait. That it begins is recorded before, so that a later run
// knows that it may have had its effect.
func (r *runner) runAlone(ctx context.Context, i int) error {
	if err := r.checkBackend(ctx); err != nil {
		return err
	}
	if r.doubt {
		if settled, err := r.settle(ctx, i); err != nil || settled {
			return err
		}
	}
	if err := r.journal.Started(ctx, r.run.ID, i+1, hash(r.plan.Steps[i])); err != nil {
		return err
	}
	r.doubt = true
	r.watch.patience(0)
	r.longTransactions(ctx, i)
	if err := r.setLockTimeout(ctx, 0); err != nil {
		return err
	}
	step := timed{step: i, began: time.Now()}
	err := r.runStep(ctx, i)
	step.ended = time.Now()
	var failed *StepError
	if errors.As(err, &failed) {
		err = r.takeBack(ctx, step, failed)
	} else if err == nil {
		err = r.recordAlone(ctx, step)
	}
	if err != nil {
		return err
	}
	return r.setLockTimeout(ctx, r.options.LockTimeout)
}

// recordAlone records that a step has had its effect; an interrupt leaves time
// for that.
func (r *runner) recordAlone(ctx context.Context, t timed) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
	defer cancel()
	if err := r.journal.Finished(ctx, r.run.ID, r.times([]timed{t})); err != nil {
		return err
	}
	r.done, r.doubt = t.step+1, false
	return nil
}

func (r *runner) setLockTimeout(ctx context.Context, limit time.Duration) error {
	if _, err := r.conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", limit.Milliseconds())); err != nil {
		return fmt.Errorf("setting lock_timeout: %w", err)
	}
	return nil
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
	if err := r.setLockTimeout(ctx, 0); err != nil {
		return err
	}
	r.watch.patience(0)
	defer r.watch.during(i)()
	if _, err := r.conn.Exec(ctx, how.Mend); err != nil {
		return &StepError{Step: i + 1, SQL: how.Mend, Undone: r.done == 0, Err: err}
	}
	return nil
}

// holds evaluates a condition of the plan; unknown is false.
func (r *runner) holds(ctx context.Context, condition string) (bool, error) {
	var holds *bool
	if err := r.conn.QueryRow(ctx, "SELECT "+condition).Scan(&holds); err != nil {
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
