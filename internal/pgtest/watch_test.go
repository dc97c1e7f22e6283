package pgtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// heard keeps the events of a run, which come one after the other.
type heard chan schema.Event

func newHeard() heard { return make(heard, 10000) }

func (h heard) listen(e schema.Event) { h <- e }

// until returns the next event of the name, and fails when there is none.
func (h heard) until(t *testing.T, name string) schema.Event {
	t.Helper()
	for said := ""; ; {
		select {
		case e := <-h:
			if e.Name == name {
				return e
			}
			said += e.Name + ": " + e.Message + "\n"
		case <-time.After(20 * time.Second):
			t.Fatalf("there was no event %q, but\n%s", name, said)
		}
	}
}

// rest returns the events of a run that has ended.
func (h heard) rest() []schema.Event {
	close(h)
	var all []schema.Event
	for e := range h {
		all = append(all, e)
	}
	return all
}

func named(events []schema.Event, name string) []schema.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e schema.Event) bool { return e.Name != name })
}

const (
	narrow = "CREATE TABLE t (a integer)"
	wide   = "CREATE TABLE t (a integer, b integer)"
)

// Who keeps a step from its lock is named, and no password of theirs.
func TestBlockerNamed(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		events := newHeard()
		_, _, release, done := (&contest{
			from: narrow, to: wide, listen: events.listen,
			hold:    "SET LOCAL application_name = 'psql'; CREATE ROLE never PASSWORD 'hunter2'; LOCK TABLE t IN ACCESS SHARE MODE",
			request: cairn.ApplyRequest{LockTimeout: 2 * time.Second, RetryFor: -1},
		}).start(t, major)
		defer release()
		blocked := events.until(t, schema.Blocked)
		err := <-done
		var lock *cairn.LockError
		if !errors.As(err, &lock) || len(lock.Blockers) != 1 {
			t.Fatalf("apply says %v", err)
		}
		want := regexp.MustCompile(`(?s)nothing was changed\)\nblocked by pid [0-9]+: user postgres, application psql, idle in transaction for [0-9.]+s, last query: BEGIN; SET LOCAL application_name = 'psql'; CREATE ROLE never PASSWORD \.\.\.$`)
		if !want.MatchString(err.Error()) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error is %v", err)
		}
		if len(blocked.Sessions) != 1 || blocked.Sessions[0].PID != lock.Blockers[0].PID || blocked.Sessions[0].State != "idle in transaction" ||
			blocked.Sessions[0].Type != "client backend" || blocked.Waited <= 0 || !strings.HasPrefix(blocked.Message, "step 1 waits for a lock, blocked by pid ") {
			t.Errorf("blocked says %+v", blocked)
		}
		text, err := json.Marshal(blocked)
		if err != nil || !regexp.MustCompile(`"waited_ms":[0-9.]+`).Match(text) || !regexp.MustCompile(`"transaction_age_ms":[0-9.]+`).Match(text) {
			t.Errorf("the event is %s, %v", text, err)
		}
	})
}

// A prepared transaction has no session and is named, and never ended.
func TestPreparedTransactionNamed(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		gid := fmt.Sprintf("it's %d", major)
		events := newHeard()
		target, _, release, done := (&contest{
			from: narrow, to: wide, listen: events.listen, hold: fmt.Sprintf("INSERT INTO t VALUES (1); PREPARE TRANSACTION '%s'", strings.ReplaceAll(gid, "'", "''")),
			request: cairn.ApplyRequest{LockTimeout: 2 * time.Second, RetryFor: -1, TerminateBlockersAfter: time.Millisecond},
		}).start(t, major)
		defer release()
		defer pgtest.Exec(t, target, "ROLLBACK PREPARED '"+strings.ReplaceAll(gid, "'", "''")+"'")
		err := <-done
		var lock *cairn.LockError
		if !errors.As(err, &lock) || len(lock.Blockers) != 1 || lock.Blockers[0].Prepared != gid || lock.Blockers[0].PID != 0 ||
			!regexp.MustCompile(`blocked by prepared transaction 'it''s [0-9]+': user postgres, [0-9.]+s old$`).MatchString(err.Error()) {
			t.Errorf("apply says %v", err)
		}
		if refused := named(events.rest(), schema.NotTerminated); len(refused) != 1 || !strings.Contains(refused[0].Message, "ROLLBACK PREPARED") {
			t.Errorf("%v", refused)
		}
	})
}

