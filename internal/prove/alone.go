package prove

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// slowest is how often a statement is looked at that nobody stands in the way
// of any more.
const slowest = 200 * time.Millisecond

// holder is a session that holds a lock, so that a statement waits for it.
type holder struct {
	conn   *pgx.Conn
	pid    uint32
	waited bool // a look has found it in the way, and no lock of the statement
}

// release lets the statement go on.
func (h *holder) release(ctx context.Context) error {
	_, err := h.conn.Exec(ctx, "ROLLBACK")
	return err
}

// alone runs a step outside a transaction. Its locks are gone when it ends, and
// so other sessions stand in its way as writers would, and what it holds while
// it waits for them is what it takes.
func (r *runner) alone(ctx context.Context, i int) error {
	step := r.Plan.Steps[i]
	holders, err := r.hold(ctx, step)
	if err != nil {
		return err
	}
	watcher, err := r.watcher(ctx, holders)
	if err != nil {
		return err
	}
	counts := r.counts
	type outcome struct {
		elapsed time.Duration
		err     error
	}
	done := make(chan outcome, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pid := r.Conn.PgConn().PID()
	go func() {
		elapsed, err := r.exec(ctx, i)
		done <- outcome{elapsed, err}
	}()
	locks, watchErr := map[int64]kind.Lock{}, error(nil)
	for pause := time.Millisecond; ; {
		select {
		case end := <-done:
			if end.err != nil {
				r.close() // so that nobody stands in the way of another try
				return end.err
			}
			return r.observeAlone(ctx, i, locks, end.elapsed, counts)
		case <-time.After(pause):
		}
		if len(holders) == 0 {
			pause = min(2*pause, slowest)
		}
		if watchErr == nil {
			holders, watchErr = r.watch(ctx, watcher, pid, locks, holders)
		}
		if watchErr != nil {
			cancel()
			<-done
			return watchErr
		}
	}
}

// hold lets a session each lock the relations that the step declares to lock.
// What cannot be locked so is watched without.
func (r *runner) hold(ctx context.Context, step schema.Step) ([]*holder, error) {
	names := []string{step.Relation}
	for _, l := range step.Locks {
		if l.Relation != step.Relation {
			names = append(names, l.Relation)
		}
	}
	var holders []*holder
	for _, name := range names {
		w := r.byID[name]
		if w == nil || w.kind != "r" && w.kind != "p" {
			continue
		}
		conn, err := r.connect(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := conn.Exec(ctx, "BEGIN; LOCK TABLE ONLY "+w.ref+" IN ROW EXCLUSIVE MODE"); err != nil {
			if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
				return nil, fmt.Errorf("standing in the way of step: %w", err)
			}
			continue
		}
		holders = append(holders, &holder{conn: conn, pid: conn.PgConn().PID()})
	}
	return holders, nil
}

// watcher returns the session that looks: one that stands in the way can, because a
// lock is all that it holds.
func (r *runner) watcher(ctx context.Context, holders []*holder) (*pgx.Conn, error) {
	if len(holders) > 0 {
		return holders[0].conn, nil
	}
	return r.connect(ctx)
}

// watch adds the locks that a session holds or waits for, and releases the
// holders that it waits for. It returns those that are left.
func (r *runner) watch(ctx context.Context, watcher *pgx.Conn, pid uint32, locks map[int64]kind.Lock, holders []*holder) ([]*holder, error) {
	if len(r.relations) == 0 {
		return holders, nil
	}
	rows, err := watcher.Query(ctx, fmt.Sprintf(`SELECT l.relation::int8, l.mode, pg_blocking_pids(%d) FROM pg_locks l WHERE l.pid = %[1]d AND %s
UNION ALL SELECT 0, '', pg_blocking_pids(%[1]d)`, pid, lockOfWatched(r.watched())), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, fmt.Errorf("watching a step: %w", err)
	}
	var oid int64
	var text string
	var blocking []int64
	waits, locked := map[uint32]bool{}, false
	_, err = pgx.ForEachRow(rows, []any{&oid, &text, &blocking}, func() error {
		if oid != 0 {
			locks[oid], locked = stronger(locks[oid], mode(text)), true
		}
		for _, p := range blocking {
			waits[uint32(p)] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("watching a step: %w", err)
	}
	var left []*holder
	for _, h := range holders {
		if !waits[h.pid] || !locked && !h.waited { // it began to wait after the locks were read
			h.waited = waits[h.pid]
			left = append(left, h)
			continue
		}
		if err := h.release(ctx); err != nil {
			return nil, fmt.Errorf("watching a step: %w", err)
		}
	}
	return left, nil
}

// observeAlone compares what there was before and after a step outside a
// transaction. An index that was built was filled by reading its table.
func (r *runner) observeAlone(ctx context.Context, i int, locks map[int64]kind.Lock, elapsed time.Duration, counts map[counted]int64) error {
	r.close()
	now, err := r.look(ctx, r.Conn)
	if err != nil {
		return err
	}
	now.locks = locks
	step := r.Plan.Steps[i]
	o := r.observe(step, r.before, now)
	o.Elapsed = elapsed
	if len(locks) == 0 {
		o.Lock, o.Locks = step.Lock, step.Locks // it was through before anybody could look
	}
	o.Scan = !o.Rewrite && len(o.Builds) > 0
	if len(counts) > 0 {
		if err := r.countRows(ctx); err != nil {
			return err
		}
		for what, before := range counts {
			if what.column == 0 {
				o.Lost += max(0, before-r.counts[what])
			}
		}
	}
	r.result.Steps[i] = o
	now.locks, now.scans = nil, nil
	r.before = now
	return nil
}
