package apply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// The pause after a try without its locks doubles from the first to the last of
// these, and is varied so that two runs do not meet again and again.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 10 * time.Second
)

// shortestWait is the least that a transaction with many locks waits for each.
const shortestWait = 100 * time.Millisecond

// runSegment runs the steps [first, last) in one transaction, or the one step
// that cannot have a transaction without. A transaction that does not get its
// locks is rolled back, so that whoever queued behind it goes on, and is tried
// again later.
func (r *runner) runSegment(ctx context.Context, first, last int) error {
	if r.plan.Steps[first].NoTx {
		return r.runAlone(ctx, first)
	}
	deadline, pause := time.Now().Add(r.options.RetryFor), firstPause
	for tries := 1; ; tries++ {
		err := r.try(ctx, first, last)
		var waited *waitError
		if !errors.As(err, &waited) {
			return err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return &LockError{What: waited.what(r.plan, tries), Undone: first == 0}
		}
		delay := min(pause/2+rand.N(pause), left)
		r.event(schema.Event{Name: "wait", Step: waited.step + 1,
			Message: fmt.Sprintf("%s; trying again in %.1f s", waited.what(r.plan, 1), delay.Seconds())})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
		}
		pause = min(2*pause, lastPause)
	}
}

// waitError says that a step of a segment did not get a lock.
type waitError struct {
	step  int
	limit time.Duration
	err   error
}

func (e *waitError) Error() string { return e.err.Error() }

// what says which step waited for what.
func (e *waitError) what(p *schema.Plan, tries int) string {
	step := p.Steps[e.step]
	text := fmt.Sprintf("step %d did not get its lock within %s", e.step+1, e.limit)
	if pg.IsDeadlock(e.err) {
		text = fmt.Sprintf("step %d and another session waited for each other", e.step+1)
	}
	if tries > 1 {
		text += fmt.Sprintf(", in %d tries", tries)
	}
	return text + ": " + step.SQL
}

func isWait(err error) bool { return pg.IsLockTimeout(err) || pg.IsDeadlock(err) }

// try runs the transaction once. Its error is a *waitError when it did not get a
// lock.
func (r *runner) try(ctx context.Context, first, last int) error {
	if err := r.clear(ctx, first, last); err != nil {
		return err
	}
	limit := r.limit(first, last)
	tx, err := r.conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	_, err = tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", limit.Milliseconds()))
	i := first
	for ; err == nil && i < last; i++ {
		err = r.runStep(ctx, i, first > 0)
	}
	if err != nil {
		rollback, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = tx.Rollback(rollback) // the server rolls back a broken session by itself
	} else if err = tx.Commit(ctx); err != nil {
		err = fmt.Errorf("committing steps %d to %d: %w", first+1, last, err)
	}
	if isWait(err) {
		return &waitError{step: max(i-1, first), limit: limit, err: err}
	}
	return err
}

// limit returns how long the transaction waits for each lock. While it waits,
// others queue behind it, and behind the locks that it has: what it waits in all
// stays below lock_timeout. With several locks it also stays below
// deadlock_timeout, after which the server could break a deadlock by ending a
// statement of another session instead of ours.
func (r *runner) limit(first, last int) time.Duration {
	held, waits := map[string]kind.Lock{}, 0
	for _, s := range r.plan.Steps[first:last] {
		for _, l := range s.Locks {
			if lock := kind.Lock(l.Lock); lock.BlocksWrites() && lock.Strength() > held[l.Relation].Strength() {
				held[l.Relation] = lock
				waits++
			}
		}
	}
	most := r.options.LockTimeout
	if waits < 2 {
		return most
	}
	return max(min(most, r.deadlockTimeout)/time.Duration(waits), min(most, shortestWait))
}

// clear waits until nothing is at work on the relations of the segment that its
// locks conflict with and a reader or writer does not: another change, or a
// vacuum, which an automatic one leaves for it. Readers and writers do not queue
// behind this wait; manual, chapter 13.3.1.
func (r *runner) clear(ctx context.Context, first, last int) error {
	var refs []string
	for _, s := range r.plan.Steps[first:last] {
		for _, l := range s.Locks {
			ref, known := r.refs[l.Relation]
			if known && kind.Lock(l.Lock).Strength() >= kind.ShareUpdateExclusive.Strength() && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	if len(refs) == 0 {
		return nil
	}
	// An automatic vacuum is told to end after deadlock_timeout.
	limit := max(r.options.LockTimeout, r.deadlockTimeout+500*time.Millisecond)
	_, err := r.conn.PgConn().Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d; LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE",
		limit.Milliseconds(), strings.Join(refs, ", ONLY "))).ReadAll()
	switch {
	case isWait(err):
		return &waitError{step: first, limit: limit, err: err}
	case pg.Code(err) != "": // not for this role or this sort of relation: the steps wait for themselves
		return nil
	}
	return err
}

