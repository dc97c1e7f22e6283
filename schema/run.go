package schema

import "time"

// RunState says where a run stands.
type RunState string

// The states of runs.
const (
	Running    RunState = "running"    // at work, or its process ended without a word
	Stopped    RunState = "stopped"    // ended after some of its steps; it can be resumed or undone
	Failed     RunState = "failed"     // ended before anything was changed
	Done       RunState = "done"       // ran to its end
	Undone     RunState = "undone"     // what it did was taken back by another run
	Abandoned  RunState = "abandoned"  // stopped, and nobody is to resume it
	Superseded RunState = "superseded" // stopped, and another plan was applied since
)

// Run is one application of a plan, as the journal of the target has it. Times
// are those of the server.
type Run struct {
	ID      int64      `json:"id"`
	State   RunState   `json:"state"`
	Digest  string     `json:"digest"` // of the plan
	From    string     `json:"from"`   // fingerprint that the target had
	To      string     `json:"to"`     // fingerprint that the plan leads to
	Schemas []string   `json:"schemas,omitempty"`
	Steps   int        `json:"steps"`            // of the plan
	Done    int        `json:"done"`             // steps that are done
	Undoes  int64      `json:"undoes,omitempty"` // the run that this one takes back
	Role    string     `json:"role"`             // the session's user
	Account string     `json:"account"`          // user and host that cairn ran as and on
	Client  string     `json:"client,omitempty"` // address that the server saw, "" for a local socket
	Program string     `json:"program"`          // version of cairn
	Started time.Time  `json:"started"`          //
	Ended   *time.Time `json:"ended,omitempty"`  // nil while it runs, or when its process ended without a word
	Error   string     `json:"error,omitempty"`  // what stopped it
	Active  bool       `json:"active,omitempty"` // a session is at work on it now
}

// IsOpen reports whether a run can be resumed.
func (r Run) IsOpen() bool { return r.State == Running || r.State == Stopped }

// StepOutcome says what became of a step.
type StepOutcome string

// The outcomes of steps.
const (
	OutcomeStarted StepOutcome = "started" // nobody recorded its end: it may have had its effect
	OutcomeDone    StepOutcome = "done"
	OutcomeFailed  StepOutcome = "failed"
)

// RunStep is what became of one step of a run.
type RunStep struct {
	Step    int         `json:"step"` // from 1
	Outcome StepOutcome `json:"outcome"`
	Hash    string      `json:"hash"` // sha256 of the statement, hexadecimal
	Tries   int         `json:"tries"`
	Started time.Time   `json:"started"`
	Ended   *time.Time  `json:"ended,omitempty"`
	Error   string      `json:"error,omitempty"`
}
