package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/bench/schemas"
	"github.com/cairn-db/cairn/internal/pgtest/clients"
	"github.com/cairn-db/cairn/internal/server"
)

type config struct {
	sizes         []int
	rounds, major int
	tenants       int
	tenantTables  int            // 0 for what a tenant usually has
	latency       time.Duration  // of the remote server, each way
	only          *regexp.Regexp // of the names of what is measured, nil for all
	cairn         string         // path of the binary, "" to build it
	log           func(format string, args ...any)
}

const (
	tablesPerTenant = 40
	largestBuilt    = 5000 // larger schemas are only read
)

// bench is a running benchmark.
type bench struct {
	config
	server *server.Server
	admin  *pgx.Conn
	meter  *meter
	dir    string   // of files and of the processes
	dump   []string // command line of pg_dump
	env    []string // what pg_dump and psql need
	report *report
}

// run measures everything that is asked for. With an error it returns what was
// measured before.
func run(ctx context.Context, c config) (r *report, err error) {
	if c.tenantTables == 0 {
		c.tenantTables = tablesPerTenant
	}
	if err := adopt(); err != nil {
		return nil, err
	}
	o := server.Options{Getenv: os.Getenv, CacheDir: server.DefaultCacheDir(os.Getenv), DataDir: server.DefaultDataDir(os.Getenv)}
	binaries, err := server.Find(ctx, c.major, o)
	if err != nil {
		return nil, err
	}
	b := &bench{config: c, report: &report{Version: binaries.Version, Rounds: c.rounds}}
	if b.dir, err = os.MkdirTemp("", "cairn-limits-"); err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	defer os.RemoveAll(b.dir)
	if b.dump, err = clients.Plain(ctx, binaries.Bin, o.CacheDir); err != nil {
		return nil, err
	}
	if filepath.Dir(b.dump[0]) == binaries.Bin {
		b.env = binaries.Env
	}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	b.server, err = server.Start(ctx, binaries, server.Config{Superuser: "postgres", Settings: map[string]string{
		"max_locks_per_transaction": "1024", "max_wal_size": "8GB", "shared_buffers": "512MB",
	}}, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.server.Stop(context.WithoutCancel(ctx))) }()
	if b.admin, err = pgx.Connect(ctx, b.server.URL("postgres")); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer b.admin.Close(context.WithoutCancel(ctx))
	own, err := children(os.Getpid())
	if err != nil {
		return nil, err
	}
	b.meter = &meter{postmaster: b.server.PID(), dir: b.dir, env: environment(), own: own}
	for _, role := range schemas.Roles {
		if err := b.exec(ctx, "CREATE ROLE "+role); err != nil {
			return nil, err
		}
	}
	return b.report, b.all(ctx)
}

// environment is that of this process without what changes how Cairn works, so
// that each machine measures the same.
func environment() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		kept := slices.Contains([]string{"CAIRN_CACHE_DIR", "CAIRN_DATA_DIR", "CAIRN_POSTGRES_BIN"}, name)
		if kept || !strings.HasPrefix(name, "CAIRN_") && !strings.HasPrefix(name, "PG") {
			env = append(env, entry)
		}
	}
	return env
}

// wants reports whether something is to be measured.
func (c config) wants(name string) bool { return c.only == nil || c.only.MatchString(name) }

// build builds the program from the source around the working directory.
func (b *bench) build(ctx context.Context) error {
	if b.cairn != "" {
		path, err := filepath.Abs(b.cairn)
		b.cairn = path
		return err
	}
	b.cairn = filepath.Join(b.dir, "cairn")
	// With -trimpath it is the build of the Makefile, which may be in the cache.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.cairn, "github.com/cairn-db/cairn/cmd/cairn")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return nil
}

// all measures what needs no schema, each size, and the tenants.
func (b *bench) all(ctx context.Context) error {
	if err := b.measure(ctx, 0, b.bare()); err != nil {
		return err
	}
	for _, size := range b.sizes {
		if err := b.size(ctx, size); err != nil {
			return fmt.Errorf("%d tables: %w", size, err)
		}
	}
	if b.tenants == 0 || !b.wants(planTenants) {
		return nil
	}
	if err := b.manyTenants(ctx); err != nil {
		return fmt.Errorf("%d tenants: %w", b.tenants, err)
	}
	return nil
}

// size loads a schema and measures all that is done with it.
func (b *bench) size(ctx context.Context, tables int) (err error) {
	f := b.files(tables)
	if err := write(f.same, schemas.SQL(schemas.Parameters{Tables: tables})); err != nil {
		return err
	}
	if err := write(f.changed, schemas.SQL(schemas.Parameters{Tables: tables, Changed: true})); err != nil {
		return err
	}
	const database = "size"
	b.log("loading %d tables", tables)
	if err := b.database(ctx, database); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), database)) }()
	loaded, err := b.meter.run(ctx, b.psql(database, f.same))
	if err != nil {
		return err
	}
	url := b.server.URL(database)
	if tables > largestBuilt { // building is not measured again
		b.report.Results = append(b.report.Results, &result{Tables: tables, Command: psqlBuild, Runs: []figures{loaded}, Median: loaded})
		if err := b.measure(ctx, tables, b.reading(url, f)); err != nil {
			return err
		}
		return b.remote(ctx, tables, database, f)
	}
	all := append(b.reading(url, f), b.building(f)...)
	if err := b.measure(ctx, tables, append(all, b.changing(url, tables, f)...)); err != nil {
		return err
	}
	return b.remote(ctx, tables, database, f)
}

// manyTenants measures the plan of many schemas with one file.
func (b *bench) manyTenants(ctx context.Context) (err error) {
	p := schemas.Parameters{Tables: b.tenantTables}
	load, file := filepath.Join(b.dir, "tenants.sql"), filepath.Join(b.dir, "tenant.sql")
	if err := write(load, schemas.Tenants(b.tenants, p)); err != nil {
		return err
	}
	p.Changed = true
	if err := write(file, schemas.Tenant(p)); err != nil {
		return err
	}
	const database = "tenants"
	b.log("loading %d schemas", b.tenants)
	if err := b.database(ctx, database); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), database)) }()
	if _, err := b.meter.run(ctx, b.psql(database, load)); err != nil {
		return err
	}
	url := b.server.URL(database)
	return b.measure(ctx, b.tenants*b.tenantTables, []command{
		{name: dumpTenants, limit: true, program: b.dumping(url)},
		{name: planTenants, program: b.planning(url, file, 2, "--schema", "tenant_*")},
	})
}

func (b *bench) exec(ctx context.Context, sql string) error {
	if _, err := b.admin.Exec(ctx, sql); err != nil {
		return fmt.Errorf("running %s: %w", sql, err)
	}
	return nil
}

// database makes an empty database.
func (b *bench) database(ctx context.Context, name string) error {
	return b.exec(ctx, server.CreateDatabase(b.major, name))
}

func (b *bench) drop(ctx context.Context, name string) error {
	return b.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

func write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing SQL: %w", err)
	}
	return nil
}
