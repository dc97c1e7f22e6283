package pgtest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// contest is a plan that is applied while another session is in the way.
type contest struct {
	from, to string
	hold     string // what the other session does, and keeps until it is released
	late     string // what it does besides when a step without a transaction starts
	request  cairn.ApplyRequest
	listen   func(schema.Event) // hears of every event, may be nil
}

// start plans, has the other session take its locks, and applies. It returns
// what the run said, how to release the locks, and the error to come.
func (c *contest) start(t *testing.T, major int) (target string, waits *atomic.Int64, release func(), done <-chan error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "to.sql")
	if err := os.WriteFile(file, []byte(c.to), 0o644); err != nil {
		t.Fatal(err)
	}
	target = clusters.Load(t, major, c.from)
	waits = &atomic.Int64{}
	other := pgtest.Connect(t, target)
	o := pgtest.ServerOptions()
	engine := cairn.New(cairn.Options{Getenv: o.Getenv, CacheDir: o.CacheDir, DataDir: o.DataDir, Events: func(e schema.Event) {
		if e.Name == "wait" && strings.Contains(e.Message, "trying again in") {
			waits.Add(1)
		}
		if c.late != "" && e.Name == "step-start" && c.request.Plan.Steps[e.Step-1].NoTx {
			if _, err := other.Exec(t.Context(), c.late); err != nil {
				t.Error(err)
			}
		}
		if c.listen != nil {
			c.listen(e)
		}
	}})
	t.Cleanup(func() { _ = engine.Close(context.Background()) })
	c.request.Target.Database = target
	var err error
	c.request.Plan, err = engine.Plan(t.Context(), cairn.PlanRequest{Target: c.request.Target, Desired: file,
		Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}})
	if err != nil {
		t.Fatal(err)
	}
	// The server takes its time to end the session that planned, and a role can be
	// limited to one.
	for left := c.request.Target.User != ""; left; time.Sleep(10 * time.Millisecond) {
		if err := other.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1)", c.request.Target.User).Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.PgConn().Exec(t.Context(), "BEGIN; "+c.hold).ReadAll(); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 1)
	go func() {
		_, err := engine.Apply(t.Context(), c.request)
		errs <- err
	}()
	return target, waits, func() {
		t.Helper()
		if _, err := other.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
	}, errs
}

func eachVersion(t *testing.T, test func(*testing.T, int)) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) { test(t, major) })
	}
}

// A transaction that does not get its lock is tried again until it does.
func TestLockRetried(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		_, waits, release, done := (&contest{
			from: "CREATE TABLE t (a integer)", to: "CREATE TABLE t (a integer, b integer)", hold: "LOCK TABLE t IN ACCESS SHARE MODE",
			request: cairn.ApplyRequest{LockTimeout: 50 * time.Millisecond},
		}).start(t, major)
		for waits.Load() == 0 {
			select {
			case err := <-done:
				t.Fatalf("apply ended before the lock was released: %v", err)
			case <-time.After(10 * time.Millisecond):
			}
		}
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// One try is what a negative time allows.
func TestLockTriedOnce(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		_, waits, release, done := (&contest{
			from: "CREATE TABLE t (a integer)", to: "CREATE TABLE t (a integer, b integer)", hold: "LOCK TABLE t IN ACCESS SHARE MODE",
			request: cairn.ApplyRequest{LockTimeout: 50 * time.Millisecond, RetryFor: -1},
		}).start(t, major)
		defer release()
		var lock *cairn.LockError
		if err := <-done; !errors.As(err, &lock) || !lock.Undone || waits.Load() > 0 {
			t.Errorf("apply says %v after %d waits", err, waits.Load())
		}
	})
}

// With strong locks on several tables, the waits together stay below the time
// after which the server looks for deadlocks.
func TestLockOfSeveral(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		const p = "CREATE TABLE p (a integer PRIMARY KEY); "
		_, _, release, done := (&contest{
			from: p + "CREATE TABLE t (a integer)", to: p + "CREATE TABLE t (a integer REFERENCES p)", hold: "LOCK TABLE p IN ROW EXCLUSIVE MODE",
			request: cairn.ApplyRequest{LockTimeout: time.Minute, RetryFor: -1},
		}).start(t, major)
		defer release()
		var lock *cairn.LockError
		if err := <-done; !errors.As(err, &lock) || !strings.Contains(lock.What, "did not get its lock within 500ms: ") {
			t.Errorf("apply says %v", err)
		}
	})
}

