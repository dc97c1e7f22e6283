package apply

import (
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// StaleError says that the target is not in the state the plan was made for.
type StaleError struct {
	Expected, Actual string   // fingerprints
	Changed          []string // objects that differ and how
}

func (e *StaleError) Error() string {
	lines := []string{"the database changed since this plan was made",
		"expected fingerprint  " + e.Expected, "actual fingerprint    " + e.Actual}
	for _, c := range e.Changed {
		lines = append(lines, "changed: "+c)
	}
	return strings.Join(lines, "\n")
}

// Hint returns what to do about it.
func (e *StaleError) Hint() string { return "run cairn plan again, review it, then apply" }

// LockError says that another session was in the way for too long.
type LockError struct {
	What     string
	Undone   bool             // nothing was changed
	Blockers []schema.Session // who was in the way last, as far as it was seen
}

func (e *LockError) Error() string { return e.What + undone(e.Undone) + blockedBy("\n", e.Blockers) }

// Hint returns what to do about it.
func (e *LockError) Hint() string {
	return "run the same command again in a quieter moment, or raise --retry-for or --lock-timeout"
}

// StepError is a statement that failed.
type StepError struct {
	Step   int    // from 1
	SQL    string // the statement
	Undone bool   // nothing was changed
	Next   string // what the statement left to do, "" for nothing
	Err    error  // the server's
}

func (e *StepError) Error() string {
	return fmt.Sprintf("step %d failed: %v%s%s\nstatement: %s", e.Step, e.Err, undone(e.Undone), pg.Detail(e.Err), e.SQL)
}

// Unwrap returns the server's error.
func (e *StepError) Unwrap() error { return e.Err }

// Hint returns what the statement left to do.
func (e *StepError) Hint() string { return e.Next }

// DivergedError says that every step ran and the target is not as promised.
type DivergedError struct {
	Expected, Actual string // fingerprints
}

func (e *DivergedError) Error() string {
	return "every step ran, but the database is not in the planned state\nexpected fingerprint  " + e.Expected +
		"\nactual fingerprint    " + e.Actual
}

// Hint returns what to do about it.
func (e *DivergedError) Hint() string {
	return "run cairn plan to see what is left; somebody may have changed the database meanwhile"
}

func undone(all bool) string {
	if all {
		return " (rolled back, nothing was changed)"
	}
	return " (its transaction was rolled back; earlier transactions of the plan stay)"
}
