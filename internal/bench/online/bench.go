package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/schema"
)

type config struct {
	rows, major   int
	only          string
	lockTimeout   time.Duration
	quiet, reader time.Duration
	log           func(format string, args ...any)
}

// bench is a running benchmark.
type bench struct {
	config
	server *server.Server
	admin  *pgx.Conn
	engine *cairn.Engine
	waits  int             // failed tries of the plan that runs
	times  []time.Duration // of its steps
	dir    string          // desired states
	made   map[string]bool
}

// run measures every change that is asked for.
func run(ctx context.Context, c config) (r *report, err error) {
	o := server.Options{Getenv: os.Getenv, CacheDir: server.DefaultCacheDir(os.Getenv), DataDir: server.DefaultDataDir(os.Getenv)}
	binaries, err := server.Find(ctx, c.major, o)
	if err != nil {
		return nil, err
	}
	b := &bench{config: c, made: map[string]bool{}}
	b.server, err = server.Start(ctx, binaries, server.Config{Settings: map[string]string{
		"autovacuum": "on", "autovacuum_naptime": "1s", "max_wal_size": "8GB", "shared_buffers": "512MB", "wal_level": "replica",
	}}, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.server.Stop(context.WithoutCancel(ctx))) }()
	b.engine = cairn.New(cairn.Options{Getenv: os.Getenv, Events: func(e schema.Event) {
		switch e.Name {
		case "wait":
			b.waits++
		case "step-done":
			b.times[e.Step-1] = e.Elapsed
		}
	}})
	defer func() { err = errors.Join(err, b.engine.Close(ctx)) }()
	if b.admin, err = connect(ctx, b.server.URL("postgres")); err != nil {
		return nil, err
	}
	defer b.admin.Close(context.WithoutCancel(ctx))
	if b.dir, err = os.MkdirTemp("", "cairn-bench"); err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	defer os.RemoveAll(b.dir)
	r = &report{Version: binaries.Version, Rows: c.rows, LockTimeout: c.lockTimeout}
	return r, b.all(ctx, r)
}

func (b *bench) all(ctx context.Context, r *report) error {
	for _, in := range scenarios() {
		for _, ch := range changes(b.rows) {
			if in.name != "" && !crowded(ch.name) || !strings.Contains(in.label(ch), b.only) {
				continue
			}
			result, err := b.compare(ctx, in, ch)
			if err != nil {
				return fmt.Errorf("%s: %w", in.label(ch), err)
			}
			b.log("%s: %s", result.Change, result)
			r.Results = append(r.Results, result)
		}
	}
	return nil
}

// compare measures the plain statements and the plan, each on a fresh copy.
func (b *bench) compare(ctx context.Context, in scenario, ch change) (*result, error) {
	r := &result{Change: in.label(ch)}
	plain := func(ctx context.Context, url string) error {
		conn, err := connect(ctx, url)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		for _, sql := range ch.plain {
			if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
				r.Plain.Error = err.Error() // it is measured all the same
				return nil
			}
		}
		return nil
	}
	if err := b.measure(ctx, in, ch, &r.Plain, plain); err != nil {
		return nil, fmt.Errorf("the plain statement: %w", err)
	}
	b.waits = 0
	ours := func(ctx context.Context, url string) error { return b.apply(ctx, ch, url, r) }
	if err := b.measure(ctx, in, ch, &r.Ours, ours); err != nil {
		return nil, fmt.Errorf("the plan: %w", err)
	}
	r.Tries = b.waits
	return r, nil
}

