package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	workers = 6
	pause   = 4 * time.Millisecond // between two statements of one session
)

// phase is what is known of the statements that ended in a stretch of time.
type phase struct {
	Longest    time.Duration `json:"longest"`
	Statement  string        `json:"statement,omitempty"` // the one that took the longest
	Statements int           `json:"statements"`
	Failed     int           `json:"failed"`
	Errors     []string      `json:"errors,omitempty"` // the first ones
}

// workload is sessions that use the table, each one statement after the other.
type workload struct {
	mu      sync.Mutex
	current *phase
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// startWorkload begins. Ids of rows are even and below the limit.
func startWorkload(ctx context.Context, url string, limit int) (*workload, error) {
	running, stop := context.WithCancel(ctx)
	w := &workload{current: &phase{}, stop: stop}
	for range workers {
		conn, err := connect(ctx, url)
		if err != nil {
			w.end()
			return nil, err
		}
		w.done.Add(1)
		go func() {
			defer w.done.Done()
			defer conn.Close(context.WithoutCancel(ctx))
			session := session{w: w, conn: conn, limit: int64(limit)}
			for running.Err() == nil {
				session.act(context.WithoutCancel(ctx))
				time.Sleep(pause)
			}
		}()
	}
	return w, nil
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeExec // keeps no plan whose result could change its type
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return conn, nil
}

// next begins a phase and returns it. What is under way belongs to it.
func (w *workload) next() *phase {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = &phase{}
	return w.current
}

// taken ends a phase and returns it.
func (w *workload) taken(p *phase) phase {
	w.next()
	return *p
}

// end waits until every statement has ended.
func (w *workload) end() {
	w.stop()
	w.done.Wait()
}

type session struct {
	w        *workload
	conn     *pgx.Conn
	limit    int64
	inserted []int64
}

// act does one of the things that applications do.
func (s *session) act(ctx context.Context) {
	id, account := 2*(1+rand.Int64N(s.limit/2-1)), 1+rand.Int64N(1000)
	switch n := rand.IntN(100); {
	case n < 35:
		s.run(ctx, "SELECT id, email, amount, mood FROM work WHERE id = $1", id)
	case n < 50:
		s.run(ctx, "SELECT w.id, a.name FROM work w JOIN accounts a ON a.id = w.account_id WHERE w.id = $1", id)
	case n < 70:
		s.run(ctx, "UPDATE work SET amount = amount + 1 WHERE id = $1", id)
	case n < 75:
		s.run(ctx, "UPDATE accounts SET balance = balance + 1 WHERE id = $1", account)
	case n < 80: // one transaction
		if s.run(ctx, "BEGIN") {
			_ = s.run(ctx, "UPDATE accounts SET balance = balance - 1 WHERE id = $1", account) &&
				s.run(ctx, "UPDATE work SET amount = amount + 1 WHERE id = $1", id)
			s.run(ctx, "COMMIT")
		}
	case n < 90 || len(s.inserted) == 0:
		id++
		if s.run(ctx, `INSERT INTO work (id, account_id, email, code, amount, mood, created)
VALUES ($1, $2, 'someone@example.com', $1, 5, 'bad', now()) ON CONFLICT DO NOTHING`, id, account) {
			s.inserted = append(s.inserted, id)
		}
	default:
		id, s.inserted = s.inserted[0], s.inserted[1:]
		s.run(ctx, "DELETE FROM work WHERE id = $1", id)
	}
}

// run measures one statement and reports whether it succeeded.
func (s *session) run(ctx context.Context, sql string, args ...any) bool {
	start := time.Now()
	_, err := s.conn.Exec(ctx, sql, args...)
	took := time.Since(start)
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	p := s.w.current
	p.Statements++
	if took > p.Longest {
		p.Longest, p.Statement = took, sql
	}
	if err != nil {
		p.Failed++
		if len(p.Errors) < 5 {
			p.Errors = append(p.Errors, sql+": "+err.Error())
		}
	}
	return err == nil
}
