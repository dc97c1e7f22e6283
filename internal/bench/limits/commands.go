package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/cairn-db/cairn/internal/bench/schemas"
	"github.com/cairn-db/cairn/internal/pgtest/clients"
)

// The names of what is measured.
const (
	pgDump       = "pg_dump --schema-only"
	psqlBuild    = "psql -f"
	planNothing  = "plan, nothing to change, no cache"
	planCached   = "plan, nothing to change, cached"
	planChange   = "plan of a column and an index, no cache"
	changeCached = "plan of a column and an index, cached"
	changeFresh  = "plan of a column and an index, only the file of before cached"
	changeBare   = "plan of a column and an index, cached, not proven"
	planEmpty    = "plan from empty"
	applyEmpty   = "apply from empty"
	dumpTenants  = "pg_dump --schema-only of all tenants"
	planTenants  = "plan of a change for each tenant"
	help         = "--help"
	version      = "version"
)

// shortest is the length of a changed column in its shortest form. The longest is
// twice as long.
const shortest = 5_000_000

// command is one line of the table.
type command struct {
	name    string
	limit   bool // it is measured whatever is asked for
	cached  bool // it is run once before it is measured
	program program
	before  func(context.Context) error // may be nil
	after   func(context.Context) error // may be nil
}

// paths are the files of a size.
type paths struct {
	same, changed, plan string
	fresh               string // written for each run
}

func (b *bench) files(tables int) paths {
	path := func(name string) string { return filepath.Join(b.dir, fmt.Sprintf("%s_%d", name, tables)) }
	return paths{path("same") + ".sql", path("changed") + ".sql", path("plan") + ".json", path("fresh") + ".sql"}
}

func (b *bench) dumping(url string) program {
	return program{args: append(b.dump[:len(b.dump):len(b.dump)], "--schema-only", "--dbname", url), env: b.env, stdout: os.DevNull}
}

func (b *bench) psql(database, file string) program {
	args := append(clients.Beside(b.dump, "psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", b.server.URL(database), "-f", file)
	return program{args: args, env: b.env, stdout: os.DevNull}
}

// planning is a plan that ends with that exit code.
func (b *bench) planning(url, file string, exit int, flags ...string) program {
	args := append([]string{b.cairn, "plan", "--db", url, "--file", file}, flags...)
	p := program{args: args, stdout: os.DevNull}
	if exit != 0 {
		p.args, p.exit = append(p.args, "--exit-code"), []int{exit}
	}
	return p
}

func (b *bench) applying(url, plan string) program {
	return program{args: []string{b.cairn, "apply", "--db", url, "--plan", plan, "--auto-approve"}, stdout: os.DevNull}
}

// bare is what needs no server.
func (b *bench) bare() []command {
	return []command{
		{name: help, program: program{args: []string{b.cairn, "--help"}}},
		{name: version, program: program{args: []string{b.cairn, "version"}}},
	}
}

// reading is what reads the catalog of the target, and finds nothing to change.
func (b *bench) reading(url string, f paths) []command {
	nothing := func(flags ...string) program {
		p := b.planning(url, f.same, 0, flags...)
		p.args = append(p.args, "--exit-code") // anything but an empty plan is an error
		return p
	}
	return []command{
		{name: pgDump, limit: true, program: b.dumping(url)},
		{name: planNothing, program: nothing("--no-cache")},
		{name: planCached, cached: true, program: nothing()},
	}
}

// changing is what plans one changed column and one new index. A change that no
// cache has seen is another one each time.
func (b *bench) changing(url string, tables int, f paths) []command {
	fresh := func(context.Context) error {
		return write(f.fresh, schemas.SQL(schemas.Parameters{Tables: tables, Changed: true, Length: shortest + rand.IntN(shortest)}))
	}
	return []command{
		{name: planChange, program: b.planning(url, f.changed, 2, "--no-cache")},
		{name: changeCached, cached: true, program: b.planning(url, f.changed, 2)},
		{name: changeFresh, cached: true, program: b.planning(url, f.fresh, 2), before: fresh},
		{name: changeBare, cached: true, program: b.planning(url, f.changed, 2, "--no-prove")},
	}
}

// building is what builds a database from nothing. The plan is applied by itself,
// so that what it takes can be told from planning.
func (b *bench) building(f paths) []command {
	const database = "fresh"
	fresh := func(ctx context.Context) error {
		if err := b.drop(ctx, database); err != nil {
			return err
		}
		return b.database(ctx, database)
	}
	drop := func(ctx context.Context) error { return b.drop(ctx, database) }
	url := b.server.URL(database)
	return []command{
		{name: psqlBuild, limit: true, program: b.psql(database, f.same), before: fresh, after: drop},
		{name: planEmpty, program: b.planning(url, f.same, 2, "--output-json", f.plan), before: fresh},
		{name: applyEmpty, program: b.applying(url, f.plan), after: drop},
	}
}

// measure measures commands in rounds, so that what else the machine does falls
// on all of them.
func (b *bench) measure(ctx context.Context, tables int, commands []command) error {
	var wanted []command
	for _, c := range commands {
		// A plan that is applied is made before.
		if c.limit || b.wants(c.name) || c.name == planEmpty && b.wants(applyEmpty) {
			wanted = append(wanted, c)
		}
	}
	results := make([]*result, len(wanted))
	for i, c := range wanted {
		results[i] = &result{Tables: tables, Command: c.name}
		if c.cached {
			if _, err := b.once(ctx, c); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	for round := range b.rounds {
		for i, c := range wanted {
			f, err := b.once(ctx, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			b.log("%d tables, round %d of %d, %s: %s", tables, round+1, b.rounds, c.name, f)
			results[i].Runs = append(results[i].Runs, f)
		}
	}
	for _, r := range results {
		r.Median = median(r.Runs)
	}
	b.report.Results = append(b.report.Results, results...)
	return nil
}

// once measures a command once.
func (b *bench) once(ctx context.Context, c command) (figures, error) {
	if c.before != nil {
		if err := c.before(ctx); err != nil {
			return figures{}, err
		}
	}
	f, err := b.meter.run(ctx, c.program)
	if err == nil && c.after != nil {
		err = c.after(ctx)
	}
	return f, err
}
