// Package cairn changes PostgreSQL schemas safely: it reads the schema of a
// database or of SQL files, plans the way from one to the other, and runs the
// reviewed plan. The command line in cmd/cairn is a caller of this package.
package cairn

import (
	"io"
	"log/slog"
	"time"

	"github.com/cairn-db/cairn/schema"
)

// Options configures an Engine. The zero value of each field has a default.
type Options struct {
	Version  string              // version of the program, written into plans; default "devel"
	Getenv   func(string) string // environment; default: an empty one
	Logger   *slog.Logger        // default: discards
	Events   func(schema.Event)  // called as long work proceeds; default: nobody listens
	Stdin    io.Reader           // what the source "-" reads; default: empty
	CacheDir string              // default: the user's cache directory
	DataDir  string              // home of embedded databases; default: the user's data directory
}

// Connection says how to reach a database, in libpq's terms.
type Connection struct {
	Database string // database name, key=value string, URL, or "embedded:NAME"; "" is libpq's default
	Host     string // overrides the host of Database
	Port     string // overrides its port
	User     string // overrides its user
	SSLMode  string // overrides its sslmode

	ApplicationName string // default "cairn"
}

// Mode says whether owners or privileges are managed.
type Mode string

// The modes of Selection.Owners and Selection.Privileges.
const (
	Auto Mode = "auto" // only when the desired state states any
	All  Mode = "all"
	None Mode = "none"
)

// Selection says what of a database is managed.
type Selection struct {
	Schemas    []string // empty: every schema that is not PostgreSQL's own
	Ignore     []string // patterns KIND:NAME with *, such as "table:public.tmp_*"
	Owners     Mode     // default Auto
	Privileges Mode     // default Auto
	Roles      bool     // roles of the server are managed, with what files state of them
	Database   bool     // settings, comment and privileges of the database itself are managed
	Strict     bool     // objects that no kind covers are an error
	Decisions  Decisions
}

// Decisions are answers to what a plan must not guess, by the text of
// identities such as "column:public.users.name".
type Decisions struct {
	Renames map[string]string // old to new identity
	Drops   []string          // objects that are dropped and not renamed
}

// complete settles Auto for a desired state that leaves nothing open.
func (s Selection) complete() Selection {
	for _, mode := range []*Mode{&s.Owners, &s.Privileges} {
		if *mode == Auto || *mode == "" {
			*mode = All
		}
	}
	return s
}

// Scratch says where the desired state is built when it comes as SQL.
type Scratch struct {
	Shadow     string   // URL of a scratch database, "target", or "" for a local server
	Version    int      // major version; 0: that of the target
	Extensions []string // extensions to create before the files are loaded
	NoCache    bool     // read and write no cached states
}

// PlanRequest asks for the plan that makes Target look like Desired.
type PlanRequest struct {
	Target    Connection
	Desired   string // a state, see Engine.Plan
	Selection Selection
	Scratch   Scratch
	Offline   bool   // nobody else uses the target: plain statements in few transactions
	Prove     Reach  // default Closure
	Policy    Policy // what of hazards is allowed; nil: everything
	OnlySafe  bool   // leave out what is dangerous, loses data or is denied, and list it
}

// Reach says how much of the target is copied for the proof of a plan.
type Reach string

// The reaches of proofs.
const (
	Closure Reach = "closure" // what the plan touches, and what that needs
	Full    Reach = "full"    // the whole database
	NoProof Reach = "none"
)

// ProveRequest asks to try a saved plan.
type ProveRequest struct {
	Target   Connection
	Plan     *schema.Plan
	Scratch  Scratch
	WithData string // a dump to restore and to run the plan on: a file, a directory, or "-"; "" for seeded rows
}

// ProveResult is what a trial of a saved plan has shown.
type ProveResult struct {
	Plan        *schema.Plan    // with what was observed
	Elapsed     []time.Duration // of each step
	Unvalidated []string        // constraints that rows may violate afterwards, described; only with data
}

// DiffRequest asks for the plan from one state to another, neither of which
// has to be a database.
type DiffRequest struct {
	From, To  string // states, see Engine.Plan
	Selection Selection
	Scratch   Scratch
	Offline   bool // as in PlanRequest
}

// ApplyRequest asks to run a plan.
type ApplyRequest struct {
	Target           Connection
	Plan             *schema.Plan
	AllowDestructive bool          // permit every step that can lose data
	Allow            []string      // permit these, as Step.Allowance names them
	Policy           Policy        // hazards that it denies are refused, whatever is permitted
	LockTimeout      time.Duration // default 3 s
	RetryFor         time.Duration // how long a transaction that does not get its locks is tried again; default 10 minutes, negative for one try
	StatementTimeout time.Duration // default: no limit
	Wait             time.Duration // for another run on the same database; default 1 minute

	// TerminateBlockersAfter ends the client sessions that keep the run from one
	// lock for so long, over all its tries; default: never.
	TerminateBlockersAfter time.Duration
}

// ApplyResult is what a run did.
type ApplyResult struct {
	Steps       int           `json:"steps"`       // statements that ran
	Elapsed     time.Duration `json:"elapsed"`     // from the lock to the confirmation
	Fingerprint string        `json:"fingerprint"` // of the target afterwards
	LongestWait time.Duration `json:"-"`           // for one lock, as far as it was seen
}

// DumpRequest asks for the SQL that builds a state again.
type DumpRequest struct {
	From      string     // a state, see Engine.Plan; "" for Target
	Target    Connection // read when From is ""
	Selection Selection
	Scratch   Scratch
	Split     bool // a file for each object that stands by itself, instead of one for all
}

// SnapshotRequest asks for a state as it is. The selection only says where files
// without qualified names go, and whether roles and the settings of the database
// are read; nothing is left out.
type SnapshotRequest struct {
	From      string     // a state, see Engine.Plan; "" for Target
	Target    Connection // read when From is ""
	Selection Selection
	Scratch   Scratch
}

// File is one file of a dump.
type File struct {
	Name string // relative path with slashes, "public/table/users.sql"
	Text string
}

// Check is one line of Doctor's report.
type Check struct {
	Name    string `json:"name"` // "connection", "server version", "shadow"
	OK      bool   `json:"ok"`
	Message string `json:"message"` // what was found
	Hint    string `json:"hint,omitempty"`
}
