package cli

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cairn-db/cairn/internal/pgtest"
)

var (
	clusters pgtest.Clusters
	update   = flag.Bool("update", false, "write golden files anew")
)

// suite stops the servers when the tests are done.
type suite struct{ m *testing.M }

func (s suite) Run() int { return clusters.Main(s.m) }

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"cairn": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop)
		os.Exit(Main(ctx, &Env{
			In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now, Version: "1.2.3",
		}, os.Args[1:]))
	}})
}

// TestScripts runs the transcripts. Each has a database of its own in $TARGET,
// and these commands beside those of testscript:
//
//	exits CODE COMMAND...  runs a command that has to end with that exit code
//	sql STATEMENTS         runs statements on the database
//	edit FILE OLD NEW      replaces a text in a file
//	truncate FILE          cuts a file in the middle
//	binary FILE            writes bytes that are no text
//	locked TABLE           holds a lock on the table until the script ends
func TestScripts(t *testing.T) { runScripts(t, "testdata") }

// TestClusterScripts runs those that change what all databases of a server
// share, which the others print.
func TestClusterScripts(t *testing.T) { runScripts(t, filepath.Join("testdata", "cluster")) }

func runScripts(t *testing.T, dir string) {
	major := slices.Max(pgtest.Versions())
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			return setUp(t, env, major)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "sql": runStatements(t), "edit": edit, "truncate": truncate, "binary": writeBinary, "locked": locked(t),
		},
	})
}

func setUp(t *testing.T, env *testscript.Env, major int) error {
	// The account that servers run as has to be able to enter the directory.
	data, err := os.MkdirTemp("", "cairn-test")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(data) })
	if err := os.Chmod(data, 0o755); err != nil {
		return err
	}
	env.Setenv("TMPDIR", os.Getenv("TMPDIR")) // where servers are kept in memory when nobody said so
	target := clusters.Database(t, major)
	env.Setenv("TARGET", target)
	env.Setenv("OTHER", clusters.Database(t, major))
	env.Setenv("MAJOR", strconv.Itoa(major))
	env.Setenv("CAIRN_DATA_DIR", data)
	env.Setenv("CAIRN_CACHE_DIR", pgtest.ServerOptions().CacheDir)
	fresh := filepath.Join(data, "cache") // with the servers that were fetched, and nothing else
	env.Setenv("FRESH_CACHE", fresh)
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(pgtest.ServerOptions().CacheDir, "postgres"), filepath.Join(fresh, "postgres")); err != nil {
		return err
	}
	env.Setenv("CAIRN_POSTGRES_BIN", os.Getenv("CAIRN_POSTGRES_BIN"))
	wrong, err := fakeServer(env, refusePassword)
	if err != nil {
		return err
	}
	newer, err := fakeServer(env, reportVersion("19.1"))
	env.Setenv("WRONG_PASSWORD", wrong)
	env.Setenv("NEWER", newer)
	return err
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed):
		code = failed.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, not %s", code, args[0])
	}
	if out := ts.ReadFile("stderr"); strings.Contains(out, "goroutine ") || strings.Contains(out, "panic:") {
		ts.Fatalf("a stack trace was printed")
	}
}

func runStatements(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		pgtest.Exec(t, ts.Getenv("TARGET"), strings.Join(args, " "))
	}
}

func edit(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o644))
}

func truncate(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text[:len(text)/2]), 0o644))
}

func writeBinary(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\x7fELF\x02\x01\x00\x00\xff\xfe';\x00$$\x80"), 0o644))
}

func locked(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		conn := pgtest.Connect(t, ts.Getenv("TARGET"))
		_, err := conn.Exec(context.Background(), "BEGIN; LOCK TABLE "+args[0]+" IN ACCESS SHARE MODE")
		ts.Check(err)
		ts.Defer(func() { _ = conn.Close(context.Background()) })
	}
}
