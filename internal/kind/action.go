package kind

import (
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// Action is one statement and what is declared about it.
//
// A statement that others can be folded into is written as Open, Lead, Fragments
// and Close; every other one as SQL.
type Action struct {
	SQL string // the statement, without the closing semicolon

	Open      string     // text before the fragments
	Lead      string     // text after it when there are fragments
	Fragments []Fragment // joined by Separator
	Separator string
	Close     string // text after the fragments

	// Alters are the words that the statement begins with, up to the change, where
	// several changes can share them: "ALTER TABLE public.users ".
	Alters string

	// Into is the object whose statement can take this one in, or nil: a fragment
	// of that statement, or its container. Folding adds Fragments to the
	// container, or Suffix to the text of the fragment.
	Into   *schema.ID
	Suffix string

	Relation schema.ID   // relation that it locks; zero when nothing that sessions wait for
	Lock     Lock        // strongest lock on that relation
	Also     []Held      // other relations that it locks
	Makes    []schema.ID // objects of other names that it makes for a while, or that another statement made for it
	Rewrite  bool        // writes the whole table anew
	Scan     bool        // reads the whole table under that lock
	NoTx     bool        // cannot run inside a transaction
	Commit   bool        // has to be committed before its effect can be used
	Loses    string      // hazard code when data can be lost: "drop-column"
	Why      string      // what can be lost, a short sentence
	// Violating is the FROM clause that yields a row for each one that makes the
	// statement fail, and Violation says which rows these are.
	Violating, Violation string

	// Online is the form for a relation that other sessions use; nil where the
	// action itself does not keep them waiting.
	Online *Online

	Hazards []Hazard // what rows, locks and transactions do not tell

	Recover *Recover // how to go on when it was interrupted; only with NoTx
}

// Recover says how to go on with a statement that has no transaction and was
// interrupted, so that it may have had its effect, none, or a part of it. Without
// Done it does no harm to run the statement again.
type Recover struct {
	Done string // SQL condition: it has had its effect
	Half string // SQL condition: it has had a part of it
	Mend string // statement that takes that part back, or does the rest
}

// What a plan makes for a while has a name of its own: with Aside in front where
// an object is out of its successor's way, with Beside where one is made while
// another has the name, or helps to make it.
const (
	Aside  = "cairn_old_"
	Beside = "cairn_new_"
)

// IsHelper reports whether the object, or the one that it is about or a part of,
// has such a name.
func IsHelper(id schema.ID) bool {
	for _, name := range []string{id.Name, id.Part} {
		if strings.HasPrefix(name, Aside) || strings.HasPrefix(name, Beside) {
			return true
		}
	}
	return false
}

// Fragment is the part of a statement that stands for one object.
type Fragment struct {
	ID   schema.ID
	Text string
}

// Online is an action in parts. What takes long runs in transactions of its own,
// under locks that let other sessions read and write.
type Online struct {
	Before  []Action // long; the old form of the object is still there
	Now     []Action // short; takes the place of the action
	After   []Action // long
	Finally []Action // short

	First []Action // short; before anything happens to the parts of the object
	Last  []Action // short; after everything has happened to its parts
}

// Held is a lock on one relation.
type Held struct {
	Relation schema.ID
	Lock     Lock
}

// Statement returns the text to run.
func (a Action) Statement() string {
	if a.SQL != "" {
		return a.SQL
	}
	var b strings.Builder
	b.WriteString(a.Open)
	for i, f := range a.Fragments {
		if i > 0 {
			b.WriteString(a.Separator)
		} else {
			b.WriteString(a.Lead)
		}
		b.WriteString(f.Text)
	}
	b.WriteString(a.Close)
	return b.String()
}

// Do returns a slice of plain statements.
func Do(statements ...string) []Action {
	actions := make([]Action, len(statements))
	for i, s := range statements {
		actions[i] = Action{SQL: s}
	}
	return actions
}

// Ctx is what a kind may ask while it turns deltas into actions.
type Ctx struct {
	Server   int           // major version of the target
	Old, New *schema.State // both sides of the comparison
	Kinds    *Set
	Online   bool // the plan uses the online forms of actions

	// Turns says what the plan does to an object; one that it drops to create anew
	// is both. It is nil where there is no plan.
	Turns func(schema.ID) (dropped, created bool)

	helpers map[string]bool // names of helpers on both sides
	ties    map[*schema.State]*Ties
}

// Created reports whether the plan creates the object, or drops and creates it.
func (c *Ctx) Created(id schema.ID) bool {
	if c.Turns == nil {
		return false
	}
	_, created := c.Turns(id)
	return created
}

// Dropped reports whether the plan drops the object, or drops and creates it.
func (c *Ctx) Dropped(id schema.ID) bool {
	if c.Turns == nil {
		return false
	}
	dropped, _ := c.Turns(id)
	return dropped
}

// Ref returns how DDL addresses the object.
func (c *Ctx) Ref(id schema.ID) string { return c.Kinds.Ref(id) }

// InUse reports whether the plan is online and other sessions can use the
// relation, because the plan does not create it.
func (c *Ctx) InUse(relation schema.ID) bool {
	return c.Online && c.Old.Objects[relation] != nil && !c.Created(relation)
}

// HasHelper reports whether one of the states has a helper of the name: a run
// that was interrupted leaves some.
func (c *Ctx) HasHelper(name string) bool {
	if c.helpers == nil {
		c.helpers = map[string]bool{}
		for _, s := range []*schema.State{c.Old, c.New} {
			for id := range s.Objects {
				if IsHelper(id) {
					c.helpers[id.Name], c.helpers[id.Part] = true, true
				}
			}
		}
	}
	return c.helpers[name]
}

// Words joins the words that are not empty with spaces.
func Words(words ...string) string {
	var b strings.Builder
	for _, w := range words {
		if w == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}
