// Package kind is the contract between the generic engine and what PostgreSQL
// knows about one kind of object. Nothing in this package names a kind.
//
// A kind says how its objects look in the catalog, and how they are created,
// altered and dropped. Everything else (comparing, ordering, planning) follows
// from the graph of dependencies that PostgreSQL records.
package kind

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// Spec describes one kind whose compared attributes are the fields of T.
//
// A field tagged info:"true" is used to create an object and never compared;
// it has no entry in Alter. One tagged print:"true" holds what the server prints
// of a stored expression; two prints can be of one expression.
//
// T's fields are of type string, bool, int64 or []string; the name of an
// attribute is the lower-case name of its field.
//
// Where an object and what it needs need each other, as a type and its input
// function do, the object is Shelled: its parent is a shell that is created
// first and that the other ones need instead. The three of them go together,
// with the statement that drops the shell.
//
// Query returns one row per object. Columns are found by name; all are optional
// but the first three and name:
//
//	classid, objid, objsubid   catalog address, as pg_depend writes it
//	schema, name, args, part   identity, the fields of schema.ID
//	role                       role of the identity; Creator when no statement said which
//	of                         kind of the subject, when it is named and not found by its address
//	pclass, pobj, psub         address of the parent
//	uses                       json array of [classid, objid] that a part needs, where pg_depend
//	                           records them as needs of the parent
//	ord                        place among the parts of the same parent, never compared
//	builtin                    whether every new database has it
//	owner                      name of the owning role
//	aclowner                   the same for an object that has no owner of its own
//	acl, acldefault            json arrays of the access control items, and of those that a
//	                           new object has; acl is NULL when nothing was ever granted
//	tuples, bytes              size of a relation
//
// Every other column is the attribute of that name. A boolean is printed by the
// server as t or f, a []string as a json array; NULL reads as the zero value.
// Queries run with an empty search_path, so that every printed name is qualified.
type Spec[T any] struct {
	Name  string                  // key in identities, configuration and documentation: "policy"
	SQL   string                  // words of COMMENT ON and ALTER ... OWNER TO: "POLICY"
	Grant string                  // words of GRANT ... ON; "" when nothing can be granted on it
	Doc   string                  // what is supported and what is not; docs/objects.md is made of it
	Rank  int                     // place among statements that no dependency orders; lower first
	Since int                     // first server version that has the kind, 0 for all
	Query func(server int) string // see above
	// Found is what follows FROM in a small query that has rows wherever Query
	// has some: "pg_policy". Query is planned and run only where it has any. It is
	// empty for what nearly every database has.
	Found string
	// Restricted is Query for a reader who is no superuser, where that may not
	// read everything. Fields without a column in it are not compared.
	Restricted func(server int) string

	// Ref is how DDL addresses the object: "public.users", or for a part
	// "email_check ON public.users", as COMMENT ON wants it after the SQL words.
	Ref    func(schema.ID) string
	Create func(*Ctx, schema.ID, T) []Action
	Drop   func(*Ctx, schema.ID, T) []Action

	// Alter has one entry for each field of T. A nil entry, and one that returns
	// nil, means that the object is dropped and created. An empty slice that is
	// not nil (Nothing) means that there is nothing to run.
	Alter Alter[T]

	// Rebuild names the fields whose change makes PostgreSQL refuse while
	// dependents exist that are not Carried; those are dropped and created.
	Rebuild map[string]bool

	Extra func(*schema.State, schema.ID, T) []schema.ID // needs that pg_depend does not record
	// Rename returns the statement that gives the object, which is at its old
	// name, another one; nil for objects that keep theirs. RenameTo is the usual.
	Rename func(k *Kind, at schema.ID, name string) string

	Roles func(schema.ID, T) []string // roles that have to exist for the object to
	Names func(schema.ID, T) []string // names taken in namespaces that kinds share: "relation public.users"

	// After returns objects of the state whose changes come before this one is
	// created, and after it is dropped, although it does not need them.
	After func(*Ctx, *schema.State, schema.ID, T) []schema.ID
	// Ends reports whether a change in place takes the object's effect away. With
	// it, After holds for changes in place too: as for the drop of the object
	// when they do, else as for its creation.
	Ends func(old, new T) bool
	// Follows returns objects whose change PostgreSQL repeats in this one: both
	// are created, altered or dropped by one statement.
	Follows func(*Ctx, schema.ID, T) []schema.ID
	// Bound returns objects of the old state without whose drop this one cannot go.
	Bound func(*Ctx, schema.ID, T) []schema.ID

	// Tied reports whether another object ties this one to what it needs: that
	// tie goes when the need is dropped and created, and the object stays.
	Tied func(id, need schema.ID) bool

	// Copy returns the statement that gives an object of a scratch copy, which was
	// created, what no statement of a user gives it; "" where nothing is missing.
	Copy func(schema.ID, T) string

	// Settle returns what has to follow the creation of any object, on the kind
	// whose satellites PostgreSQL makes with it.
	Settle func(*Ctx, *schema.Object) []Action

	Satellite Satellite // set on kinds whose objects describe others
	Inline    bool      // created inside the statement that creates its parent
	Carried   bool      // PostgreSQL carries it over when a Rebuild field of something it needs changes
	Detach    bool      // is dropped by itself, although its parent goes too, when it needs another object that goes
	Early     bool      // exists before its parent; another object ties them
	Whole     bool      // what needs it is built after the changes of its parts, and of what it needs itself that is Whole
	Shelled   bool      // its parent is a shell, see below
	Heir      bool      // has needs of what it needs too, as copies that change with it; they are no needs
	Loose     bool      // automatic dependencies of its objects are no needs; the parent says what is left of them
	Privilege bool      // is managed where privileges are
	Role      bool      // its objects are the roles that Roles returns
	Option    Option    // is read and managed only when this is asked for
	Heavy     bool      // counted and named in summaries although it is a part
	Soon      bool      // takes PostgreSQL the longer to create the more there is: what it needs comes before others of its rank

	// InDatabase returns the identity in a database of another name, for objects
	// whose identity has the name of the database that they are in.
	InDatabase func(id schema.ID, database string) schema.ID

	// Carry reports for one object what Carried says for all of its kind.
	Carry func(T) bool
	// Retarget returns what to run instead of drop and create when an object
	// that this one needs is dropped and created; nil when that is impossible.
	Retarget func(c *Ctx, id schema.ID, old, new T, replaced schema.ID) []Action
	// Aside moves the object out of the way under the name returned, so that
	// its successor can be created before it is dropped with DropAside.
	Aside     func(*Ctx, schema.ID, T) []Action
	DropAside func(*Ctx, schema.ID, T) []Action
	// Overlap reports whether online the old form stays aside until its
	// successor is complete, because sessions use it.
	Overlap func(T) bool

	// Hazards returns what a turn does to running applications beside what its
	// actions say of locks, rewrites and lost data.
	Hazards func(*Ctx, Turn[T]) []Hazard
}

