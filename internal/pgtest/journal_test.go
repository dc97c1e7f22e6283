package pgtest_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// applied plans and applies a change and returns what apply says.
func applied(t *testing.T, target cairn.Connection, major int, to string) error {
	t.Helper()
	engine := pgtest.NewEngine(t)
	plan, err := engine.Plan(t.Context(), cairn.PlanRequest{Target: target, Desired: writeFile(t, to), Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)},
		Prove: cairn.NoProof})
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Apply(t.Context(), cairn.ApplyRequest{Target: target, Plan: plan})
	return err
}

// Of two runs of one plan, the second waits while the first builds an index
// concurrently, which does not wait for it in turn; then nothing is left to do.
// One of another plan is stale by then.
func TestTwoRuns(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		const from, to = "CREATE TABLE t (a integer)", "CREATE TABLE t (a integer); CREATE INDEX i ON t (a)"
		other := pgtest.NewEngine(t)
		target := cairn.Connection{Database: clusters.Load(t, major, from)}
		stale, err := other.Plan(t.Context(), cairn.PlanRequest{Target: target, Desired: writeFile(t, "CREATE TABLE t (a integer, b integer)"),
			Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}, Prove: cairn.NoProof})
		if err != nil {
			t.Fatal(err)
		}
		holder := pgtest.Connect(t, target.Database)
		if _, err := holder.Exec(t.Context(), "BEGIN; INSERT INTO t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		first := pgtest.NewEngine(t)
		plan, err := first.Plan(t.Context(), cairn.PlanRequest{Target: target, Desired: writeFile(t, to), Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)},
			Prove: cairn.NoProof})
		if err != nil {
			t.Fatal(err)
		}
		began := make(chan struct{})
		var once atomic.Bool
		building := listening(t, func(e schema.Event) {
			if e.Name == schema.StepStart && once.CompareAndSwap(false, true) {
				close(began)
			}
		})
		results := make(chan error, 3)
		apply := func(engine *cairn.Engine, p *schema.Plan) {
			_, err := engine.Apply(context.WithoutCancel(t.Context()), cairn.ApplyRequest{Target: target, Plan: p})
			results <- err
		}
		go apply(building, plan)
		<-began
		waits := make(chan string, 16)
		waiting := listening(t, func(e schema.Event) {
			if e.Name == schema.Wait {
				waits <- e.Message
			}
		})
		same := make(chan *cairn.ApplyResult, 1)
		go func() {
			result, err := waiting.Apply(context.WithoutCancel(t.Context()), cairn.ApplyRequest{Target: target, Plan: plan})
			if err != nil {
				t.Error(err)
			}
			same <- result
		}()
		if said := <-waits; !strings.Contains(said, "another run of cairn is at work on this database: pid ") || !strings.Contains(said, "user postgres, application cairn") {
			t.Errorf("the second run says %q", said)
		}
		if _, err := other.Apply(t.Context(), cairn.ApplyRequest{Target: target, Plan: stale, Wait: -1}); !isLock(err) {
			t.Errorf("a run that does not wait says %v", err)
		}
		go apply(other, stale)
		if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		var failed []error
		for range 2 {
			if err := <-results; err != nil {
				failed = append(failed, err)
			}
		}
		var old *cairn.StaleError
		if len(failed) != 1 || !errors.As(failed[0], &old) {
			t.Errorf("the runs say %v", failed)
		}
		if result := <-same; result == nil || result.Steps != 0 {
			t.Errorf("the second run did %v", result)
		}
	})
}

func isLock(err error) bool {
	var lock *cairn.LockError
	return errors.As(err, &lock)
}

// listening returns an engine that tells of its events.
func listening(t *testing.T, listen func(schema.Event)) *cairn.Engine {
	o := pgtest.ServerOptions()
	engine := cairn.New(cairn.Options{Getenv: o.Getenv, CacheDir: o.CacheDir, DataDir: o.DataDir, Events: listen})
	t.Cleanup(func() { _ = engine.Close(context.Background()) })
	return engine
}

