package pgtest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// pools are PgBouncer's modes, with enough sessions and with one.
var pools = []struct {
	mode, size string
	shared     bool
}{
	{"transaction", "5", true}, {"transaction", "1", true},
	{"statement", "5", true},
	{"session", "5", false}, {"session", "1", false},
}

// A session of the client's own is told from one that transactions share.
func TestOwnSession(t *testing.T) {
	major := pgtest.Versions()[len(pgtest.Versions())-1]
	direct := clusters.Database(t, major)
	never := func(context.Context) (*pgx.Conn, error) { return nil, errors.New("a second connection is opened") }
	if err := pg.OwnSession(t.Context(), pgtest.Connect(t, direct), never); err != nil {
		t.Errorf("without a pooler: %v", err)
	}
	for _, pool := range pools {
		t.Run(pool.mode+" "+pool.size, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Bouncer(t, clusters.Database(t, major), pool.mode, "default_pool_size = "+pool.size)
			connect := func(ctx context.Context) (*pgx.Conn, error) { return pg.Connect(ctx, url, pg.Options{Pooled: true}) }
			conn, err := connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.Background())
			err = pg.OwnSession(t.Context(), conn, connect)
			var pooler *pg.PoolerError
			switch {
			case pool.shared && !errors.As(err, &pooler):
				t.Errorf("got %v", err)
			case pool.shared && (!strings.Contains(err.Error(), "/.s.PGSQL.6432 is behind a pooler") || !strings.Contains(pooler.Hint(), "direct_url")):
				t.Errorf("got %v, hint %s", err, pooler.Hint())
			case !pool.shared && err != nil:
				t.Errorf("got %v", err)
			}
		})
	}
}

// Where other clients keep the pool busy, a shared session does not look like
// an own one.
func TestOwnSessionBusy(t *testing.T) {
	major := pgtest.Versions()[0]
	url := pgtest.Bouncer(t, clusters.Database(t, major), "transaction", "default_pool_size = 3")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	for range 4 {
		conn := pgtest.Connect(t, url)
		go func() {
			for ctx.Err() == nil {
				_, _ = conn.PgConn().Exec(context.Background(), "SELECT pg_sleep(0.002)").ReadAll()
			}
			done <- struct{}{}
		}()
	}
	for range 20 {
		connect := func(ctx context.Context) (*pgx.Conn, error) { return pg.Connect(ctx, url, pg.Options{Pooled: true}) }
		conn, err := connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var pooler *pg.PoolerError
		if err := pg.OwnSession(t.Context(), conn, connect); !errors.As(err, &pooler) {
			t.Errorf("got %v", err)
		}
		_ = conn.Close(context.Background())
	}
	stop()
	for range 4 {
		<-done
	}
}

const beforePool = `CREATE TYPE mood AS ENUM ('bad'); CREATE TABLE users (id integer PRIMARY KEY, name text, mood mood);
INSERT INTO users VALUES (1, NULL)`

const afterPool = `CREATE TYPE mood AS ENUM ('bad', 'good'); CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'bad');
CREATE VIEW names AS SELECT name FROM users;`

// Reading and planning work where each message can meet another session, and
// leave nothing in the sessions. Apply and shadows refuse such a pool.
func TestPooled(t *testing.T) {
	for _, major := range pgtest.Versions() {
		direct := clusters.Load(t, major, beforePool)
		pooled := pgtest.Bouncer(t, direct, "transaction", "default_pool_size = 3", "server_round_robin = 1")
		spread(t, pooled)
		engine := pgtest.NewEngine(t)
		desired := writeFile(t, afterPool)
		request := cairn.PlanRequest{Target: cairn.Connection{Database: pooled}, Desired: desired}
		plan, err := engine.Plan(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		finding(t, plan.Findings, "violation")
		viaServer := request
		viaServer.Prove = cairn.NoProof
		viaServer.Target.Database = direct
		same, err := engine.Plan(t.Context(), viaServer)
		if err != nil || steps(same) != steps(plan) || same.From != plan.From {
			t.Errorf("through the pooler the plan is\n%s\nand without\n%s%v", steps(plan), steps(same), err)
		}
		for _, from := range []string{pooled, direct} {
			if diff, err := engine.Diff(t.Context(), cairn.DiffRequest{From: from, To: pooled}); err != nil || len(diff.Steps) > 0 {
				t.Errorf("diff: %v\n%s", err, steps(diff))
			}
		}
		viaPool, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: request.Target, Split: true})
		if err != nil {
			t.Errorf("dump: %v", err)
		}
		viaNothing, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: viaServer.Target, Split: true})
		if d := cmp.Diff(viaNothing, viaPool); d != "" || err != nil {
			t.Errorf("dump: %v\n%s", err, d)
		}
		snapshot := "snapshot:" + filepath.Join(t.TempDir(), "s.json")
		text := takeSnapshot(t, engine, cairn.SnapshotRequest{Target: request.Target})
		if err := os.WriteFile(strings.TrimPrefix(snapshot, "snapshot:"), text, 0o644); err != nil {
			t.Fatal(err)
		}
		if diff, err := engine.Diff(t.Context(), cairn.DiffRequest{From: snapshot, To: direct}); err != nil || len(diff.Steps) > 0 {
			t.Errorf("snapshot: %v\n%s", err, steps(diff))
		}
		for _, check := range engine.Doctor(t.Context(), request) {
			if !check.OK {
				t.Errorf("doctor: %s: %s", check.Name, check.Message)
			}
		}
		refusesPool(t, engine, direct, request, plan.Database.Name)
		unchangedSessions(t, pooled)
	}
}

