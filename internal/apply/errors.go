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
	Run              int64    // of the plan that stopped and is to go on, 0 for a new one
	Done             int      // steps that it has done
}

func (e *StaleError) Error() string {
	what := "the database changed since this plan was made"
	if e.Run != 0 {
		what = fmt.Sprintf("the database changed since run %d of this plan stopped after %d steps", e.Run, e.Done)
	}
	lines := []string{what, "expected fingerprint  " + e.Expected, "actual fingerprint    " + e.Actual}
	for _, c := range e.Changed {
		lines = append(lines, "changed: "+c)
	}
	return strings.Join(lines, "\n")
}

// Hint returns what to do about it.
func (e *StaleError) Hint() string {
	if e.Run != 0 {
		return "take the change back and run the same command again, or leave the run with cairn apply abandon, and plan anew"
	}
	return "run cairn plan again, review it, then apply"
}

// LockError says that another session was in the way for too long.
type LockError struct {
	What     string
	Undone   bool             // nothing was changed
	Blockers []schema.Session // who was in the way last, as far as it was seen
	Advice   string           // what to do about it, "" for what is usual
}

func (e *LockError) Error() string { return e.What + undone(e.Undone) + blockedBy("\n", e.Blockers) }

// Hint returns what to do about it.
func (e *LockError) Hint() string {
	if e.Advice != "" {
		return e.Advice
	}
	return "run the same command again in a quieter moment, or raise --retry-for or --lock-timeout"
}

// StepError is a statement that failed.
type StepError struct {
	Step    int    // from 1
	SQL     string // the statement
	Undone  bool   // nothing was changed
	Unknown bool   // it has no transaction, and the connection broke before the server's answer
	Late    bool   // it ran into statement_timeout
	Next    string // what the statement left to do, "" for nothing
	Err     error  // the server's
}

func (e *StepError) Error() string {
	after := undone(e.Undone)
	if e.Unknown {
		after = " (it runs outside of a transaction and may have had its effect; the same command, run again, finds out)"
	}
	return fmt.Sprintf("step %d failed: %v%s%s\nstatement: %s", e.Step, e.Err, after, pg.Detail(e.Err), e.SQL)
}

// Unwrap returns the server's error.
func (e *StepError) Unwrap() error { return e.Err }

// Hint returns what the statement left to do.
func (e *StepError) Hint() string {
	if e.Next == "" && pg.IsUnqualified(e.Err) {
		return pg.QualifyHint
	}
	return e.Next
}

// DivergedError says that every step ran and the target is not as promised.
type DivergedError struct {
	Expected, Actual string   // fingerprints
	Changed          []string // objects that differ and how
}

func (e *DivergedError) Error() string {
	lines := []string{"every step ran, but the database is not in the planned state",
		"expected fingerprint  " + e.Expected, "actual fingerprint    " + e.Actual}
	for _, c := range e.Changed {
		lines = append(lines, "changed: "+c)
	}
	return strings.Join(lines, "\n")
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

// StoppedError says that a run ended with a part of its plan done. The journal
// knows which part.
type StoppedError struct {
	Run         int64
	Done, Steps int   // done, and of the plan
	Err         error // what stopped it
}

func (e *StoppedError) Error() string {
	return fmt.Sprintf("%v\nrun %d stopped after %d of %d steps", e.Err, e.Run, e.Done, e.Steps)
}

// Unwrap returns what stopped the run.
func (e *StoppedError) Unwrap() error { return e.Err }
