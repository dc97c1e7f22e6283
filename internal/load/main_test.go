package load

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/server"
)

var testServer *server.Server // the tests' own server

func TestMain(m *testing.M) {
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withServer runs the tests on whichever supported version is at hand: what is
// tested here is the same on all of them.
func withServer(run func() int) (int, error) {
	ctx := context.Background()
	o := server.Options{Getenv: os.Getenv, CacheDir: server.DefaultCacheDir(os.Getenv)}
	binaries, err := server.Find(ctx, 0, o)
	if err != nil {
		return 0, err
	}
	testServer, err = server.Start(ctx, binaries, server.Config{}, o)
	if err != nil {
		return 0, err
	}
	code := run()
	return code, testServer.Stop(ctx)
}

// parseAndRun runs sources on a database.
func parseAndRun(ctx context.Context, conn *pgx.Conn, sources []Source, o Options) (Result, error) {
	script, err := Parse(sources, o)
	if err != nil {
		return Result{}, err
	}
	return script.Run(ctx, conn, nil)
}

var databases atomic.Int32

// newDatabase returns a connection to an empty database.
func newDatabase(t testing.TB) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, testServer.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx)
	name := fmt.Sprintf("t%d", databases.Add(1))
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, testServer.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}
