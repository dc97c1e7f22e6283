package chaos

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Fault is what goes wrong.
type Fault string

// The faults.
const (
	Kill      Fault = "kill"       // of the program, with no chance to tidy up
	Cut       Fault = "cut"        // of the connection, both sides notice
	CutClient Fault = "cut-client" // the server notices only a second later
	CutServer Fault = "cut-server" // the program notices only a second later
	Restart   Fault = "restart"    // of the server, which dies and recovers
)

// unnoticed is how long the other side does not notice.
const unnoticed = time.Second

// strike returns what does the fault to a process.
func (h *Harness) strike(f Fault, process func() *Process) func(*Session) bool {
	return func(s *Session) bool {
		switch f {
		case Kill:
			process().Kill()
		case Cut:
			s.Cut()
		case CutClient:
			s.CutClient(unnoticed)
		case CutServer:
			s.CutServer(unnoticed)
		case Restart:
			if err := h.Server.Crash(context.Background()); err != nil {
				h.note(err)
			}
			if err := h.Server.Start(context.Background()); err != nil {
				h.note(err)
			}
		}
		return false
	}
}

// obstacle is an open transaction that has written to the tables. Statements
// that need the tables for themselves wait for it, and so do those that wait for
// all earlier transactions.
const obstacle = `UPDATE orders SET amount = amount WHERE id = 1; UPDATE accounts SET name = name WHERE id = 1;
INSERT INTO events (id, account_id, what) VALUES (1, 1, 'never'), (999999999, 1, 'never')`

// obstruct begins a transaction that is in the way, and returns what ends it.
func (h *Harness) obstruct() (end func()) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, h.url())
	if err == nil {
		_, err = conn.PgConn().Exec(ctx, "BEGIN; SET LOCAL lock_timeout = '1s'; "+obstacle).ReadAll()
	}
	if err != nil {
		return func() { // somebody holds the table: the statement is not alone as it is
			if conn != nil {
				_ = conn.Close(ctx)
			}
		}
	}
	return func() { _ = conn.Close(ctx) } // its transaction ends with it, or the server has ended it
}

// untilWaiting lasts until the server's process of the session waits for a lock
// or has answered, at most half a second.
func (h *Harness) untilWaiting(s *Session) {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	conn, err := pgx.Connect(ctx, h.url())
	if err != nil {
		return
	}
	defer conn.Close(context.Background())
	for {
		var waits bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock')", s.PID()).Scan(&waits)
		if err != nil || waits {
			return
		}
		select {
		case <-s.Answered():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Scenario is one run of a change with one fault.
type Scenario struct {
	Case    string // of the changes
	File    bool   // apply --file, which plans anew after the fault, instead of apply --plan
	Point   Point
	Fault   Fault
	Waiting bool          // inside: the statement waits for another transaction
	Delay   time.Duration // inside: how long the server works on it, where it does not wait
}

// Name describes it in one word.
func (s Scenario) Name() string {
	mode := "plan"
	if s.File {
		mode = "file"
	}
	at := ""
	if s.Point.Number > 0 {
		at = "request " + itoa(s.Point.Number)
	} else {
		at = strings.TrimPrefix(s.Point.Statement.String(), "(?i)")
		if s.Point.Since != nil {
			at += " of " + strings.TrimPrefix(s.Point.Since.String(), "(?i)")
		}
	}
	how := ""
	if s.Point.When == Inside && s.Waiting {
		how = " waiting"
	}
	return s.Case + " " + mode + ", " + string(s.Fault) + " " + string(s.Point.When) + " " + at + how
}

// At is the point at the first message that runs a statement with the text, which
// is a regular expression.
func At(when When, statement string) Point {
	return Point{Statement: regexp.MustCompile("(?i)" + statement), When: when}
}

// AtCommit is the point at the commit of a statement with the text.
func AtCommit(when When, statement string) Point {
	p := At(when, "^commit$")
	p.Since = regexp.MustCompile("(?i)" + statement)
	return p
}

// trap returns the trap of a scenario.
func (h *Harness) trap(s Scenario, process func() *Process) *Trap {
	end := func() {}
	t := &Trap{Point: s.Point, Act: h.strike(s.Fault, process)}
	t.Pause = func(*Session) { time.Sleep(s.Delay) }
	if s.Waiting {
		t.Prepare = func(*Session) { end = h.obstruct() }
		t.Pause = h.untilWaiting
	}
	act := t.Act
	t.Act = func(session *Session) bool {
		defer func() { end() }()
		return act(session)
	}
	return t
}
