package schema

import "time"

// PlanFormat is the version of the plan file that this program writes and the
// newest that it reads.
const PlanFormat = 1

// Plan is a reviewed list of steps from one fingerprint to another. It is the
// unit of review: what it lists is what apply runs.
type Plan struct {
	Format   int       `json:"format"`            // PlanFormat of the program that wrote it
	Cairn    string    `json:"cairn"`             // version of that program
	Created  time.Time `json:"created"`           // when it was made, UTC
	Server   int       `json:"server"`            // major version of the target
	Database Database  `json:"database"`          // the target it was made for
	Scope    Scope     `json:"scope"`             // what of the target it manages
	From     string    `json:"from"`              // fingerprint that the target must have
	To       string    `json:"to"`                // fingerprint that it then has
	Printed  []string  `json:"printed,omitempty"` // objects whose printed expressions are no part of To: a new print can be another form
	Objects  []Pin     `json:"objects"`           // hash of each object behind From, to name what changed since
	Outcome  []Pin     `json:"outcome"`           // hash behind To of each object that is another one there; no hash: it is gone
	Summary  Summary   `json:"summary"`           // counts of objects
	Changes  []Change  `json:"changes"`           // objects that are added, changed, dropped
	Steps    []Step    `json:"steps"`             // statements, in order
	Proof    *Proof    `json:"proof,omitempty"`   // how the steps were tried; nil when they were not
	Reverse  *Reverse  `json:"reverse,omitempty"` // the way back; nil where the plan has none of its own
	Findings []Finding `json:"findings"`          // what a reader has to know
	Digest   string    `json:"digest"`            // sha256 over everything above
}

// Database identifies a target without a secret.
type Database struct {
	Name   string `json:"name"`
	Host   string `json:"host"`
	System string `json:"system"` // pg_control's system identifier, "" when not readable
}

// Scope says which objects are managed.
type Scope struct {
	Schemas    []string `json:"schemas,omitempty"` // empty: every schema that is not PostgreSQL's own
	Ignore     []string `json:"ignore,omitempty"`  // patterns KIND:NAME that are left alone
	Owners     bool     `json:"owners"`            // owners are compared
	Privileges bool     `json:"privileges"`        // grants are compared
	Options    []string `json:"options,omitempty"` // what is managed because it was asked for, sorted
	Stated     []string `json:"stated,omitempty"`  // objects of the whole server that are managed with their parts; all others are left alone
}

// Pin is the hash of one object's compared content.
type Pin struct {
	Object string `json:"object"` // text of the ID
	Hash   string `json:"hash"`   // first 16 hexadecimal digits of its sha256, "" for none
}

// Summary counts objects that people name: parts of a new or dropped table are
// counted with their table.
type Summary struct {
	Add    int `json:"add"`
	Change int `json:"change"`
	Drop   int `json:"drop"`
}

// Verb says what happens to an object.
type Verb string

// The verbs of changes.
const (
	Add     Verb = "add"
	Alter   Verb = "change"
	Replace Verb = "replace"
	Drop    Verb = "drop"
)

// Change is what happens to one object, for the reader.
type Change struct {
	Verb   Verb    `json:"verb"`
	Object string  `json:"object"`           // text of the ID
	Title  string  `json:"title"`            // "column public.users.email"
	Parent string  `json:"parent,omitempty"` // text of the parent's ID
	Fields []Field `json:"fields,omitempty"` // attributes that differ
	Cause  string  `json:"cause,omitempty"`  // why an unchanged object is replaced
}

