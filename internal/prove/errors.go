package prove

import (
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// StepError says that the server refused a step on the scratch copy.
type StepError struct {
	Step int    // from 1
	SQL  string // the statement
	Err  error  // the server's
}

func (e *StepError) Error() string {
	return fmt.Sprintf("the proof failed: step %d was refused on the shadow: %v%s\nstatement: %s", e.Step, e.Err, pg.Detail(e.Err), e.SQL)
}

// Unwrap returns the server's error.
func (e *StepError) Unwrap() error { return e.Err }

// Hint returns what to do about it.
func (e *StepError) Hint() string {
	if strings.HasPrefix(pg.Code(e.Err), "23") { // rows made for a proof fail no plan, so these are the dump's
		return "nothing was changed on the target; change the rows there before the plan is applied"
	}
	if pg.IsUnqualified(e.Err) {
		return pg.QualifyHint
	}
	return "nothing was changed on the target; if the statement is right there, plan with --no-prove, and please report the two schemas"
}

// DivergedError says that every step ran on the scratch copy, and that it is not
// in the desired state.
type DivergedError struct {
	Deltas []string // what is left, one sentence each
	Step   int      // the step at fault, from 1; 0 when no step is for what is left
	SQL    string   // its statement
}

func (e *DivergedError) Error() string {
	lines := []string{"the proof failed: after every step the shadow is not in the desired state"}
	for _, d := range e.Deltas {
		lines = append(lines, "left: "+d)
	}
	if e.Step > 0 {
		lines = append(lines, fmt.Sprintf("at fault: step %d, %s", e.Step, e.SQL))
	}
	return strings.Join(lines, "\n")
}

// Hint returns what to do about it.
func (e *DivergedError) Hint() string {
	return "nothing was changed on the target; this is a defect of cairn: please report the two schemas, and plan with --no-prove if you know better"
}
