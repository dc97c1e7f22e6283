package pgtest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// Pair is a change to be planned and run.
type Pair struct {
	Major     int
	From, To  string // SQL text
	Target    string // URL of a database that holds From; "" loads it
	Seed      string // run on the target after From
	Selection cairn.Selection
	Undumped  bool   // do not compare what pg_dump prints
	Level     string // run on both databases before pg_dump compares them
}

// Converge loads From with the server alone, plans the way to To, applies it,
// and demands what every plan owes: the next plan is empty, and pg_dump sees no
// difference to a database into which the server loaded To alone. It returns
// the plan.
func (c *Clusters) Converge(t testing.TB, p Pair) *schema.Plan {
	t.Helper()
	target := p.Target
	if target == "" {
		target = c.Load(t, p.Major, p.From)
	}
	if p.Seed != "" {
		Exec(t, target, p.Seed)
	}
	watch := newLockWatch(t, target)
	engine := NewListeningEngine(t, watch.event)
	file := filepath.Join(t.TempDir(), "to.sql")
	if err := os.WriteFile(file, []byte(p.To), 0o644); err != nil {
		t.Fatal(err)
	}
	desired := file
	if strings.TrimSpace(p.To) == "" {
		desired = cairn.Empty
	}
	request := cairn.PlanRequest{
		Target: cairn.Connection{Database: target}, Desired: desired,
		Selection: p.Selection,
	}
	if p.Major != slices.Max(Versions()) {
		request.Prove = cairn.NoProof // once is enough for a machine
	}
	if !p.Selection.Roles && !p.Selection.Database { // they need a server that has nothing else
		request.Scratch.Shadow = c.Shadow(t, p.Major)
	}
	plan := ApplyWhole(t, engine, request)
	watch.compare(plan)
	if p.Undumped {
		return plan
	}
	if p.Level != "" {
		Exec(t, target, p.Level)
	}
	want := c.Printed(t, p.Major, p.To+p.Level)
	if diff := cmp.Diff(want, c.Dump(t, target)); diff != "" {
		t.Errorf("pg_dump differs (-psql +cairn):\n%s\nplan:\n%s", diff, steps(plan))
	}
	return plan
}

// RoundTrip dumps a database, loads the dump with the server alone, and demands
// an empty difference and an equal pg_dump.
func (c *Clusters) RoundTrip(t *testing.T, major int, sql string) {
	t.Helper()
	c.Reload(t, major, c.Load(t, major, sql), "")
}

// Reload is RoundTrip of a database that is there. The settings are statements
// that the session runs before it loads the dump.
func (c *Clusters) Reload(t *testing.T, major int, source, settings string) {
	t.Helper()
	engine := NewEngine(t)
	files, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: cairn.Connection{Database: source}})
	if err != nil {
		t.Fatal(err)
	}
	text := settings + "SET check_function_bodies = off;\n"
	for _, f := range files {
		text += f.Text
	}
	copied := c.Load(t, major, text)
	plan, err := engine.Diff(t.Context(), cairn.DiffRequest{From: copied, To: source})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Steps {
		t.Errorf("the loaded dump differs: %s", s.SQL)
	}
	if diff := cmp.Diff(c.Dump(t, source), c.Dump(t, copied)); diff != "" {
		t.Errorf("pg_dump differs (-source +copy):\n%s", diff)
	}
}

// Apply plans and applies, and fails the test with the plan when it cannot.
func Apply(t testing.TB, engine *cairn.Engine, request cairn.PlanRequest) *schema.Plan {
	t.Helper()
	plan, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatalf("planning: %v", err)
	}
	_, err = engine.Apply(t.Context(), cairn.ApplyRequest{Target: request.Target, Plan: plan, AllowDestructive: true})
	if err != nil {
		left := "none"
		if again, planErr := engine.Plan(t.Context(), request); planErr == nil {
			left = steps(again)
		}
		t.Fatalf("applying: %v\nplan:\n%s\nwhat is left:\n%s", err, steps(plan), left)
	}
	return plan
}

