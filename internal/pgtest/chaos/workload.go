package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// firstOwn is the first id of rows that the workload makes; those of rows.sql
// are below.
const firstOwn = 1_000_000

// Row is what the workload knows of a row that it made.
type row struct {
	amount int64
	unsure []int64 // other amounts it may have: the answer to the commit was lost
	absent bool    // it may not be there at all
}

// Workload uses a database as an application does: its sessions insert, change
// and read rows all the time, and remember what was committed.
type Workload struct {
	url    func() string
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu      sync.Mutex
	orders  map[int64]*row
	events  map[int64]*row
	commits int
	lost    int // answers
	err     error
}

// workers is how many sessions a workload has.
const workers = 2

// StartWorkload starts the sessions.
func StartWorkload(ctx context.Context, url func() string) *Workload {
	ctx, cancel := context.WithCancel(ctx)
	w := &Workload{url: url, cancel: cancel, orders: map[int64]*row{}, events: map[int64]*row{}}
	for i := range workers {
		w.wait.Go(func() { w.work(ctx, int64(firstOwn+i*10_000_000)) })
	}
	return w
}

// Stop ends the sessions. Its error is one that no fault explains.
func (w *Workload) Stop() error {
	w.cancel()
	w.wait.Wait()
	return w.err
}

// work is one session, which is opened again when it breaks.
func (w *Workload) work(ctx context.Context, next int64) {
	var conn *pgx.Conn
	var own []int64
	for ctx.Err() == nil {
		if conn == nil || conn.IsClosed() {
			var err error
			if conn, err = w.connect(ctx); err != nil {
				pause(ctx, 20*time.Millisecond)
				continue
			}
		}
		err := w.turn(ctx, conn, next, own)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			own = append(own, next)
		case !explained(err):
			w.mu.Lock()
			w.err = errors.Join(w.err, err)
			w.mu.Unlock()
			w.cancel()
		}
		next++ // a row whose fate is not known keeps its id
		pause(ctx, 15*time.Millisecond)
	}
	if conn != nil {
		_ = conn.Close(context.Background()) // it may be broken
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (w *Workload) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(w.url())
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // plans that are kept do not survive a change of the table
	config.RuntimeParams["application_name"] = "workload"
	return pgx.ConnectConfig(ctx, config)
}

// explained reports whether an error is what a session has to live with: the
// server went away, or chose it to end a deadlock.
func explained(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return true // the connection broke
	}
	return strings.HasPrefix(answer.Code, "57P") || strings.HasPrefix(answer.Code, "08") || answer.Code == "40P01"
}

// turn is one transaction: a new order and its event, and an older order that
// changes.
func (w *Workload) turn(ctx context.Context, conn *pgx.Conn, id int64, own []int64) error {
	amount, older := rand.Int64N(1000), int64(0)
	if len(own) > 0 {
		older = own[rand.IntN(len(own))]
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO orders (id, account_id, email, code, amount) VALUES ($1, $2, $3, $1, $4)", id, 1+id%1000, email(id), amount)
	if err == nil {
		_, err = tx.Exec(ctx, "INSERT INTO events (id, account_id, what) VALUES ($1, $2, 'made')", id, 1+id%1000)
	}
	if err == nil && older != 0 {
		_, err = tx.Exec(ctx, "UPDATE orders SET amount = $2 WHERE id = $1", older, amount)
	}
	if err == nil {
		var read int64
		err = tx.QueryRow(ctx, "SELECT count(*) FROM orders WHERE id BETWEEN $1 AND $1 + 100", older).Scan(&read)
	}
	if err != nil {
		_ = tx.Rollback(context.WithoutCancel(ctx)) // it may be broken
		return err
	}
	err = tx.Commit(context.WithoutCancel(ctx))
	w.record(id, older, amount, err)
	return err
}

// record keeps what a transaction that was to be committed did.
func (w *Workload) record(id, older, amount int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var answer *pgconn.PgError
	switch {
	case err == nil:
		w.commits++
		w.orders[id], w.events[id] = &row{amount: amount}, &row{}
		if r := w.orders[older]; r != nil {
			*r = row{amount: amount}
		}
	case errors.As(err, &answer) && answer.Severity != "FATAL": // it was refused
	default:
		w.lost++
		w.orders[id], w.events[id] = &row{amount: amount, absent: true}, &row{absent: true}
		if r := w.orders[older]; r != nil {
			r.unsure = append(r.unsure, amount)
		}
	}
}

func email(id int64) string { return fmt.Sprintf("user%d@example.com", id) }

// Commits returns how many transactions were committed, and of how many the
// answer was lost.
func (w *Workload) Commits() (known, lost int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.commits, w.lost
}

// Differences compares the rows of the database with what was committed, each
// difference a line.
func (w *Workload) Differences(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for _, seeded := range []struct {
		what, query string
		want        int64
	}{
		{"accounts", "SELECT count(DISTINCT id) FILTER (WHERE name = 'account ' || id), count(*) FROM accounts", 1000},
		{"orders", `SELECT count(DISTINCT id) FILTER (WHERE account_id = 1 + id % 1000 AND email = 'user' || id || '@example.com' AND code = id
	AND amount = id % 500 AND mood = 'ok'), count(*) FROM orders WHERE id < 1000000`, 20000},
		{"events", "SELECT count(DISTINCT id) FILTER (WHERE account_id = 1 + id % 1000 AND what = 'event ' || id), count(*) FROM events_old", 10000},
	} {
		var right, all int64
		if err := conn.QueryRow(ctx, seeded.query).Scan(&right, &all); err != nil {
			return nil, fmt.Errorf("counting %s: %w", seeded.what, err)
		}
		if right != seeded.want || all != seeded.want {
			lines = append(lines, fmt.Sprintf("%s: of %d rows %d are as they were, want %d", seeded.what, all, right, seeded.want))
		}
	}
	for _, made := range []struct {
		what, query string
		rows        map[int64]*row
	}{
		{"orders", "SELECT id, amount FROM orders WHERE id >= 1000000 AND email = 'user' || id || '@example.com' AND code = id ORDER BY id", w.orders},
		{"events", "SELECT id, 0::bigint FROM events_new WHERE what = 'made' ORDER BY id", w.events},
	} {
		found, err := amounts(ctx, conn, made.query)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", made.what, err)
		}
		lines = append(lines, compare(made.what, made.rows, found)...)
	}
	return lines, nil
}

func amounts(ctx context.Context, conn *pgx.Conn, query string) (map[int64][]int64, error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	found := map[int64][]int64{}
	var id, amount int64
	_, err = pgx.ForEachRow(rows, []any{&id, &amount}, func() error {
		found[id] = append(found[id], amount)
		return nil
	})
	return found, err
}

func compare(what string, want map[int64]*row, found map[int64][]int64) []string {
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(want)) {
		r, have := want[id], found[id]
		switch {
		case len(have) == 0 && r.absent:
		case len(have) != 1:
			lines = append(lines, fmt.Sprintf("%s: row %d is there %d times", what, id, len(have)))
		case have[0] != r.amount && !slices.Contains(r.unsure, have[0]):
			lines = append(lines, fmt.Sprintf("%s: row %d has %d, want %d", what, id, have[0], r.amount))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if want[id] == nil {
			lines = append(lines, fmt.Sprintf("%s: row %d was never committed", what, id))
		}
	}
	return lines
}