// Alter maps the lower-case name of each field to what changes it in place.
type Alter[T any] map[string]func(c *Ctx, id schema.ID, old, new T) []Action

// RenameTo returns ALTER ... RENAME TO.
func RenameTo(k *Kind, at schema.ID, name string) string {
	return "ALTER " + k.SQL + " " + k.Ref(at) + " RENAME TO " + pg.QuoteIdent(name)
}

// Creator stands in identities for the role that creates what a plan creates,
// where files leave open which role they mean.
const Creator = "$creator"

// Option is something that is managed only when it is asked for.
type Option string

// The options.
const (
	// Roles are objects of the whole server. One that the desired state does not
	// have is left alone, unless it is a part of one that it has.
	Roles Option = "roles"
	// Database is what belongs to the database and is in no schema.
	Database Option = "database settings"
)

// Nothing is the result of an Alter entry that has nothing to run.
var Nothing = []Action{}

// Satellite says where the objects of a satellite kind are read.
type Satellite int

// The sources of satellites.
const (
	NotSatellite Satellite = iota
	FromQuery              // its own query: the address is the subject's
	FromOwner              // the owner column of every kind
	FromACL                // the acl columns of every kind
)

// Kind is a Spec without its type parameter.
type Kind struct {
	Name, SQL, Grant, Doc string
	Since                 int
	Rank                  int
	Satellite             Satellite
	Inline                bool
	Detach, Early, Loose  bool
	Privilege, Role       bool
	Option                Option
	Heavy, Whole, Soon    bool
	Shelled, Heir         bool
	Rebuild               map[string]bool
	CarriedOver           func(*schema.Object) bool // PostgreSQL carries the object over when something it needs is rebuilt
	Fields                []string                  // attribute names, in order
	Info                  map[string]bool           // those that are never compared
	Printed               map[string]bool           // those that the server prints of stored expressions
	CanSwap               bool                      // has Aside

	Query      func(server int) string
	Found      string
	Restricted func(server int) string
	Ref        func(schema.ID) string
	Rename     func(k *Kind, at schema.ID, name string) string
	Create     func(*Ctx, *schema.Object) []Action
	Drop       func(*Ctx, *schema.Object) []Action
	Alter      func(c *Ctx, d schema.Delta) (actions []Action, inPlace bool)
	Retarget   func(c *Ctx, old, new *schema.Object, replaced schema.ID) []Action
	Aside      func(*Ctx, *schema.Object) []Action
	DropAside  func(*Ctx, *schema.Object) []Action
	Overlap    func(*schema.Object) bool
	Extra      func(*schema.State, *schema.Object) []schema.ID
	After      func(*Ctx, *schema.State, *schema.Object) []schema.ID
	Ends       func(old, new *schema.Object) bool
	Follows    func(*Ctx, *schema.Object) []schema.ID
	Bound      func(*Ctx, *schema.Object) []schema.ID
	Tied       func(id, need schema.ID) bool
	Copy       func(*schema.Object) string
	Settle     func(*Ctx, *schema.Object) []Action
	Names      func(*schema.Object) []string
	Roles      func(*schema.Object) []string
	InDatabase func(id schema.ID, database string) schema.ID

	decodes func(*schema.Object) error
}