// ApplyWhole plans and applies, and demands that the next plan is empty.
func ApplyWhole(t testing.TB, engine *cairn.Engine, request cairn.PlanRequest) *schema.Plan {
	t.Helper()
	plan := Apply(t, engine, request)
	again, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatalf("planning again: %v", err)
	}
	if len(again.Steps) > 0 {
		t.Errorf("the second plan is not empty:\n%s\nafter the first:\n%s", steps(again), steps(plan))
	}
	return plan
}

// NewEngine returns an engine that the end of the test closes.
func NewEngine(t testing.TB) *cairn.Engine {
	t.Helper()
	return NewListeningEngine(t, nil)
}

// NewListeningEngine returns an engine that tells the listener what it does.
func NewListeningEngine(t testing.TB, listener func(schema.Event)) *cairn.Engine {
	t.Helper()
	engine := cairn.New(cairn.Options{Getenv: os.Getenv, CacheDir: ServerOptions().CacheDir, Events: listener})
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	})
	return engine
}

// Printed returns what pg_dump prints of a database into which the server
// alone loaded the text.
func (c *Clusters) Printed(t testing.TB, major int, sql string) string {
	t.Helper()
	if text, ok := c.printed.Load(printedKey{major, sql}); ok {
		return text.(string)
	}
	return c.print(t, major, sql, c.Load(t, major, sql))
}

// LoadPrinted is Load of both texts, and remembers what Printed returns for the
// second.
func (c *Clusters) LoadPrinted(t testing.TB, major int, prelude, sql string) string {
	t.Helper()
	url := c.Load(t, major, prelude+sql)
	c.print(t, major, sql, url)
	return url
}

func (c *Clusters) print(t testing.TB, major int, sql, url string) string {
	t.Helper()
	text := c.Dump(t, url)
	c.printed.Store(printedKey{major, sql}, text)
	return text
}

type printedKey struct {
	major int
	sql   string
}

// Load returns the URL of a new database into which the server alone loaded the
// text.
func (c *Clusters) Load(t testing.TB, major int, sql string) string {
	t.Helper()
	url := c.Database(t, major)
	if strings.TrimSpace(sql) != "" {
		Exec(t, url, sql)
	}
	return url
}

// PsqlText removes from a script what only psql understands: its commands.
func PsqlText(t testing.TB, script string) string {
	t.Helper()
	statements, err := pg.Split("script", script)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range statements {
		if s.Meta == "" && !s.Copy {
			b.WriteString(s.SQL + ";\n")
		}
	}
	return b.String()
}

// Tablespaces makes sure that the tablespaces exist on the server. The server
// makes their directories, below its own.
func (c *Clusters) Tablespaces(t testing.TB, major int, names ...string) {
	t.Helper()
	for _, name := range names {
		url := c.Server(t, major).URL("postgres")
		conn := Connect(t, url)
		var directory string
		var exists bool
		if err := conn.QueryRow(t.Context(), "SELECT current_setting('data_directory') || '/' || $1, EXISTS (SELECT FROM pg_tablespace WHERE spcname = $1)", name).
			Scan(&directory, &exists); err != nil {
			t.Fatal(err)
		}
		if !exists {
			Exec(t, url, "COPY (SELECT 1) TO PROGRAM "+pg.QuoteLiteral("mkdir '"+directory+"' && cat >/dev/null"))
			Exec(t, url, "CREATE TABLESPACE "+pg.QuoteIdent(name)+" LOCATION "+pg.QuoteLiteral(directory))
		}
	}
}

// Roles makes sure that the roles exist on the server.
func (c *Clusters) Roles(t testing.TB, major int, names ...string) {
	t.Helper()
	for _, name := range names {
		Exec(t, c.Server(t, major).URL("postgres"), "DO "+pg.QuoteLiteral("BEGIN CREATE ROLE "+pg.QuoteIdent(name)+
			"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END"))
	}
}
