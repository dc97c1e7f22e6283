// Package apply runs a reviewed plan: it locks, verifies that the target is in
// the state that was reviewed, runs the steps, and confirms the result. The
// journal in the target says how far a run came, so that the next one goes on.
package apply

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/internal/store"
	"github.com/cairn-db/cairn/schema"
)

// Options says how a plan is run.
type Options struct {
	Server           int           // major version of the target
	LockTimeout      time.Duration // for the locks of a transaction
	RetryFor         time.Duration // how long a transaction that does not get its locks is tried again
	StatementTimeout time.Duration // 0: no limit
	IdleTimeout      time.Duration // after which the server ends a session that sits in a transaction; 0: no limit
	Wait             time.Duration // for another run on the same database to end
	Application      string        // name of the session, to which the number of the step is added
	Program          string        // version of cairn, for the journal
	Account          string        // user and host that it runs as and on, for the journal
	Undoes           int64         // the run that the plan takes back
	Verify           []Query       // that have to hold when the plan has run
	TerminateAfter   time.Duration // sessions that keep the run from one lock for so long are ended; 0: never
	Events           func(schema.Event)

	// Connect opens the session that watches the run. Without one, or when it
	// fails, the run goes on unwatched.
	Connect func(context.Context) (*pgx.Conn, error)
}

// Result is what a run did.
type Result struct {
	Run         int64 // its number in the journal, 0 when there was nothing to do
	Steps       int   // that this call ran
	Resumed     int   // that an earlier call had run
	Fingerprint string
	Elapsed     time.Duration // from the lock to the confirmation
	LongestWait time.Duration // for one lock, as far as it was seen
}

// RunEach runs one plan after the other on the session, up to the first that
// fails, and returns the results of those before it. No step is run when the target
// is where a plan leads already, and a run of the same plan that stopped is
// continued. Its errors are a *StaleError before the first statement, a *LockError
// when another session was in the way, a *StepError for a statement that failed, a
// *VerifyError for a query that does not hold and a *DivergedError when the target
// is not as promised at the end. One that leaves a part of a plan done is inside of
// a *StoppedError.
//
// No other run comes between the plans. What the target is like behind one is read
// once: it confirms that plan, and the next is verified with it. Before each plan
// begin is called with its place.
func RunEach(ctx context.Context, conn *pgx.Conn, kinds *kind.Set, plans []*schema.Plan, o Options, begin func(int)) (results []Result, err error) {
	last := &runner{}
	for i, p := range plans {
		begin(i)
		start := time.Now()
		r := &runner{conn: conn, journal: store.Journal{Conn: conn}, kinds: kinds, plan: p, options: o, watch: newWatcher(ctx, p, o),
			deadlockTimeout: last.deadlockTimeout, backend: last.backend, known: last.left}
		last.left = nil
		r.passes = i+1 < len(plans) && slices.Equal(scope.Options(p.Scope), scope.Options(plans[i+1].Scope))
		if i == 0 {
			unlock, err := r.openAndLock(ctx)
			if err != nil {
				r.watch.close()
				return nil, err
			}
			defer unlock()
		}
		result, err := r.run(ctx)
		if err != nil {
			return results, err
		}
		result.Elapsed = time.Since(start)
		results, last = append(results, result), r
	}
	return results, nil
}

func (r *runner) openAndLock(ctx context.Context) (unlock func(), err error) {
	if err := r.openSession(ctx); err != nil {
		return nil, err
	}
	return r.lock(ctx)
}

// run runs the plan in the session, which has the lock.
func (r *runner) run(ctx context.Context) (Result, error) {
	defer r.watch.close()
	if err := r.findRun(ctx); err != nil {
		return Result{}, err
	}
	if done, err := r.verify(ctx); err != nil || done {
		return Result{Fingerprint: r.plan.To}, err
	}
	if err := r.checkRows(ctx); err != nil {
		return Result{}, err
	}
	if err := r.begin(ctx); err != nil {
		return Result{}, err
	}
	first := r.done
	fingerprint, err := r.runAll(ctx)
	return Result{Run: r.record.ID, Steps: r.done - first, Resumed: first, Fingerprint: fingerprint, LongestWait: r.watch.longestWait()}, err
}

type runner struct {
	conn    *pgx.Conn
	journal store.Journal
	kinds   *kind.Set
	plan    *schema.Plan
	options Options
	watch   *watcher

	record schema.Run // in the journal
	done   int        // steps that are done
	doubt  bool       // the next one was started, and nobody recorded its end
	asked  bool       // the queries of Options.Verify hold

	known  *schema.State // all of the target, as the plan before has left it; nil when there was none
	passes bool          // the next plan is verified with what the target is then
	left   *schema.State // all of the target, for the next plan

	before          []*schema.Object  // what the plan changes, as it was verified
	refs            map[string]string // how statements address the relations that the plan locks, by the text of their ID
	deadlockTimeout time.Duration     // of the server
	backend         string            // process of the server that the session has
	version         int               // of the journal, 0 when there is none
}

// runAll runs the steps that are left, and confirms and records the end.
func (r *runner) runAll(ctx context.Context) (fingerprint string, err error) {
	for r.done < len(r.plan.Steps) {
		if err := r.runSegment(ctx, r.done, r.segmentEnd(r.done)); err != nil {
			return "", r.stop(ctx, err)
		}
	}
	if err := r.verifyAfter(ctx); err != nil {
		return "", r.stop(ctx, err)
	}
	fingerprint, err = r.confirm(ctx)
	var diverged *DivergedError
	if err != nil && !errors.As(err, &diverged) {
		return "", r.stop(ctx, err)
	}
	return fingerprint, errors.Join(err, r.finish(ctx, err))
}

// segmentEnd returns the step after the last one of the segment of a step.
func (r *runner) segmentEnd(first int) int {
	last := first
	for last < len(r.plan.Steps) && r.plan.Steps[last].Segment == r.plan.Steps[first].Segment {
		last++
	}
	return last
}

// checkRows refuses a plan that rows of the target would make fail.
func (r *runner) checkRows(ctx context.Context) error {
	left := *r.plan
	left.Steps = r.plan.Steps[r.done:]
	found, err := Violations(ctx, r.conn, &left)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(v Violation) bool { return v.Failed != nil })
	for i := range found {
		found[i].Step += r.done
	}
	if len(found) > 0 {
		return &ViolationError{Violations: found}
	}
	return nil
}

func (r *runner) event(e schema.Event) { r.watch.event(e) }
