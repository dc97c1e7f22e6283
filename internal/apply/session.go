package apply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// lockKey is the advisory lock that all runs on one database share: the bytes
// of "cairn".
const lockKey = 0x636169726e

// orphanCheck is how often the server looks, in the middle of a statement,
// whether this program still lives; manual, chapter 20.3.3.
const orphanCheck = 2 * time.Second

// openSession sets what every statement of the run needs. Names are qualified,
// so that no search_path can lead them elsewhere. Bodies of functions are not
// looked into: what they name may come later.
func (r *runner) openSession(ctx context.Context) error {
	o := r.options
	results, err := r.conn.PgConn().Exec(ctx, fmt.Sprintf(`SET search_path = ''; SET check_function_bodies = off;
SET lock_timeout = %d; SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d; SET idle_session_timeout = 0;
SELECT setting, pg_backend_pid() FROM pg_settings WHERE name = 'deadlock_timeout'`,
		o.LockTimeout.Milliseconds(), o.StatementTimeout.Milliseconds(), o.IdleTimeout.Milliseconds())).ReadAll()
	if err != nil {
		return fmt.Errorf("configuring the session: %w", err)
	}
	answer := results[len(results)-1].Rows[0]
	milliseconds, err := strconv.ParseInt(string(answer[0]), 10, 64)
	if err != nil {
		return fmt.Errorf("reading the server's settings: %w", err)
	}
	r.deadlockTimeout, r.backend = time.Duration(milliseconds)*time.Millisecond, string(answer[1])
	// A server that cannot look at its connections refuses; it then notices an end
	// of this program when the statement is through.
	_, err = r.conn.Exec(ctx, fmt.Sprintf("SET client_connection_check_interval = %d", orphanCheck.Milliseconds()))
	if err != nil && pg.Code(err) == "" {
		return fmt.Errorf("configuring the session: %w", err)
	}
	return nil
}

// Lock takes the advisory lock that keeps runs out of a database, and returns how
// to give it back. It is a *LockError when a run has it.
func Lock(ctx context.Context, conn *pgx.Conn) (unlock func(), err error) {
	var locked bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", pgx.QueryExecModeExec, int64(lockKey)).Scan(&locked); err != nil {
		return nil, fmt.Errorf("taking the advisory lock: %w", err)
	}
	if locked {
		return func() { giveBack(conn) }, nil
	}
	holder, err := Holder(ctx, conn)
	if err != nil {
		return nil, err
	}
	return nil, &LockError{What: "another run of cairn is at work on this database" + describeHolder(holder), Undone: true, Advice: "wait for its end, or raise --wait"}
}

// lock takes the advisory lock by trying. A session that waited for it inside
// the server would hold a snapshot, and concurrent index builds of the other
// run would wait for that in turn.
func (r *runner) lock(ctx context.Context) (unlock func(), err error) {
	deadline := time.Now().Add(r.options.Wait)
	for told := ""; ; {
		unlock, err := Lock(ctx, r.conn)
		var held *LockError
		if !errors.As(err, &held) || time.Now().After(deadline) {
			return unlock, err
		}
		if held.What != told {
			r.event(schema.Event{Name: schema.Wait, Message: "waiting: " + held.What})
			told = held.What
		}
		if err := sleep(ctx, 200*time.Millisecond+rand.N(200*time.Millisecond)); err != nil {
			return nil, err
		}
	}
}

// giveBack gives the lock back also after the run was interrupted; a lost
// connection has given it back already.
func giveBack(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if !conn.IsClosed() {
		_, _ = conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", pgx.QueryExecModeExec, int64(lockKey))
	}
}

// Holder returns the session that is at work on the database behind the
// connection, nil when there is none.
func Holder(ctx context.Context, conn *pgx.Conn) (*schema.Session, error) {
	targets, session := scanned()
	var pid int
	err := conn.QueryRow(ctx, "SELECT a.pid, "+sessionColumns+` FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database
WHERE l.granted AND d.datname = current_database() AND `+advisory("l")).Scan(append([]any{&pid}, targets...)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for who holds the advisory lock: %w", err)
	}
	s := session()
	s.PID = pid
	return &s, nil
}

// describeHolder says who a session is, and nothing that changes while it works.
func describeHolder(s *schema.Session) string {
	if s == nil {
		return ""
	}
	return ": " + describe(schema.Session{PID: s.PID, User: s.User, Application: s.Application, Client: s.Client, Type: s.Type})
}

// askBackend is the question that checkBackend has the answer to.
const askBackend = "SELECT pg_backend_pid()"

// checkBackend makes sure that the session, which answered a message with
// askBackend last, is still the one that has the lock. A pooler between gives
// another one to each transaction.
func (r *runner) checkBackend(results []*pgconn.Result) error {
	if string(results[len(results)-1].Rows[0][0]) != r.backend {
		return errors.New("the server's process behind the connection changed: a pooler gives it to others, and with it the advisory lock")
	}
	return nil
}

// nameSession sets the application_name that others see while a step runs.
func (r *runner) nameSession(step int) string {
	name := fmt.Sprintf("%s %d/%d", r.options.Application, step+1, len(r.plan.Steps))
	return "SET application_name = " + pg.QuoteLiteral(name)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
