package schema

import (
	"bytes"
	"encoding/json"
	"time"
)

// Event tells a listener what long work is doing. In JSON its times are
// milliseconds and have names that end in _ms.
type Event struct {
	Time     time.Time     `json:"time"`
	Name     string        `json:"event"`              // one of the constants, or what was done before the steps: "read", "recall", "build", "cache", "derive"
	Step     int           `json:"step,omitempty"`     // from 1
	Steps    int           `json:"steps,omitempty"`    // how many there are
	Message  string        `json:"message,omitempty"`  // for the reader, one line
	Elapsed  time.Duration `json:"-"`                  // since the step began, or what it took
	Waited   time.Duration `json:"-"`                  // how long the step has been waiting for the lock that it waits for now; 0 when it waits for none
	Sessions []Session     `json:"sessions,omitempty"` // that the event is about
	Progress *Progress     `json:"progress,omitempty"` // nil where the server does not report any
}

// The events of a run. A step begins with "step-start" and ends with "step-done";
// one that is tried again begins again. What its transaction waits for before its
// first statement is told with the number of that step.
const (
	StepStart        = "step-start"
	StepDone         = "step-done"
	StepProgress     = "progress"          // the step is running still; several times a second
	Wait             = "wait"              // a try was given up, or another run is waited for
	Blocked          = "blocked"           // sessions keep the step from a lock: not those that did before
	Terminated       = "terminated"        // these sessions were ended for it
	NotTerminated    = "not-terminated"    // they should have been, and Message says why not
	LongTransactions = "long-transactions" // the step waits for these to end
	Resume           = "resume"            // a run that stopped goes on
	Verified         = "verified"          // what has to hold does
	Unwatched        = "unwatched"         // no second session looks at the run, and Message says why
)

// Progress is how far a step is, as the server reports it.
type Progress struct {
	Phase string `json:"phase,omitempty"` // "building index: scanning table"
	Done  int64  `json:"done"`            // -1 unknown
	Total int64  `json:"total"`           // -1 unknown
	Unit  string `json:"unit,omitempty"`  // "blocks", "rows", "bytes", "transactions"
	PID   int    `json:"pid,omitempty"`   // of the session whose transaction it waits for
}

// Session is a session of the server that is in the way, or a prepared
// transaction, which has none. What the reader's role may not see is empty.
type Session struct {
	PID         int           `json:"pid"`                // 0 for a prepared transaction
	Prepared    string        `json:"prepared,omitempty"` // the name of the prepared transaction
	User        string        `json:"user,omitempty"`
	Application string        `json:"application,omitempty"`
	Client      string        `json:"client,omitempty"` // address, "local" for a unix socket
	Type        string        `json:"type,omitempty"`   // "client backend", "autovacuum worker"
	State       string        `json:"state,omitempty"`  // "active", "idle in transaction"
	Age         time.Duration `json:"-"`                // of its transaction
	Query       string        `json:"query,omitempty"`  // that it runs or ran last, shortened, without passwords
}

// MarshalJSON writes the durations as milliseconds.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	return encode(struct {
		plain
		Elapsed float64 `json:"elapsed_ms,omitempty"`
		Waited  float64 `json:"waited_ms,omitempty"`
	}{plain(e), milliseconds(e.Elapsed), milliseconds(e.Waited)})
}

// MarshalJSON writes the duration as milliseconds.
func (s Session) MarshalJSON() ([]byte, error) {
	type plain Session
	return encode(struct {
		plain
		Age float64 `json:"transaction_age_ms,omitempty"`
	}{plain(s), milliseconds(s.Age)})
}

// encode leaves the signs of comparison in statements as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// milliseconds keeps microseconds, which is what clocks are good for.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