// Set is a registry of kinds.
type Set struct {
	kinds  []*Kind
	byName map[string]*Kind
	ties   map[*schema.State]*Ties // see Knowing
}

// All returns the kinds in the order of their definition.
func (s *Set) All() []*Kind { return s.kinds }

// Get returns the kind of that name, or nil.
func (s *Set) Get(name string) *Kind { return s.byName[name] }

// Of returns the kind of the identified object. It panics for a kind that was
// never defined: states are checked when they are read.
func (s *Set) Of(id schema.ID) *Kind {
	k := s.byName[id.Kind]
	if k == nil {
		panic("kind: no kind is named " + id.Kind)
	}
	return k
}

// Without returns the set that lacks one kind, as that of a version of Cairn
// which did not know it yet.
func (s *Set) Without(name string) *Set {
	less := &Set{byName: map[string]*Kind{}}
	for _, k := range s.kinds {
		if k.Name != name {
			less.kinds = append(less.kinds, k)
			less.byName[k.Name] = k
		}
	}
	return less
}

// Option returns what the object, or what it describes, is managed with; "" when
// it always is.
func (s *Set) Option(id schema.ID) Option { return s.Of(id.Subject()).Option }

// Role returns the identity of a role, the zero value when no kind has roles.
func (s *Set) Role(name string) schema.ID {
	for _, k := range s.kinds {
		if k.Role {
			return schema.ID{Kind: k.Name, Name: name}
		}
	}
	return schema.ID{}
}

// InDatabase returns the identity as it is in a database of another name.
func (s *Set) InDatabase(id schema.ID, database string) schema.ID {
	subject := id.Subject()
	if id.Kind == "" || s.Of(subject).InDatabase == nil {
		return id
	}
	moved := s.Of(subject).InDatabase(subject, database)
	if id.IsSatellite() {
		moved = moved.Satellite(id.Kind)
		moved.Role = id.Role
	}
	return moved
}

// Ref returns how DDL addresses the object.
func (s *Set) Ref(id schema.ID) string { return s.Of(id).Ref(id) }

// Define adds a kind to the set. It panics on a field of T without an entry in
// Alter and on an entry without a field, so that a mistake shows at start-up.
func Define[T any](set *Set, s Spec[T]) *Kind {
	fields, info := fieldsOf[T](s.Name)
	checkRules(s, fields, info)
	k := &Kind{
		Name: s.Name, SQL: s.SQL, Grant: s.Grant, Doc: s.Doc, Since: s.Since, Rank: s.Rank,
		Satellite: s.Satellite, Inline: s.Inline, Detach: s.Detach, Early: s.Early,
		Loose: s.Loose, Privilege: s.Privilege, Role: s.Role, Option: s.Option, InDatabase: s.InDatabase, Heavy: s.Heavy, Whole: s.Whole, Soon: s.Soon, Shelled: s.Shelled, Heir: s.Heir, Settle: s.Settle, Tied: s.Tied, Rebuild: s.Rebuild, CanSwap: s.Aside != nil,
		Fields: fields, Info: info, Printed: tagged[T]("print"),
		Query: s.Query, Found: s.Found, Restricted: s.Restricted, Ref: s.Ref, Rename: s.Rename,
	}
	k.Create, k.Drop = creator(s), dropper(s, s.Drop)
	k.Alter = alterer(s)
	k.decodes = func(o *schema.Object) error { _, err := tryDecode[T](o); return err }
	k.Extra = func(st *schema.State, o *schema.Object) []schema.ID {
		if s.Extra == nil {
			return nil
		}
		return s.Extra(st, o.ID, decode[T](o))
	}
	k.After = func(c *Ctx, st *schema.State, o *schema.Object) []schema.ID {
		if s.After == nil {
			return nil
		}
		return s.After(c, st, o.ID, decode[T](o))
	}
	if s.Ends != nil {
		k.Ends = func(old, new *schema.Object) bool { return s.Ends(decode[T](old), decode[T](new)) }
	}
	k.Follows, k.Bound = related(s.Follows), related(s.Bound)
	k.Names, k.Roles = named(s.Names), named(s.Roles)
	k.Copy = func(o *schema.Object) string {
		if s.Copy == nil {
			return ""
		}
		return s.Copy(o.ID, decode[T](o))
	}
	k.CarriedOver = func(o *schema.Object) bool {
		return s.Carried || s.Satellite != NotSatellite || s.Carry != nil && s.Carry(decode[T](o))
	}
	k.Retarget = func(c *Ctx, old, new *schema.Object, replaced schema.ID) []Action {
		if s.Retarget == nil {
			return nil
		}
		return s.Retarget(c, new.ID, decode[T](old), decode[T](new), replaced)
	}
	if s.Aside != nil {
		k.Aside = dropper(s, s.Aside)
		k.DropAside = func(c *Ctx, o *schema.Object) []Action { return s.DropAside(c, o.ID, decode[T](o)) }
	}
	k.Overlap = func(o *schema.Object) bool { return s.Overlap != nil && s.Overlap(decode[T](o)) }
	if set.byName == nil {
		set.byName = map[string]*Kind{}
	}
	if set.byName[s.Name] != nil {
		panic("kind: " + s.Name + " is defined twice")
	}
	set.kinds = append(set.kinds, k)
	set.byName[s.Name] = k
	return k
}

