// Package apply runs a reviewed plan: it locks, verifies that the target is in
// the state that was reviewed, runs the steps, and confirms the result.
package apply

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/schema"
)

// lockKey is the advisory lock that all runs on one database share: the bytes
// of "cairn".
const lockKey = 0x636169726e

// Options says how a plan is run.
type Options struct {
	Server           int           // major version of the target
	LockTimeout      time.Duration // for the locks of a transaction
	RetryFor         time.Duration // how long a transaction that does not get its locks is tried again
	StatementTimeout time.Duration // 0: no limit
	Wait             time.Duration // for another run on the same database to end
	TerminateAfter   time.Duration // sessions that keep the run from one lock for so long are ended; 0: never
	Events           func(schema.Event)

	// Connect opens the session that watches the run. Without one, or when it
	// fails, the run goes on unwatched.
	Connect func(context.Context) (*pgx.Conn, error)
}

// Result is what a run did.
type Result struct {
	Steps       int
	Fingerprint string
	LongestWait time.Duration // for one lock, as far as it was seen
}

// Run runs the plan on the session; no step is run when the target is where the
// plan leads already. Its errors are a *StaleError before the
// first statement, a *LockError when another session was in the way, a
// *StepError for a statement that failed and a *DivergedError when the target
// is not as promised at the end.
func Run(ctx context.Context, conn *pgx.Conn, kinds *kind.Set, p *schema.Plan, o Options) (Result, error) {
	r := runner{conn: conn, kinds: kinds, plan: p, options: o, watch: newWatcher(ctx, p, o)}
	defer r.watch.close()
	if err := r.lock(ctx); err != nil {
		return Result{}, err
	}
	defer r.unlock()
	if done, err := r.verify(ctx); err != nil || done {
		return Result{Fingerprint: p.To}, err
	}
	found, err := Violations(ctx, conn, p)
	if err != nil {
		return Result{}, err
	}
	if found = slices.DeleteFunc(found, func(v Violation) bool { return v.Failed != nil }); len(found) > 0 {
		return Result{}, &ViolationError{Violations: found}
	}
	if err := r.configure(ctx); err != nil {
		return Result{}, err
	}
	for first := 0; first < len(p.Steps); {
		last := first
		for last < len(p.Steps) && p.Steps[last].Segment == p.Steps[first].Segment {
			last++
		}
		if err := r.runSegment(ctx, first, last); err != nil {
			return Result{Steps: first}, err
		}
		first = last
	}
	fingerprint, err := r.confirm(ctx)
	return Result{Steps: len(p.Steps), Fingerprint: fingerprint, LongestWait: r.watch.longestWait()}, err
}

type runner struct {
	conn    *pgx.Conn
	kinds   *kind.Set
	plan    *schema.Plan
	options Options
	watch   *watcher

	refs            map[string]string // how statements address the objects of the target, by the text of their ID
	deadlockTimeout time.Duration     // of the server
}

// lock takes the advisory lock by trying. A session that waited for it inside
// the server would hold a snapshot, and concurrent index builds of the other
// run would wait for that in turn.
func (r *runner) lock(ctx context.Context) error {
	deadline := time.Now().Add(r.options.Wait)
	for told := false; ; {
		var locked bool
		if err := r.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&locked); err != nil {
			return fmt.Errorf("taking the advisory lock: %w", err)
		}
		if locked {
			return nil
		}
		if time.Now().After(deadline) {
			return &LockError{What: "another cairn run holds the advisory lock of this database", Undone: true}
		}
		if !told {
			r.event(schema.Event{Name: schema.Wait, Message: "waiting for another cairn run on this database"})
			told = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200*time.Millisecond + rand.N(200*time.Millisecond)):
		}
	}
}

// unlock gives the lock back also after the run was interrupted; a lost
// connection has given it back already.
func (r *runner) unlock() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if !r.conn.IsClosed() {
		_, _ = r.conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(lockKey))
	}
}

// read returns the managed part of the target, before or after the steps ran.
func (r *runner) read(ctx context.Context, ran bool) (*schema.State, error) {
	state, err := catalog.Read(ctx, r.conn, r.kinds, catalog.Options{Server: r.options.Server, With: scope.Options(r.plan.Scope), LockTimeout: r.options.LockTimeout})
	if pg.IsLockTimeout(err) {
		return nil, &LockError{What: fmt.Sprintf("reading the target waited %s for a lock of another session", r.options.LockTimeout), Undone: !ran}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the target: %w", err)
	}
	return state, scope.Limit(r.kinds, r.plan.Scope, state)
}

// verify demands the state that was reviewed. It reports whether the target is
// where the plan leads already.
func (r *runner) verify(ctx context.Context) (done bool, err error) {
	state, err := r.read(ctx, false)
	if err != nil {
		return false, err
	}
	actual := state.Fingerprint()
	switch {
	case actual == r.plan.From:
		r.refs = map[string]string{}
		for id := range state.Objects {
			r.refs[id.String()] = r.kinds.Ref(id)
		}
		return false, nil
	case plan.Fingerprint(r.kinds, state, r.plan.Printed) == r.plan.To:
		return true, nil
	default:
		return false, &StaleError{Expected: r.plan.From, Actual: actual, Changed: Changed(r.plan.Objects, plan.Pins(state))}
	}
}

func (r *runner) confirm(ctx context.Context) (string, error) {
	state, err := r.read(ctx, true)
	if err != nil {
		return "", err
	}
	actual := plan.Fingerprint(r.kinds, state, r.plan.Printed)
	if actual != r.plan.To {
		return actual, &DivergedError{Expected: r.plan.To, Actual: actual}
	}
	return actual, nil
}

// configure sets what every transaction of the run needs. Bodies of functions
// are not looked into: what they name may come later.
func (r *runner) configure(ctx context.Context) error {
	_, err := r.conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d; SET statement_timeout = %d; SET check_function_bodies = off",
		r.options.LockTimeout.Milliseconds(), r.options.StatementTimeout.Milliseconds()))
	if err != nil {
		return fmt.Errorf("configuring the session: %w", err)
	}
	var milliseconds int64
	if err := r.conn.QueryRow(ctx, "SELECT setting::bigint FROM pg_settings WHERE name = 'deadlock_timeout'").Scan(&milliseconds); err != nil {
		return fmt.Errorf("reading deadlock_timeout: %w", err)
	}
	r.deadlockTimeout = time.Duration(milliseconds) * time.Millisecond
	return nil
}

func (r *runner) event(e schema.Event) { r.watch.event(e) }

// Changed describes the objects whose pins differ. What came or went with the
// object that it is a part of goes without saying.
func Changed(planned, actual []schema.Pin) []string {
	hashes := map[string]string{}
	for _, p := range planned {
		hashes[p.Object] = p.Hash
	}
	var names []string
	for _, p := range actual {
		hash, known := hashes[p.Object]
		if !known {
			names = append(names, p.Object+" (added)")
		} else if hash != p.Hash {
			names = append(names, p.Object+" (changed)")
		}
		delete(hashes, p.Object)
	}
	for _, p := range planned {
		if _, left := hashes[p.Object]; left {
			names = append(names, p.Object+" (dropped)")
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, path, _ := strings.Cut(name, ":")
		return slices.ContainsFunc(names, func(whole string) bool {
			_, prefix, _ := strings.Cut(whole, ":")
			prefix, verb, _ := strings.Cut(prefix, " (")
			return verb != "changed)" && strings.HasPrefix(path, prefix+".") && strings.HasSuffix(path, " ("+verb)
		})
	})
}
