package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// scenario is who else is at work on the table.
type scenario struct {
	name  string
	begin func(ctx context.Context, b *bench, url string) (release func(), err error)
}

func (s scenario) label(c change) string {
	if s.name == "" {
		return c.name
	}
	return c.name + ", " + s.name
}

func scenarios() []scenario {
	return []scenario{
		{"", func(context.Context, *bench, string) (func(), error) { return func() {}, nil }},
		{"with a long-running reader", longReader},
		{"with autovacuum at work", autovacuum},
	}
}

// longReader opens a transaction that has read the table.
func longReader(ctx context.Context, b *bench, url string) (func(), error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	if _, err := conn.PgConn().Exec(ctx, "BEGIN; SELECT count(*) FROM work WHERE id < 1000").ReadAll(); err != nil {
		return nil, fmt.Errorf("reading the table: %w", err)
	}
	var once sync.Once
	release := func() { once.Do(func() { _ = conn.Close(context.WithoutCancel(ctx)) }) }
	time.AfterFunc(b.reader, release)
	return release, nil
}

// autovacuum makes the table due for a slow one, and waits until it is at work.
// How the table is vacuumed is set where plans do not look.
func autovacuum(ctx context.Context, b *bench, url string) (func(), error) {
	conn, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range []string{
		"UPDATE work SET amount = amount + 1 WHERE id < 20000",
		"ALTER SYSTEM SET autovacuum_vacuum_scale_factor = 0", "ALTER SYSTEM SET autovacuum_vacuum_threshold = 1",
		"ALTER SYSTEM SET autovacuum_vacuum_cost_delay = '100ms'", "ALTER SYSTEM SET autovacuum_vacuum_cost_limit = 20", "SELECT pg_reload_conf()",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("making autovacuum start: %w", err)
		}
	}
	release := func() {
		reset := context.WithoutCancel(ctx)
		for _, sql := range []string{"ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()"} {
			if err := b.exec(reset, sql); err != nil {
				b.log("%v", err)
			}
		}
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var active bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE datname = current_database() AND relid::regclass::text LIKE 'work%')").Scan(&active); err != nil {
			release()
			return nil, fmt.Errorf("waiting for autovacuum: %w", err)
		}
		if active {
			return release, nil
		}
	}
	release()
	return nil, errors.New("autovacuum did not start")
}
