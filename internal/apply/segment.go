package apply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/store"
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
			return &LockError{What: waited.what(r.plan, tries), Undone: r.done == 0, Blockers: waited.blockers}
		}
		delay := min(pause/2+rand.N(pause), left)
		r.event(schema.Event{Name: schema.Wait, Step: waited.step + 1, Sessions: waited.blockers,
			Message: fmt.Sprintf("%s%s; trying again in %.1f s", waited.what(r.plan, 1), blockedBy("; ", waited.blockers), delay.Seconds())})
		if err := sleep(ctx, delay); err != nil {
			return err
		}
		pause = min(2*pause, lastPause)
	}
}

// waitError says that a step of a segment did not get a lock.
type waitError struct {
	step     int
	limit    time.Duration
	err      error
	blockers []schema.Session // who had it, as far as it was seen
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
// lock. The record of the steps is committed with them.
func (r *runner) try(ctx context.Context, first, last int) error {
	if err := r.clear(ctx, first, last); err != nil {
		return err
	}
	limit := r.limit(first, last)
	r.watch.patience(limit)
	err := r.open(ctx, limit)
	var ran []timed
	for i := first; err == nil && i < last; i = first + len(ran) {
		var more []timed
		more, err = r.runMessage(ctx, i, r.messageEnd(i, last))
		ran = append(ran, more...)
	}
	if err == nil && last == len(r.plan.Steps) {
		err = r.verifyWithin(ctx)
	}
	if err == nil {
		err = r.commit(ctx, ran)
	}
	if err != nil {
		r.rollBack(ctx)
	}
	if isWait(err) {
		return &waitError{step: first + max(len(ran)-1, 0), limit: limit, err: err, blockers: r.watch.gaveUp(limit, err)}
	}
	var failed *StepError
	if errors.As(err, &failed) {
		r.recordFailure(ctx, ran[len(ran)-1], failed.Err)
	}
	if err == nil {
		r.done = last
	}
	return err
}

// open begins a transaction that waits for each lock as long as given.
func (r *runner) open(ctx context.Context, limit time.Duration) error {
	results, err := r.conn.PgConn().Exec(ctx, fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = %d; "+askBackend, limit.Milliseconds())).ReadAll()
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	return r.checkBackend(results)
}

// commit records the steps that ran, and commits them with the record. Whether
// that was done where no answer came, the journal says.
func (r *runner) commit(ctx context.Context, ran []timed) error {
	recorded, err := r.journal.Finished(ctx, r.record.ID, r.times(ran), "COMMIT")
	if err != nil {
		r.doubt = pg.Code(err) == "" && !pgconn.SafeToRetry(err)
	}
	if err != nil && recorded {
		return fmt.Errorf("committing steps %d to %d: %w", ran[0].step+1, ran[len(ran)-1].step+1, err)
	}
	return err
}

// rollBack leaves the transaction, where the connection has one still.
func (r *runner) rollBack(ctx context.Context) {
	if r.conn.IsClosed() || r.conn.PgConn().TxStatus() == 'I' {
		return // the server rolls back a broken session by itself
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
	defer cancel()
	if _, err := r.conn.Exec(ctx, "ROLLBACK"); err != nil {
		_ = r.conn.Close(ctx) // what is left of the transaction goes with the session
	}
}

// timed is a step and when it ran.
type timed struct {
	step         int // from 0
	began, ended time.Time
}

// times returns the steps as the journal takes them: how long ago by this
// machine's clock, because the server's can be another.
func (r *runner) times(ran []timed) []store.StepTime {
	var list []store.StepTime
	for _, t := range ran {
		list = append(list, store.StepTime{Step: t.step + 1, Hash: hash(r.plan.Steps[t.step]), Began: time.Since(t.began), Ended: time.Since(t.ended)})
	}
	return list
}

// recordFailure leaves word of a step that failed; the error itself is what
// matters to the caller.
func (r *runner) recordFailure(ctx context.Context, t timed, why error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
	defer cancel()
	if !r.conn.IsClosed() {
		_ = r.journal.Failed(ctx, r.record.ID, r.times([]timed{t})[0], why)
	}
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
	r.watch.patience(limit)
	end := r.watch.during(first, 1)
	_, err := r.conn.PgConn().Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d; LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE",
		limit.Milliseconds(), strings.Join(refs, ", ONLY "))).ReadAll()
	end()
	switch {
	case isWait(err):
		return &waitError{step: first, limit: limit, err: err, blockers: r.watch.gaveUp(limit, err)}
	case pg.Code(err) != "" && !pg.IsConnection(err) && ctx.Err() == nil: // not for this role or this sort of relation: the steps wait for themselves
		return nil
	}
	return err
}