// What conflicts with a change and not with readers and writers, such as a
// vacuum, is waited for in a way that they do not queue behind.
func TestLockBehindVacuum(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		target, _, release, done := (&contest{
			from: "CREATE TABLE t (a integer)", to: "CREATE TABLE t (a integer, b integer)", hold: "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE",
		}).start(t, major)
		observer := pgtest.Connect(t, target)
		for modes := []string(nil); len(modes) == 0; time.Sleep(10 * time.Millisecond) {
			if err := observer.QueryRow(t.Context(), "SELECT array_agg(mode) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass").Scan(&modes); err != nil {
				t.Fatal(err)
			}
			if len(modes) > 0 && modes[0] != "ShareUpdateExclusiveLock" {
				t.Errorf("apply waits for %v", modes)
			}
		}
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A statement outside of a transaction waits for the transactions before it.
func TestLockAlone(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		target, waits, release, done := (&contest{
			from: "CREATE TABLE t (a integer)", to: "CREATE TABLE t (a integer); CREATE INDEX i ON t (a)", hold: "INSERT INTO t VALUES (1)",
			request: cairn.ApplyRequest{LockTimeout: 20 * time.Millisecond},
		}).start(t, major)
		observer := pgtest.Connect(t, target)
		for waiting := false; !waiting; time.Sleep(10 * time.Millisecond) {
			if err := observer.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
	AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock' AND now() - query_start > interval '200 ms')`).Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-done:
				t.Fatalf("apply ended before the transaction did: %v", err)
			default:
			}
		}
		release()
		if err := <-done; err != nil || waits.Load() > 0 {
			t.Errorf("apply says %v after %d waits", err, waits.Load())
		}
	})
}

// The invalid index of a build that failed is dropped.
func TestFailedIndexDropped(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		target, _, release, done := (&contest{
			from: "CREATE TABLE t (a integer); INSERT INTO t VALUES (0)", to: `CREATE TABLE t (a integer); CREATE INDEX "I ( 1" ON t ((1 / a))`, hold: "SELECT 1",
		}).start(t, major)
		defer release()
		var step *cairn.StepError
		if err := <-done; !errors.As(err, &step) || step.Hint() != "" {
			t.Errorf("apply says %v", err)
		}
		var left int
		if err := pgtest.Connect(t, target).QueryRow(t.Context(), "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass").Scan(&left); err != nil || left > 0 {
			t.Errorf("%d indexes are left, %v", left, err)
		}
	})
}

// A detachment that a time limit ended in its second transaction is finished.
func TestPendingDetachment(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		target, _, release, done := detachment("LOCK TABLE ONLY t IN ACCESS SHARE MODE").start(t, major)
		defer release()
		if err := <-done; err != nil {
			t.Error(err)
		}
		pgtest.Exec(t, target, "DROP TABLE p")
	})
}

func detachment(hold string) *contest {
	const table = "CREATE TABLE t (a integer) PARTITION BY LIST (a); CREATE TABLE p "
	return &contest{from: table + "PARTITION OF t FOR VALUES IN (1)", to: table + "(a integer)", hold: hold,
		request: cairn.ApplyRequest{StatementTimeout: 500 * time.Millisecond}}
}

// One that cannot be finished is for the user to finish, in words that run, or
// for the same plan.
func TestPendingDetachmentLeft(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		contest := detachment("SELECT")
		contest.late = "LOCK TABLE ONLY p IN ACCESS SHARE MODE"
		target, _, release, done := contest.start(t, major)
		err := <-done
		release()
		var step *cairn.StepError
		var stopped *cairn.StoppedError
		if !errors.As(err, &step) || !errors.As(err, &stopped) {
			t.Fatalf("apply says %v", err)
		}
		_, finish, _ := strings.Cut(step.Hint(), "the same command again, or ")
		if !strings.HasSuffix(finish, " FINALIZE") {
			t.Fatalf("the error is %v, its hint %q", err, step.Hint())
		}
		pgtest.Exec(t, target, finish)
		engine := pgtest.NewEngine(t)
		if _, err := engine.Apply(t.Context(), contest.request); err != nil {
			t.Error(err)
		}
	})
}