// A role that may not make the journal, or not write it, is told what it needs,
// and nothing is changed; with that, apply works.
func TestJournalRights(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		const to = "CREATE TABLE t (a integer, b integer)"
		url := clusters.Load(t, major, strings.Replace(limited(t, major, "without_rights", ""), "; CREATE SCHEMA cairn AUTHORIZATION without_rights", "", 1))
		target := cairn.Connection{Database: url, User: "without_rights"}
		run := func() error { return applied(t, target, major, to) }
		hint := func(err error) string {
			var hinted interface{ Hint() string }
			if !errors.As(err, &hinted) {
				t.Fatalf("apply says %v", err)
			}
			return hinted.Hint()
		}
		if said := hint(run()); !strings.Contains(said, "CREATE SCHEMA IF NOT EXISTS cairn AUTHORIZATION without_rights;") {
			t.Errorf("the hint is %q", said)
		}
		if err := applied(t, cairn.Connection{Database: url}, major, "CREATE TABLE t (a integer); CREATE TABLE u ()"); err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, url, "DROP TABLE u")
		_, grants, _ := strings.Cut(hint(run()), "made it: ")
		pgtest.Exec(t, url, grants)
		if err := run(); err != nil {
			t.Error(err)
		}
	})
}

// A schema with the name of the journal that is none, or one of a newer program,
// is left alone.
func TestJournalOfOthers(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		for sql, want := range map[string]string{
			"CREATE SCHEMA cairn; CREATE TABLE cairn.stones (a integer)":                                       "holds relations that are not the journal's",
			"CREATE SCHEMA cairn; CREATE TABLE cairn.journal AS SELECT 99 AS version; CREATE TABLE cairn.x ()": "use a newer cairn",
		} {
			url := clusters.Load(t, major, sql)
			err := applied(t, cairn.Connection{Database: url}, major, "CREATE TABLE t (a integer)")
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("apply says %v", err)
			}
			var there bool
			if err := pgtest.Connect(t, url).QueryRow(t.Context(), "SELECT to_regclass('t') IS NOT NULL").Scan(&there); err != nil || there {
				t.Errorf("the table is there: %v, %v", there, err)
			}
		}
	})
}

// The server's clock, not this machine's, is what the journal tells, and nothing
// depends on it: runs are found by their order. Nor does it count how the database
// prints times.
func TestJournalTimes(t *testing.T) {
	major := pgtest.Versions()[0]
	url := clusters.Load(t, major, `CREATE TABLE t (a integer);
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = German', current_database()); END $$`)
	target := cairn.Connection{Database: url}
	if err := applied(t, target, major, "CREATE TABLE t (a integer, b integer)"); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, "UPDATE cairn.run SET started = started + interval '1 year', ended = ended - interval '1 year'")
	if err := applied(t, target, major, "CREATE TABLE t (a integer, b integer, c integer)"); err != nil {
		t.Fatal(err)
	}
	runs, err := pgtest.NewEngine(t).History(t.Context(), target, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 || runs[0].ID < runs[1].ID || runs[0].State != schema.Done || runs[0].Done != 1 || runs[0].Ended.Sub(runs[0].Started) > time.Minute {
		t.Errorf("the journal has %+v", runs)
	}
}

// Steps that make something new share a message, and one that fails is told from
// those before it.
func TestStepOfMessageFails(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		url := clusters.Load(t, major, "")
		err := applied(t, cairn.Connection{Database: url}, major, `CREATE TABLE a (x integer); CREATE TABLE b (x integer);
CREATE MATERIALIZED VIEW m AS SELECT 1 / CASE WHEN current_setting('application_name') ~ '^cairn [0-9]+/' THEN 0 ELSE 1 END AS q;`)
		if err == nil || !strings.Contains(err.Error(), "step 3 failed: ERROR: division by zero (SQLSTATE 22012) (rolled back, nothing was changed)") {
			t.Errorf("apply says %v", err)
		}
		var trace string
		if err := pgtest.Connect(t, url).QueryRow(t.Context(), "SELECT string_agg(step || ' ' || outcome, ', ') FROM cairn.step").Scan(&trace); err != nil || trace != "3 failed" {
			t.Errorf("the journal has %q, %v", trace, err)
		}
	})
}