// related removes the type parameter from a function of the context.
func related[T any](f func(*Ctx, schema.ID, T) []schema.ID) func(*Ctx, *schema.Object) []schema.ID {
	return func(c *Ctx, o *schema.Object) []schema.ID {
		if f == nil {
			return nil
		}
		return f(c, o.ID, decode[T](o))
	}
}

// named removes the type parameter from a function of one object.
func named[T any](f func(schema.ID, T) []string) func(*schema.Object) []string {
	return func(o *schema.Object) []string {
		if f == nil {
			return nil
		}
		return f(o.ID, decode[T](o))
	}
}

// alterer returns the function that runs the entries of the changed fields.
// Entries that return the same statement count once.
func alterer[T any](s Spec[T]) func(*Ctx, schema.Delta) ([]Action, bool) {
	return func(c *Ctx, d schema.Delta) ([]Action, bool) {
		id, old, new := d.ID(), decode[T](d.Old), decode[T](d.New)
		actions := []Action{}
		for _, field := range d.Changed {
			change := s.Alter[field]
			if change == nil {
				return nil, false
			}
			more := change(c, id, old, new)
			if more == nil {
				return nil, false
			}
			for _, a := range warned(s, c, Turn[T]{ID: id, Field: field, Old: &old, New: &new}, more) {
				i := slices.IndexFunc(actions, func(b Action) bool { return a.Statement() == b.Statement() })
				if i < 0 {
					actions = append(actions, a)
					continue
				}
				actions[i].Hazards = append(actions[i].Hazards, a.Hazards...)
			}
		}
		return actions, true
	}
}

func checkRules[T any](s Spec[T], fields []string, info map[string]bool) {
	for _, f := range fields {
		if _, ok := s.Alter[f]; ok == info[f] {
			panic(fmt.Sprintf("kind %s: field %s needs either an entry in Alter or the tag info", s.Name, f))
		}
	}
	for f := range s.Alter {
		if !slices.Contains(fields, f) {
			panic(fmt.Sprintf("kind %s: Alter has an entry %s that is no field", s.Name, f))
		}
	}
	for f := range s.Rebuild {
		if !slices.Contains(fields, f) {
			panic(fmt.Sprintf("kind %s: Rebuild has an entry %s that is no field", s.Name, f))
		}
	}
}

func fieldsOf[T any](kind string) (fields []string, info map[string]bool) {
	t := reflect.TypeFor[T]()
	fields = make([]string, t.NumField())
	for i := range fields {
		f := t.Field(i)
		switch f.Type {
		case reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int64](), reflect.TypeFor[[]string]():
		default:
			panic(fmt.Sprintf("kind %s: field %s has the type %s, which no column decodes to", kind, f.Name, f.Type))
		}
		fields[i] = strings.ToLower(f.Name)
	}
	return fields, tagged[T]("info")
}

// tagged returns the attributes whose fields carry the tag.
func tagged[T any](tag string) map[string]bool {
	t := reflect.TypeFor[T]()
	names := map[string]bool{}
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get(tag) != "" {
			names[strings.ToLower(f.Name)] = true
		}
	}
	return names
}