// refusesPool runs what needs a session of its own.
func refusesPool(t *testing.T, engine *cairn.Engine, direct string, request cairn.PlanRequest, database string) {
	t.Helper()
	pgtest.Exec(t, direct, "UPDATE users SET name = 'a'")
	plan, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var pooler *cairn.PoolerError
	if _, err := engine.Apply(t.Context(), cairn.ApplyRequest{Target: request.Target, Plan: plan}); !errors.As(err, &pooler) || pooler.Database != database {
		t.Errorf("apply: %v", err)
	}
	var changed, locks int
	conn := pgtest.Connect(t, direct)
	err = conn.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM pg_views WHERE viewname = 'names'), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')").Scan(&changed, &locks)
	if err != nil || changed != 0 || locks != 0 {
		t.Errorf("apply changed %d objects and left %d locks, %v", changed, locks, err)
	}
	for _, where := range []string{"target", request.Target.Database} {
		beside := request
		beside.Prove = cairn.NoProof
		beside.Scratch.Shadow = where
		if where != "target" {
			beside.Target.Database = direct
		}
		if _, err := engine.Plan(t.Context(), beside); !errors.As(err, &pooler) {
			t.Errorf("--shadow %s: %v", where, err)
		}
	}
	var left int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'cairn_shadow_%'").Scan(&left); err != nil || left > 0 {
		t.Errorf("%d scratch databases are left, %v", left, err)
	}
	request.Target.Database = pgtest.Bouncer(t, direct, "session", "default_pool_size = 1")
	if _, err := engine.Apply(t.Context(), cairn.ApplyRequest{Target: request.Target, Plan: plan}); err != nil {
		t.Errorf("apply through a pool of sessions: %v", err)
	}
}

// spread opens all sessions of a pool, so that PgBouncer goes round them.
func spread(t *testing.T, pooled string) {
	t.Helper()
	done := make(chan error)
	for range 3 {
		conn := pgtest.Connect(t, pooled)
		go func() {
			_, err := conn.PgConn().Exec(context.Background(), "SELECT pg_sleep(0.3)").ReadAll()
			done <- err
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	conn, seen := pgtest.Connect(t, pooled), map[string]bool{}
	for range 6 {
		results, err := conn.PgConn().Exec(t.Context(), "SELECT pg_backend_pid()").ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		seen[string(results[0].Rows[0][0])] = true
	}
	if len(seen) < 2 {
		t.Errorf("every transaction met the same session")
	}
}

// unchangedSessions looks for settings that a plan left for others.
func unchangedSessions(t *testing.T, pooled string) {
	t.Helper()
	conn := pgtest.Connect(t, pooled)
	for range 6 {
		results, err := conn.PgConn().Exec(t.Context(), `SELECT string_agg(name || '=' || setting, ' ') FROM pg_settings
WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding', 'TimeZone', 'DateStyle', 'standard_conforming_strings', 'search_path')
	OR name = 'search_path' AND setting <> '"$user", public'`).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if left := string(results[0].Rows[0][0]); left != "" {
			t.Errorf("a session of the pool has %s", left)
		}
	}
}