// A session is ended when that was asked for.
func TestBlockerTerminated(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		events := newHeard()
		_, _, _, done := (&contest{
			from: narrow, to: wide, listen: events.listen, hold: "LOCK TABLE t IN ACCESS SHARE MODE",
			request: cairn.ApplyRequest{LockTimeout: 300 * time.Millisecond, TerminateBlockersAfter: 400 * time.Millisecond},
		}).start(t, major)
		terminated := events.until(t, schema.Terminated)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if len(terminated.Sessions) != 1 || !regexp.MustCompile(`^terminated after step 1 was kept from a lock for [0-9.]+m?s: pid [0-9]+: user postgres`).MatchString(terminated.Message) {
			t.Errorf("%+v", terminated)
		}
	})
}

// The statement of a step outside of a transaction is freed in the same way, and
// only of the transaction that it waits for.
func TestBlockerOfIndexTerminated(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	events := newHeard()
	target, _, _, done := (&contest{
		from: narrow, to: narrow + "; CREATE INDEX i ON t (a)", listen: events.listen, hold: "INSERT INTO t VALUES (1)",
		request: cairn.ApplyRequest{TerminateBlockersAfter: 100 * time.Millisecond},
	}).start(t, major)
	bystander := pgtest.Connect(t, target)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := bystander.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if terminated := named(events.rest(), schema.Terminated); len(terminated) != 1 {
		t.Errorf("%v", terminated)
	}
}

// A session of another run is not ended.
func TestOtherRunNotTerminated(t *testing.T) {
	events := newHeard()
	_, _, release, done := (&contest{
		from: narrow, to: wide, listen: events.listen, hold: "SET LOCAL application_name = 'cairn'; LOCK TABLE t IN ACCESS SHARE MODE",
		request: cairn.ApplyRequest{TerminateBlockersAfter: time.Millisecond},
	}).start(t, slices.Max(pgtest.Versions()))
	if said := events.until(t, schema.NotTerminated); !strings.HasPrefix(said.Message, "not terminated, as it is a run of cairn: pid ") {
		t.Error(said.Message)
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// limited makes a role that may log in, and returns the statement that makes the
// table t its own.
func limited(t *testing.T, major int, name, attributes string) (owned string) {
	t.Helper()
	url := clusters.Server(t, major).URL("postgres")
	pgtest.Exec(t, url, "CREATE ROLE "+name+" LOGIN "+attributes)
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), url)
		if err == nil {
			_, err = conn.Exec(context.Background(), "DROP ROLE "+name)
			_ = conn.Close(context.Background())
		}
		if err != nil {
			t.Error(err)
		}
	})
	return narrow + "; ALTER TABLE t OWNER TO " + name + "; CREATE SCHEMA cairn AUTHORIZATION " + name // for the journal
}

// A role that may not end the session says so once, and goes on trying.
func TestTerminationRefused(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	for i, c := range []struct{ attributes, want string }{{"", "pg_read_all_stats"}, {"IN ROLE pg_read_all_stats, pg_signal_backend", "superuser"}} {
		role := fmt.Sprintf("may_not_end_%d", i)
		events := newHeard()
		_, _, release, done := (&contest{
			from: limited(t, major, role, c.attributes), to: wide, listen: events.listen, hold: "LOCK TABLE t IN ACCESS SHARE MODE",
			request: cairn.ApplyRequest{Target: cairn.Connection{User: role}, LockTimeout: 2 * time.Second, RetryFor: -1,
				TerminateBlockersAfter: time.Millisecond},
		}).start(t, major)
		err := <-done
		release()
		var lock *cairn.LockError
		if !errors.As(err, &lock) || len(lock.Blockers) != 1 || lock.Blockers[0].User != "postgres" {
			t.Errorf("apply says %v", err)
		}
		all := events.rest()
		refused := named(all, schema.NotTerminated)
		if len(refused) != 1 || !strings.Contains(strings.ToLower(refused[0].Message), c.want) || len(named(all, schema.Terminated)) > 0 {
			t.Errorf("%q: %v", c.attributes, refused)
		}
	}
}

