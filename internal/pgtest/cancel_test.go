package pgtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// A canceled context ends the statement in the server and leaves the connection,
// whatever it goes through.
func TestCanceled(t *testing.T) {
	for _, major := range pgtest.Versions() {
		n := pgtest.NewNetwork(t, major, "host all all 127.0.0.1/32 trust\n")
		a := pgtest.NewAuthority(t, "authority")
		n.Secure(t, a, "localhost")
		for name, dsn := range map[string]string{
			"socket": n.URL,
			"tcp":    "host=127.0.0.1 user=postgres dbname=app sslmode=disable port=" + n.Port,
			"tls":    "host=localhost user=postgres dbname=app sslmode=verify-full port=" + n.Port + " sslrootcert=" + a.Root,
		} {
			t.Run(name, func(t *testing.T) {
				conn, err := pg.Connect(t.Context(), dsn, pg.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close(context.Background())
				var tls bool
				if err := conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&tls); err != nil || tls != (name == "tls") {
					t.Fatalf("the connection has TLS: %v, %v", tls, err)
				}
				if _, err := conn.Exec(t.Context(), "BEGIN; CREATE TABLE public.t (a integer); SELECT pg_advisory_lock(7)"); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				canceled := make(chan error)
				go func() {
					_, err := conn.Exec(ctx, "SELECT pg_sleep(60)")
					canceled <- err
				}()
				observer := pgtest.Connect(t, n.URL)
				sleeping := func() (n int) {
					if err := observer.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").Scan(&n); err != nil {
						t.Fatal(err)
					}
					return n
				}
				for sleeping() == 0 {
					time.Sleep(10 * time.Millisecond)
				}
				cancel()
				if err := <-canceled; !pg.IsCanceled(err) || pg.Code(err) != "57014" {
					t.Errorf("got %v", err)
				}
				if sleeping() != 0 {
					t.Error("the statement goes on in the server")
				}
				for _, sql := range []string{"ROLLBACK", "SELECT pg_advisory_unlock(7)", "CREATE TABLE public.t (a integer); DROP TABLE t"} {
					if _, err := conn.Exec(t.Context(), sql); err != nil {
						t.Errorf("%s: %v", sql, err)
					}
				}
			})
		}
	}
}

// An interrupted run rolls back, and drops what a build outside of a transaction
// left or says how to.
func TestApplyInterrupted(t *testing.T) {
	for _, test := range []struct {
		name, to, hold, waits string
		dropped               bool // the index of the build, because nobody holds the table any more
	}{
		{"in a transaction", "CREATE TABLE t (a integer, b integer)", "SELECT FROM t", "Lock", false},
		{"outside of one", "CREATE TABLE t (a integer); CREATE INDEX i ON t (a)", "INSERT INTO t VALUES (1)", "Lock", false},
		{"building", "CREATE FUNCTION slow(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(60); RETURN 1; END'; " +
			"CREATE TABLE t (a integer); CREATE INDEX i ON t (slow(a))", "SELECT 1", "PgSleep", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			major := pgtest.Versions()[0]
			target := clusters.Load(t, major, "CREATE TABLE t (a integer); INSERT INTO t VALUES (0)")
			engine := pgtest.NewEngine(t)
			plan, err := engine.Plan(t.Context(), cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: writeFile(t, test.to), Prove: cairn.NoProof})
			if err != nil {
				t.Fatal(err)
			}
			holder := pgtest.Connect(t, target)
			if _, err := holder.Exec(t.Context(), "BEGIN; "+test.hold); err != nil {
				t.Fatal(err)
			}
			ctx, interrupt := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				_, err := engine.Apply(ctx, cairn.ApplyRequest{Target: cairn.Connection{Database: target}, Plan: plan, LockTimeout: time.Minute})
				done <- err
			}()
			observer := pgtest.Connect(t, target)
			for waiting := false; !waiting; time.Sleep(10 * time.Millisecond) {
				if err := observer.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^cairn [0-9]+/'
	AND $1 IN (wait_event, wait_event_type))`, test.waits).Scan(&waiting); err != nil {
					t.Fatal(err)
				}
			}
			interrupt()
			err = <-done
			var step *cairn.StepError
			if !pg.IsCanceled(err) || !errors.As(err, &step) {
				t.Errorf("apply says %v", err)
			}
			var sessions, locks, indexes int
			if err := observer.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^cairn [0-9]+/' AND state <> 'idle'),
	(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), (SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass)`).Scan(&sessions, &locks, &indexes); err != nil {
				t.Fatal(err)
			}
			if sessions+locks > 0 {
				t.Errorf("%d sessions and %d advisory locks are left", sessions, locks)
			}
			if named := strings.Contains(step.Hint(), "DROP INDEX CONCURRENTLY"); named != (indexes > 0) || test.dropped && named {
				t.Errorf("%d indexes are left, and the hint is %q", indexes, step.Hint())
			}
		})
	}
}
