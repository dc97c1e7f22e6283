package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
)

// poolerPatience is how long a connection that may share its server session is
// waited for. A pool without a free session answers nothing.
const poolerPatience = 3 * time.Second

// Two connections are held against each other in some rounds, with some
// questions in each: other clients of a pool can make a connection look as if it
// kept its session.
const (
	poolerRounds    = 3
	poolerQuestions = 6
)

// PoolerError says that a connection goes through a pooler that gives each
// transaction another session of the server. What a session keeps, such as an
// advisory lock or a setting, is then lost or left to others.
type PoolerError struct {
	Address  string // host:port, or the path of the unix socket
	Database string
}

// Error names the address.
func (e *PoolerError) Error() string {
	return fmt.Sprintf("database %q at %s is behind a pooler that gives each transaction another session, where locks of a session are stranded",
		e.Database, e.Address)
}

// Hint says how to get round the pooler.
func (e *PoolerError) Hint() string {
	return "connect to the server itself, with direct_url in cairn.yaml or another host and port, or to a pool in session mode"
}

// IsPooled reports whether something between the client and the server answered
// the start of the connection, given what pg_backend_pid() returns on it. The
// server announces the process that serves the connection, so that the client
// can cancel (manual chapter 55.2.1), and an intermediary announces a number of
// its own.
func IsPooled(conn *pgx.Conn, backend uint32) bool { return conn.PgConn().PID() != backend }

// OwnSession returns a *PoolerError when transactions of the connection can run
// in different sessions of the server. It asks one question, and more only when
// something stands in between; then it opens a second connection with again.
//
// PgBouncer announces a number of its own in every mode, as pgcat, Odyssey and
// Supavisor do, and so can a proxy that gives each client one session (Neon's for
// direct connections; Neon's pooled address is PgBouncer in transaction mode). So
// the number is only a reason to look: while a second connection holds a
// transaction open, a session that is not shared still answers, as the process
// that it was. Forwarders of bytes and Pgpool-II, which keeps a session for each
// client, pass. RDS Proxy shares until a session has a state of its own and pins
// it to its client then; it is refused where it shows itself as sharing, which is
// more than needed. Not seen is a pooler that announces the process of the first
// session it lends. The tests have PgBouncer; of the others this is what their
// makers write.
func OwnSession(ctx context.Context, conn *pgx.Conn, again func(context.Context) (*pgx.Conn, error)) error {
	backend, err := ask(ctx, conn, askBackend)
	if err != nil {
		return fmt.Errorf("asking which process serves the connection: %w", err)
	}
	if !IsPooled(conn, backend) {
		return nil
	}
	second, err := again(ctx)
	if err != nil {
		return fmt.Errorf("looking for a pooler with a second connection: %w", err)
	}
	defer hangUp(ctx, second) // its transaction changed nothing
	for range poolerRounds {
		shared, err := isShared(ctx, conn, second, backend)
		switch {
		case err != nil:
			return fmt.Errorf("looking for a pooler: %w", err)
		case shared:
			c := conn.Config()
			return &PoolerError{Address: address(c.Host, c.Port), Database: c.Database}
		case second.IsClosed():
			return nil // no session was free for it, and conn kept its own
		}
	}
	return nil
}

const askBackend = "SELECT pg_backend_pid()"

// isShared looks whether conn is served by another process, or by none, while
// the second connection is in a transaction.
func isShared(ctx context.Context, conn, second *pgx.Conn, backend uint32) (bool, error) {
	other, err := ask(ctx, second, "BEGIN; "+askBackend)
	switch {
	case Code(err) == "08P01": // a pooler of statements refuses transactions
		return true, nil
	case err != nil && !errors.Is(err, errNoAnswer):
		return false, err
	case err == nil && other == backend:
		return true, nil
	}
	for range poolerQuestions {
		now, err := ask(ctx, conn, askBackend)
		switch {
		case errors.Is(err, errNoAnswer):
			return true, nil
		case err != nil:
			return false, err
		case now != backend:
			return true, nil
		}
	}
	if second.IsClosed() {
		return false, nil
	}
	_, err = second.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
	return false, err
}

var errNoAnswer = errors.New("no answer in time")

// ask returns the number that is the last result of a message. It is one of the
// simple protocol, because poolers may not know prepared statements.
func ask(ctx context.Context, conn *pgx.Conn, sql string) (uint32, error) {
	// A canceled context would ask the pooler to cancel and wait for that, too.
	socket := conn.PgConn().Conn()
	_ = socket.SetDeadline(time.Now().Add(poolerPatience)) // a closed one says so below
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout() && ctx.Err() == nil:
		hangUp(ctx, conn)
		return 0, errNoAnswer
	case err != nil:
		return 0, err
	}
	_ = socket.SetDeadline(time.Time{})
	var pid uint32
	last := results[len(results)-1]
	if _, err := fmt.Sscan(string(last.Rows[0][0]), &pid); err != nil {
		return 0, fmt.Errorf("reading a process id: %w", err)
	}
	return pid, nil
}

func hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