// apply plans and applies the change.
func (b *bench) apply(ctx context.Context, ch change, url string, r *result) error {
	file := filepath.Join(b.dir, "to.sql")
	desired := b.schema(ch) + ";\n" + strings.Join(ch.plain, ";\n")
	if err := os.WriteFile(file, []byte(desired), 0o644); err != nil {
		return fmt.Errorf("writing the desired state: %w", err)
	}
	target := cairn.Connection{Database: url}
	plan, err := b.engine.Plan(ctx, cairn.PlanRequest{Target: target, Desired: file,
		Selection: cairn.Selection{Decisions: cairn.Decisions{Renames: ch.renames}}})
	if err != nil {
		return err
	}
	if len(plan.Steps) == 0 {
		return errors.New("the plan is empty")
	}
	b.times = make([]time.Duration, len(plan.Steps))
	applied, err := b.engine.Apply(ctx, cairn.ApplyRequest{Target: target, Plan: plan, AllowDestructive: true, LockTimeout: b.lockTimeout})
	for i, s := range plan.Steps {
		r.Steps = append(r.Steps, fmt.Sprintf("%d: %s -- %s", s.Segment, s.SQL, short(b.times[i])))
	}
	if err != nil {
		r.Ours.Error = err.Error()
		return nil
	}
	r.Apply = applied.Elapsed
	return nil
}

// measure runs a change on a copy of its template under the workload.
func (b *bench) measure(ctx context.Context, in scenario, ch change, m *measurement, act func(context.Context, string) error) (err error) {
	if err := b.copyBase(ctx, ch); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.exec(context.WithoutCancel(ctx), "DROP DATABASE copy WITH (FORCE)")) }()
	url := b.server.URL("copy")
	limit := 2 * b.rows
	if ch.below > 0 {
		limit = limit / 100 * ch.below
	}
	w, err := startWorkload(ctx, url, limit)
	if err != nil {
		return err
	}
	defer w.end()
	time.Sleep(b.quiet / 3) // caches fill
	before := w.next()
	time.Sleep(b.quiet)
	m.Quiet = w.taken(before)
	release, err := in.begin(ctx, b, url)
	if err != nil {
		return err
	}
	defer release()
	during := w.next()
	start := time.Now()
	if err := act(ctx, url); err != nil {
		return err
	}
	m.Took = time.Since(start)
	time.Sleep(100 * time.Millisecond)
	w.end()
	m.During = *during
	return nil
}

// schema is the state before the change.
func (b *bench) schema(ch change) string {
	for _, base := range bases() {
		if base.name == ch.base {
			return base.schema(b.rows) + ch.setup
		}
	}
	return ""
}

// copyBase makes the database copy, and its template when it is the first.
func (b *bench) copyBase(ctx context.Context, ch change) error {
	if !b.made[ch.base] {
		b.log("loading %d rows into %s", b.rows, ch.base)
		if err := b.exec(ctx, "CREATE DATABASE "+ch.base+" TEMPLATE template0"); err != nil {
			return err
		}
		before := ch
		before.setup = ""
		load := b.schema(before) + "INSERT INTO accounts SELECT n, 'account ' || n, 0 FROM generate_series(1, 1000) n;\n" + insertRows("work", 1, b.rows)
		if err := script(ctx, b.server.URL(ch.base), load, "VACUUM ANALYZE work", "VACUUM ANALYZE accounts"); err != nil {
			return err
		}
		b.made[ch.base] = true
	}
	strategy := ""
	if b.major >= 15 {
		strategy = " STRATEGY FILE_COPY"
	}
	if err := b.exec(ctx, "CREATE DATABASE copy TEMPLATE "+ch.base+strategy); err != nil {
		return err
	}
	if ch.setup == "" {
		return nil
	}
	setup := ch.setup
	if ch.seed != nil {
		setup += ";" + ch.seed(b.rows)
	}
	return script(ctx, b.server.URL("copy"), setup)
}

func (b *bench) exec(ctx context.Context, sql string) error {
	if _, err := b.admin.Exec(ctx, sql); err != nil {
		return fmt.Errorf("running %s: %w", sql, err)
	}
	return nil
}

// script runs texts of SQL on a connection of their own.
func script(ctx context.Context, url string, texts ...string) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range texts {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("preparing the database: %w", err)
		}
	}
	return nil
}