// runStep runs one statement. Whether its error is about a lock is for the
// caller to say.
func (r *runner) runStep(ctx context.Context, i int, committed bool) error {
	step := r.plan.Steps[i]
	r.event(schema.Event{Name: "step-start", Step: i + 1, Message: step.SQL})
	start := time.Now()
	if _, err := r.conn.Exec(ctx, step.SQL); err != nil {
		return &StepError{Step: i + 1, SQL: step.SQL, Undone: !committed, Err: err}
	}
	r.event(schema.Event{Name: "step-done", Step: i + 1, Message: step.SQL, Elapsed: time.Since(start)})
	return nil
}

// runAlone runs a step outside of a transaction. Such a statement waits for the
// transactions that were there before it, and keeps nobody waiting meanwhile, so
// nothing limits its wait.
func (r *runner) runAlone(ctx context.Context, i int) error {
	before, err := r.leftovers(ctx, i)
	if err != nil {
		return err
	}
	if err := r.setLockTimeout(ctx, 0); err != nil {
		return err
	}
	err = r.runStep(ctx, i, i > 0)
	var failed *StepError
	if errors.As(err, &failed) {
		r.cleanUp(ctx, i, before, failed)
		return failed
	}
	return r.setLockTimeout(ctx, r.options.LockTimeout)
}

func (r *runner) setLockTimeout(ctx context.Context, limit time.Duration) error {
	if _, err := r.conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", limit.Milliseconds())); err != nil {
		return fmt.Errorf("setting lock_timeout: %w", err)
	}
	return nil
}

// leftover is what a statement outside of a transaction leaves when it fails.
type leftover struct {
	Name   string // of the invalid index, "" for a partition
	Finish string // the statement that ends what is pending
}

// leftovers returns the invalid indexes that have the name of the one that a step
// builds, and the detachments of partitions that are pending.
func (r *runner) leftovers(ctx context.Context, i int) ([]leftover, error) {
	rows, err := r.conn.Query(ctx, `SELECT format('%I.%I', n.nspname, c.relname), '' FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
	JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT x.indisvalid AND strpos($1, ' ' || quote_ident(c.relname) || ' ON ') > 0
UNION ALL SELECT '', format('ALTER TABLE %s DETACH PARTITION %s FINALIZE', inhparent::regclass, inhrelid::regclass)
FROM pg_inherits WHERE inhdetachpending ORDER BY 1, 2`, r.plan.Steps[i].SQL)
	if err != nil {
		return nil, fmt.Errorf("looking for what is not finished: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[leftover])
	if err != nil {
		return nil, fmt.Errorf("looking for what is not finished: %w", err)
	}
	return found, nil
}

// cleanUpLimit is how long cleaning up after a failed step may take. It goes on
// when the run was interrupted.
const cleanUpLimit = 5 * time.Second

// cleanUp drops the invalid index that a failed build left. What it cannot undo,
// the error says.
func (r *runner) cleanUp(ctx context.Context, i int, before []leftover, failed *StepError) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	if pg.Code(failed.Err) == "" || r.conn.IsClosed() {
		failed.Next = "the statement ran outside of a transaction: look for an invalid index, or for a partition to be detached " +
			"with ALTER TABLE ... DETACH PARTITION ... FINALIZE"
		return
	}
	after, err := r.leftovers(ctx, i)
	if err != nil {
		return // the step's own error is the one to report
	}
	for _, l := range after {
		switch {
		case slices.Contains(before, l):
		case l.Finish != "":
			failed.Next = "finish it with " + l.Finish + ", then run cairn plan again"
		default:
			if _, err := r.conn.Exec(ctx, "DROP INDEX CONCURRENTLY "+l.Name); err != nil {
				failed.Next = "drop the invalid index: DROP INDEX CONCURRENTLY " + l.Name
			}
		}
	}
}