// Without a second connection the run goes on, and says so once.
func TestWatcherRefused(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	events := newHeard()
	_, _, release, done := (&contest{
		from: limited(t, major, "only_one", "CONNECTION LIMIT 1"), to: wide, listen: events.listen, hold: "LOCK TABLE t IN ACCESS SHARE MODE",
		request: cairn.ApplyRequest{Target: cairn.Connection{User: "only_one"}, LockTimeout: 200 * time.Millisecond},
	}).start(t, major)
	said := events.until(t, schema.Unwatched)
	if !strings.Contains(said.Message, "too many connections") {
		t.Error(said.Message)
	}
	events.until(t, schema.Wait)
	events.until(t, schema.Wait)
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if more := named(events.rest(), schema.Unwatched); len(more) > 0 {
		t.Errorf("%v", more)
	}
}

// A role that logs in and acts as another one sees as much.
func TestWatcherOfMember(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	events := newHeard()
	from := limited(t, major, "owner", "")
	limited(t, major, "deployer", "IN ROLE owner")
	pgtest.Exec(t, clusters.Server(t, major).URL("postgres"), "ALTER ROLE deployer SET role = 'owner'")
	_, _, release, done := (&contest{
		from: from, to: wide, listen: events.listen, hold: "LOCK TABLE t IN ACCESS SHARE MODE",
		request: cairn.ApplyRequest{Target: cairn.Connection{User: "deployer"}},
	}).start(t, major)
	events.until(t, schema.Blocked)
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// held is an index expression that waits for a lock of another session.
const held = narrow + `;
CREATE FUNCTION held(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN $1; END';`

// The progress of an index build is told, between its start and its end.
func TestProgressOfIndex(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		events := newHeard()
		_, _, release, done := (&contest{
			from: held + "INSERT INTO t VALUES (1)", to: held + "CREATE INDEX i ON t (public.held(a))",
			listen: events.listen, hold: "SELECT pg_advisory_xact_lock(7)",
		}).start(t, major)
		events.until(t, schema.StepStart)
		for {
			e := events.until(t, schema.StepProgress)
			if e.Step != 1 || e.Steps != 1 || e.Elapsed <= 0 {
				t.Errorf("%+v", e)
			}
			if p := e.Progress; p != nil && p.Phase == "building index: scanning table" && p.Unit == "blocks" {
				if p.Total != 1 {
					t.Errorf("%+v", p)
				}
				break
			}
		}
		release()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if all := events.rest(); len(all) == 0 || all[len(all)-1].Name != schema.StepDone {
			t.Errorf("%v", all)
		}
	})
}

// A transaction that a statement has to wait for is told of before it begins, and
// by the build while it waits.
func TestLongTransactions(t *testing.T) {
	eachVersion(t, func(t *testing.T, major int) {
		events := newHeard()
		_, _, release, done := (&contest{
			from: narrow, to: narrow + "; CREATE INDEX i ON t (a)", listen: events.listen,
			hold: "SET LOCAL application_name = 'report'; INSERT INTO t VALUES (1); SELECT pg_sleep(3)",
		}).start(t, major)
		var order []string
		var said schema.Event
		for e := range events {
			if e.Step > 0 && e.Name != schema.StepProgress {
				order = append(order, e.Name)
			}
			if e.Name == schema.LongTransactions {
				said = e
			}
			if e.Name == schema.Blocked {
				break
			}
		}
		if len(said.Sessions) != 1 || said.Sessions[0].Application != "report" || said.Sessions[0].Age < 3*time.Second {
			t.Fatalf("%+v", said)
		}
		waits := func(p *schema.Progress) bool { // the phase is there before the session
			return p != nil && strings.HasPrefix(p.Phase, "waiting for writers") && p.Unit == "transactions" && p.PID == said.Sessions[0].PID
		}
		for !waits(events.until(t, schema.StepProgress).Progress) {
		}
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if strings.Join(order, " ") != "long-transactions step-start blocked" {
			t.Errorf("the events are %q", order)
		}
	})
}
