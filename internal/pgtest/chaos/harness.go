// Package chaos lets faults happen while the program changes a database that is
// in use: it dies, loses its connection or its server, at a chosen message. Then
// the same command is run again, and what it leaves is looked at from outside.
package chaos

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/internal/server"
)

//go:embed testdata/*.sql
var files embed.FS

// Cases are the changes: from base.sql to the file of that name.
var Cases = []string{"columns", "keys", "indexes", "partitions"}

// text returns a file of testdata.
func text(name string) string {
	content, err := files.ReadFile("testdata/" + name + ".sql")
	if err != nil {
		panic(err) // it is compiled in
	}
	return string(content)
}

// database is the one that is changed, base the one that it is made from.
const (
	database = "app"
	base     = "base"
)

// limit is how long a process may take.
const limit = 3 * time.Minute

// Harness is a server of one version with the program in front of it.
type Harness struct {
	Major    int
	Server   *Server
	Proxy    *Proxy
	Program  *Program
	Counts   *Counts
	clusters *pgtest.Clusters
	dir      string
	plans    map[string]planned
	base     string // what pg_dump prints of the start

	mu    sync.Mutex
	noted []error
}

// planned is a change that was planned.
type planned struct {
	plan     string // file
	snapshot string // file with the desired state
	steps    int
	printed  string // by pg_dump, of the desired state
}

// New starts a server and makes the database with the rows. The desired states
// are made on the server of clusters. Whoever asked for it closes it.
func New(t testing.TB, clusters *pgtest.Clusters, program *Program, counts *Counts, major int) *Harness {
	t.Helper()
	o := pgtest.ServerOptions()
	b, err := server.Find(t.Context(), major, o)
	if err != nil {
		t.Fatalf("finding PostgreSQL %d: %v", major, err)
	}
	s, err := StartServer(t.Context(), b, o)
	if err != nil {
		t.Fatalf("starting PostgreSQL %d: %v", major, err)
	}
	h := &Harness{Major: major, Server: s, Program: program, Counts: counts, clusters: clusters, plans: map[string]planned{}}
	if h.Proxy, err = NewProxy(s.Socket); err == nil {
		h.dir, err = os.MkdirTemp("", "chaos-plans-")
	}
	if err != nil {
		t.Fatal(errors.Join(err, s.Close(context.Background())))
	}
	pgtest.Exec(t, s.URL("postgres"), "CREATE DATABASE "+base+" TEMPLATE template0")
	pgtest.Exec(t, s.URL(base), text("base"))
	pgtest.Exec(t, s.URL(base), text("rows"))
	pgtest.Exec(t, s.URL(base), "CHECKPOINT")
	h.base = clusters.Dump(t, s.URL(base))
	return h
}

// Close ends what the harness started.
func (h *Harness) Close(ctx context.Context) error {
	return errors.Join(h.Proxy.Close(), h.Server.Close(ctx), os.RemoveAll(h.dir))
}

// url returns where the database is, past the proxy.
func (h *Harness) url() string { return h.Server.URL(database) }

// dump returns the schema of the database as pg_dump prints it, without the
// journal.
func (h *Harness) dump(t testing.TB) string {
	t.Helper()
	return h.clusters.Dump(t, h.url(), "--exclude-schema=cairn")
}

// target returns what the program connects to.
func (h *Harness) target(user string) string {
	return "postgres://" + user + "@" + h.Proxy.Address() + "/" + database + "?sslmode=disable"
}

// Fresh makes the database anew.
func (h *Harness) Fresh(t testing.TB) {
	t.Helper()
	pgtest.Exec(t, h.Server.URL("postgres"), "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)")
	pgtest.Exec(t, h.Server.URL("postgres"), "CREATE DATABASE "+database+" TEMPLATE "+base)
}

// Snapshot writes the state that a text makes to a file, and returns what pg_dump
// prints of it.
func (h *Harness) Snapshot(t testing.TB, name, sql string) (file, printed string) {
	t.Helper()
	url := h.clusters.Load(t, h.Major, sql)
	file = filepath.Join(h.dir, name+".snapshot")
	h.run(t, 0, "snapshot", "-d", url, "--output", file)
	return file, h.clusters.Dump(t, url)
}

// plan returns the plan of a case, which is made once.
func (h *Harness) plan(t testing.TB, name string) planned {
	t.Helper()
	if p, ok := h.plans[name]; ok {
		return p
	}
	h.Fresh(t)
	var p planned
	p.snapshot, p.printed = h.Snapshot(t, name, text(name))
	p.plan = filepath.Join(h.dir, name+".json")
	h.run(t, 0, "plan", "-d", h.target("postgres"), "--file", "snapshot:"+p.snapshot, "--output-json", p.plan, "--no-prove")
	p.steps = steps(t, p.plan)
	h.plans[name] = p
	return p
}

// steps counts the steps of a plan file.
func steps(t testing.TB, file string) int {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var plan struct{ Steps []json.RawMessage }
	if err := json.Unmarshal(content, &plan); err != nil {
		t.Fatal(err)
	}
	return len(plan.Steps)
}

// run runs the program to its end and demands the exit code.
func (h *Harness) run(t testing.TB, want int, args ...string) Result {
	t.Helper()
	r := h.any(t, args...)
	if r.Exit != want {
		t.Fatalf("exit %d, want %d:\n%s", r.Exit, want, r)
	}
	return r
}

// any runs the program to its end.
func (h *Harness) any(t testing.TB, args ...string) Result {
	t.Helper()
	h.Counts.Processes.Add(1)
	r, err := h.Program.Run(limit, args...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// connect opens a session past the proxy.
func (h *Harness) connect(t testing.TB) *pgx.Conn {
	t.Helper()
	return pgtest.Connect(t, h.url())
}

// note keeps an error of what runs beside the test.
func (h *Harness) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noted = append(h.noted, err)
}

// notes fails the test with what was noted.
func (h *Harness) notes(t testing.TB) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, err := range h.noted {
		t.Errorf("beside the test: %v", err)
	}
	h.noted = nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// lines indents what several results say.
func lines(results []Result) string {
	var b strings.Builder
	for i, r := range results {
		fmt.Fprintf(&b, "run %d: %s\n", i+1, r)
	}
	return b.String()
}