// Field is one attribute that differs.
type Field struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Step is one statement and what is known of it.
type Step struct {
	SQL       string   `json:"sql"`                      // one statement, without the closing semicolon
	Verb      Verb     `json:"verb"`                     // what it does to the object
	Object    string   `json:"object"`                   // text of the ID it is for
	Also      []string `json:"also,omitempty"`           // text of the IDs of other objects that it changes
	Relation  string   `json:"relation,omitempty"`       // table that it locks
	Lock      string   `json:"lock,omitempty"`           // strongest lock on that table: "ACCESS EXCLUSIVE"
	Rewrite   bool     `json:"rewrite,omitempty"`        // writes the whole table anew
	Scan      bool     `json:"scan,omitempty"`           // reads the whole table under that lock
	Rows      int64    `json:"rows,omitempty"`           // the server's estimate of the table's rows, -1 unknown
	Bytes     int64    `json:"bytes,omitempty"`          // size of the table
	Loses     string   `json:"loses,omitempty"`          // hazard code when data can be lost: "drop-column"
	Why       string   `json:"why,omitempty"`            // what is lost, for the reader
	Violating string   `json:"violating,omitempty"`      // FROM clause that yields a row for each one that makes the step fail
	Violation string   `json:"violation,omitempty"`      // which rows these are: "without a value in public.t.a"
	Segment   int      `json:"segment"`                  // steps of one segment share a transaction; from 1
	NoTx      bool     `json:"no_transaction,omitempty"` // runs outside a transaction, alone in its segment
	Recover   *Recover `json:"recover,omitempty"`        // how to go on when it was interrupted; nil: it can run again

	// Observed says that the lock, the locks, rewrite, scan, builds and lost are
	// what was seen when the step ran on the shadow; otherwise they are declared.
	Observed bool           `json:"observed,omitempty"`
	Locks    []RelationLock `json:"locks,omitempty"`  // every relation of the target that it locks, strongest first
	Builds   []string       `json:"builds,omitempty"` // text of the IDs of indexes that it builds
	Lost     int64          `json:"lost,omitempty"`   // rows and values that were there before and not after
	Hazards  []Hazard       `json:"hazards,omitempty"`
}

// Recover says how to go on with a statement that has no transaction and was
// interrupted.
type Recover struct {
	Done string `json:"done"`           // SQL condition: it has had its effect
	Half string `json:"half,omitempty"` // SQL condition: it has had a part of it
	Mend string `json:"mend,omitempty"` // statement that takes that part back, or does the rest
}

// RelationLock is a table-level lock on one relation, manual chapter 13.3.1.
type RelationLock struct {
	Relation string `json:"relation"` // text of the ID
	Lock     string `json:"lock"`     // "ACCESS EXCLUSIVE"
}

// Hazard is something that a step can do to data or to running applications.
type Hazard struct {
	Code       string   `json:"code"`               // stable: "drop-column"
	Severity   Severity `json:"severity"`           //
	Object     string   `json:"object,omitempty"`   // text of the ID
	Message    string   `json:"message"`            // what happens here, one sentence
	Instead    string   `json:"instead,omitempty"`  // the safe alternative
	Rows       int64    `json:"rows,omitempty"`     // the server's estimate for the table, -1 unknown
	Bytes      int64    `json:"bytes,omitempty"`    // size of the table
	Duration   string   `json:"duration,omitempty"` // class of its duration on this table: "instant", "seconds", "minutes", "hours"
	Compatible bool     `json:"compatible"`         // the running application goes on as before
}

// Severity says how much a hazard matters.
type Severity string

// The severities of hazards.
const (
	Danger  Severity = "danger"  // data is lost, or running code fails
	Warning Severity = "warning" // sessions can wait, or work can be lost
	Note    Severity = "note"    // good to know
)

// Proof says how the steps of a plan were tried on the shadow.
type Proof struct {
	Reach   string   `json:"reach"`             // "closure": what the plan touches and what that needs; "full": the whole database
	Objects int      `json:"objects"`           // how many were built
	Seeded  int64    `json:"seeded"`            // rows in the tables that the plan touches
	Empty   []string `json:"empty,omitempty"`   // touched tables that no row could be made for, text of the IDs
	Omitted []string `json:"omitted,omitempty"` // what the shadow could not try, one sentence each
}

// Reverse is the plan from the end back to the start.
type Reverse struct {
	Steps        []Step   `json:"steps"`
	Irreversible []string `json:"irreversible,omitempty"` // what it cannot bring back, one sentence each
}

// Allowance returns the word that --allow takes to permit the step, such as
// "drop-column:public.users.email", or "" when nothing can be lost.
func (s Step) Allowance() string {
	if s.Loses == "" {
		return ""
	}
	return s.Loses + ":" + s.Name()
}

// Name returns the qualified name of the step's object: "public.users.email".
func (s Step) Name() string {
	_, name, _ := cutKinds(s.Object)
	return name
}

// Finding is something a reader has to know about a plan or a state.
type Finding struct {
	Code    string `json:"code"`             // stable, "unmanaged", "data-in-schema"
	Object  string `json:"object,omitempty"` // text of the ID
	Former  string `json:"former,omitempty"` // text of the ID that the object may have had
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`   // from 1
	Column  int    `json:"column,omitempty"` // from 1
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}
