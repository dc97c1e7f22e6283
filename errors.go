package cairn

import (
	"strconv"
	"strings"

	"github.com/cairn-db/cairn/internal/apply"
	"github.com/cairn-db/cairn/internal/hazard"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/prove"
	"github.com/cairn-db/cairn/schema"
)

// StaleError says that the target is not in the state the plan was made for.
type StaleError = apply.StaleError

// TargetError says that a plan was made for another database than the target.
type TargetError struct {
	Planned, Target schema.Database
}

func (e *TargetError) Error() string {
	return "the plan was made for another database\nplanned for  " + place(e.Planned) + "\nthe target   " + place(e.Target)
}

// Hint returns what to do about it.
func (e *TargetError) Hint() string {
	return "connect to the database that the plan is for, or run cairn plan against this one and review that"
}

// place says which database it is.
func place(d schema.Database) string {
	text := "database " + d.Name
	if d.Host != "" {
		text += " at " + d.Host
	}
	if d.System != "" {
		text += ", server " + d.System
	}
	return text
}

// LockError says that another session was in the way for too long.
type LockError = apply.LockError

// PoolerError says that the target is behind a pooler that gives each
// transaction another session.
type PoolerError = pg.PoolerError

// StepError is a statement of a plan that failed.
type StepError = apply.StepError

// StoppedError says that a run ended with a part of its plan done.
type StoppedError = apply.StoppedError

// VerifyError says that a query does not hold when the plan has run.
type VerifyError = apply.VerifyError

// ViolationError says that rows of the target would make a plan fail.
type ViolationError = apply.ViolationError

// UnprovenError says that the server refused a step on the shadow.
type UnprovenError = prove.StepError

// DivergedError says that the steps did not lead to the desired state on the
// shadow.
type DivergedError = prove.DivergedError

// RefusedError says that a plan has steps that can lose data and were not
// permitted.
type RefusedError struct {
	Steps []schema.Step
}

func (e *RefusedError) Error() string {
	lines := []string{"the plan can lose data"}
	for _, s := range e.Steps {
		lines = append(lines, s.Allowance()+": "+s.Why)
	}
	return strings.Join(lines, "\n")
}

// Hint returns the flags that permit the steps.
func (e *RefusedError) Hint() string {
	return "permit each with --allow " + e.Steps[0].Allowance() + " or all with --allow-destructive"
}

// DeniedError says that the policy forbids hazards of a plan.
type DeniedError = hazard.DeniedError

// UnmanagedError says that objects exist that no kind covers, and that this was
// asked to be an error.
type UnmanagedError struct {
	Findings []schema.Finding
}

func (e *UnmanagedError) Error() string {
	lines := []string{"objects that are not managed exist, and --strict was given"}
	for _, f := range e.Findings {
		lines = append(lines, f.Message)
	}
	return strings.Join(lines, "\n")
}

// hinted is an error with the next thing to try.
type hinted struct {
	error
	hint string
}

// Hint returns the next thing to try.
func (h hinted) Hint() string { return h.hint }

// Unwrap returns the error without its hint.
func (h hinted) Unwrap() error { return h.error }

func itoa(n int) string { return strconv.Itoa(n) }
