package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// An interrupt between two transactions ends the statement in the server, and the
// command that is printed goes on.
func TestInterruptedRunGoesOn(t *testing.T) {
	target := clusters.Load(t, slices.Max(pgtest.Versions()), "CREATE TABLE t (a integer)")
	file := filepath.Join(t.TempDir(), "to.sql")
	if err := os.WriteFile(file, []byte("CREATE TABLE t (a integer, b integer); CREATE INDEX i ON t (b)"), 0o644); err != nil {
		t.Fatal(err)
	}
	holder := pgtest.Connect(t, target)
	// A snapshot and no lock: only the build of the index waits for it.
	if _, err := holder.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	observer := pgtest.Connect(t, target)
	go func() {
		for building := false; !building && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			_ = observer.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'cairn 2/2'
	AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock')`).Scan(&building)
		}
		interrupt()
	}()
	run := func(ctx context.Context, args ...string) (int, string) {
		var out, problems bytes.Buffer
		env := &Env{In: strings.NewReader(""), Out: &out, Err: &problems, Getenv: os.Getenv, Now: time.Now}
		code := Main(ctx, env, args)
		return code, problems.String()
	}
	code, said := run(ctx, "apply", "-d", target, "--file", file, "--auto-approve", "--no-prove")
	if code != exitInterrupted {
		t.Errorf("the exit code is %d", code)
	}
	found := regexp.MustCompile(`(?m)^error: interrupted: run 1 stopped after 1 of 2 steps\nhint: .*go on with cairn (apply --auto-approve --db .* --resume);`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("it says %s", said)
	}
	// A build that was not cancelled would wait for the holder for ever.
	sessions := 1
	for deadline := time.Now().Add(20 * time.Second); sessions > 0; time.Sleep(10 * time.Millisecond) {
		err := observer.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^cairn '").Scan(&sessions)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d sessions are left, %v", sessions, err)
		}
	}
	if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if code, said := run(t.Context(), strings.Fields(strings.ReplaceAll(found[1], "'", ""))...); code != exitDone {
		t.Errorf("going on ends with %d: %s", code, said)
	}
	if code, said := run(t.Context(), "plan", "-d", target, "--file", file, "--exit-code"); code != exitDone {
		t.Errorf("the next plan ends with %d: %s", code, said)
	}
}
