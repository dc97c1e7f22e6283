package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// remoteResult is what one command needs of a server that is far away.
type remoteResult struct {
	Tables  int    `json:"tables"`
	Command string `json:"command"`
	trips
	Steps int           `json:"steps,omitempty"` // of the plan that was applied
	Wall  time.Duration `json:"wall"`
}

// perStep is how many round trips a step takes; 0 where there are none.
func (r *remoteResult) perStep() float64 {
	if r.Steps == 0 {
		return 0
	}
	return float64(r.Working) / float64(r.Steps)
}

const (
	applyChange = "apply of a column and an index"
	manySteps   = 100 // tables; larger schemas are not built through the proxy
)

// remote counts the round trips of a plan and, where that is not only read, of an
// apply.
func (b *bench) remote(ctx context.Context, tables int, database string, f paths) (err error) {
	if !b.wants("round trips") {
		return nil
	}
	settings, err := pgx.ParseConfig(b.server.URL(database))
	if err != nil {
		return fmt.Errorf("reading the address of the server: %w", err)
	}
	p, err := newProxy(fmt.Sprintf("%s/.s.PGSQL.%d", settings.Host, settings.Port), b.latency)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.listener.Close()) }()
	count := func(name string, run program, steps int) error {
		p.taken()
		took, err := b.meter.run(ctx, run)
		if err != nil {
			return fmt.Errorf("%s of a remote server: %w", name, err)
		}
		r := &remoteResult{Tables: tables, Command: name, trips: p.taken(), Steps: steps, Wall: took.Wall}
		b.log("%d tables, remote, %s: %d round trips after %d in %d connections, %s", tables, name, r.Working, r.Connecting, r.Connections, short(r.Wall))
		b.report.Remote = append(b.report.Remote, r)
		return nil
	}
	nothing := b.planning(p.url(settings.User, database), f.same, 0, "--no-cache")
	if err := count(planNothing, nothing, 0); err != nil || tables > largestBuilt {
		return err
	}
	const changed = "changed"
	if err := b.exec(ctx, "CREATE DATABASE "+changed+" TEMPLATE "+database); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.drop(context.WithoutCancel(ctx), changed)) }()
	url := p.url(settings.User, changed)
	if err := count(planChange, b.planning(url, f.changed, 2, "--no-cache", "--output-json", f.plan), 0); err != nil {
		return err
	}
	steps, err := stepsOf(f.plan)
	if err != nil {
		return err
	}
	if err := count(applyChange, b.applying(url, f.plan), steps); err != nil || tables > manySteps {
		return err
	}
	p.latency = 0 // it would last, and the number is the same
	if err := b.drop(ctx, changed); err != nil {
		return err
	}
	if err := b.database(ctx, changed); err != nil {
		return err
	}
	if _, err := b.meter.run(ctx, b.planning(url, f.same, 2, "--output-json", f.plan)); err != nil {
		return err
	}
	if steps, err = stepsOf(f.plan); err != nil {
		return err
	}
	return count(applyEmpty+", without latency", b.applying(url, f.plan), steps)
}

// stepsOf returns how many steps a plan has.
func stepsOf(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("reading the plan: %w", err)
	}
	var plan struct {
		Steps []json.RawMessage `json:"steps"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return 0, fmt.Errorf("reading the plan: %w", err)
	}
	return len(plan.Steps), nil
}
