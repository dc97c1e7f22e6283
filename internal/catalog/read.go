// Package catalog reads the schema of a database in one snapshot: it asks which
// kinds have objects, and then for those and for the dependencies that PostgreSQL
// recorded. It names no kind of object.
package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// Options says how a state is read.
type Options struct {
	Server  int    // major version of the server
	Unowned string // role whose objects have an unspecified owner, "" for none
	Default string // role that creates what a plan on this state creates

	With []kind.Option // what to read beside what always is
	Few  bool          // the database has few objects, as the copy for a proof: looking up each is quicker than planning other joins
	Like *schema.State // a state that is much the same, to share with it what both have; may be nil

	Memory Memory // has states that were read before; nil for none

	// Compared says that only the fingerprint of the state is asked for: it comes without
	// needs, and without what no kind reads.
	Compared bool

	// LockTimeout limits the wait for another session's exclusive lock, which
	// printing some definitions needs; 0 waits forever.
	LockTimeout time.Duration
}

// settings make both sides of a comparison print alike, whatever the role or
// the database sets. An empty search_path makes every printed name qualified.
// Compiling the queries takes longer than running them, whatever the planner
// thinks of their cost (manual chapter 30.1).
const settings = `SET LOCAL search_path = '';
SET LOCAL quote_all_identifiers = off;
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = hex;
SET LOCAL DateStyle = ISO, MDY;
SET LOCAL IntervalStyle = postgres;
SET LOCAL TimeZone = 'UTC';
SET LOCAL jit = off;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = %d`

// attempts is how often a database is read in which objects vanish meanwhile.
const attempts = 5

// Read returns the state of the database behind conn. It opens and ends one
// transaction of its own, or a savepoint in that of the session, and needs no right
// beyond reading the catalogs. The
// functions that print definitions do not see the snapshot of the transaction but
// what is there now: where another session has dropped an object, they fail, and
// all is read again.
func Read(ctx context.Context, conn *pgx.Conn, kinds *kind.Set, o Options) (state *schema.State, err error) {
	for range attempts {
		state, err = readOnce(ctx, conn, kinds, o)
		if o.Memory != nil && pg.IsForbidden(err) { // a catalog that only the stamp looks at
			o.Memory = nil
			continue
		}
		if !pg.IsVanished(err) {
			break
		}
	}
	return state, err
}

func readOnce(ctx context.Context, conn *pgx.Conn, kinds *kind.Set, o Options) (*schema.State, error) {
	r := &reader{kinds: kinds, options: o, state: schema.NewState(o.Server), byAddress: map[address]*node{}}
	r.state.Default, r.state.Unowned = o.Default, o.Unowned
	for _, o := range o.With {
		r.state.Options = append(r.state.Options, string(o))
	}
	slices.Sort(r.state.Options)
	r.restricted = conn.PgConn().ParameterStatus("is_superuser") != "on"
	recalled, err := r.readSnapshot(ctx, conn)
	if err != nil {
		// A message stops at the first error, inside its transaction.
		_, _ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK")
		return nil, err
	}
	if recalled {
		return r.state, nil
	}
	if err := r.assemble(); err != nil {
		return nil, err
	}
	if err := r.describeUnknown(ctx, conn); err != nil {
		return nil, err
	}
	r.remember()
	return r.state, nil
}

// reader collects the rows of one snapshot.
type reader struct {
	kinds      *kind.Set
	options    Options
	restricted bool // is no superuser
	state      *schema.State
	stamp      Stamp
	end        string // what ends the transaction or the savepoint
	byAddress  map[address]*node
	nodes      []*node // what is in the state, and for a while what is not
	rows       []row
	texts      texts
	sorted     []schema.ID // see setNeeds
	depends    []dependency
	catalogue  []address // every user object in the catalogs that hold objects
	unknown    []address
	changed    []address          // objects of PostgreSQL's own with other privileges
	initial    map[address]string // what extensions granted on their members
}

// row is one row of a kind's query. Most say nothing beside the object.
type row struct {
	kind    *kind.Kind
	address address
	parent  address
	object  *schema.Object
	*beside
}

// beside is what a row says beside an object.
type beside struct {
	of            string
	uses          string
	owner         string
	aclOwner, acl string
	aclDefault    string
	rows, bytes   string
	hasACL, sized bool
}

// nothing is what most rows say beside the object.
var nothing = &beside{}

// more returns what the row says, to be completed.
func (w *row) more() *beside {
	if w.beside == nothing {
		w.beside = &beside{}
	}
	return w.beside
}

// readSnapshot opens a transaction, reads everything from its snapshot and ends
// it. Two messages do: planning the queries of all kinds takes the server longer
// than running them, and most databases have objects of few. It reports whether the
// state is one that was read before, which is complete then.
func (r *reader) readSnapshot(ctx context.Context, conn *pgx.Conn) (recalled bool, err error) {
	kinds := r.readable()
	found, err := r.begin(ctx, conn, kinds)
	if err != nil {
		return false, err
	}
	ending := target{"the end", nothingTo}
	if state := r.recall(); state != nil {
		r.state = state
		queries, targets := r.sizes()
		return true, send(ctx, conn, append(queries, r.end), append(targets, ending))
	}
	queries, targets := r.batch(kinds, found)
	return false, send(ctx, conn, append(queries, r.end), append(targets, ending))
}

// begin opens the transaction, and asks which kinds there are and for the stamp.
func (r *reader) begin(ctx context.Context, conn *pgx.Conn, kinds []*kind.Kind) (found []bool, err error) {
	opening := "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	if r.end = "COMMIT"; conn.PgConn().TxStatus() == 'T' {
		opening, r.end = "SAVEPOINT reading", "ROLLBACK TO reading"
	}
	queries := append([]string{opening}, strings.Split(fmt.Sprintf(settings, r.options.LockTimeout.Milliseconds()), ";\n")...)
	if r.options.Few {
		queries = append(queries, "SET LOCAL enable_hashjoin = off", "SET LOCAL enable_mergejoin = off")
	}
	targets := slices.Repeat([]target{{"the settings", nothingTo}}, len(queries))
	queries = append(queries, foundQuery(kinds))
	targets = append(targets, target{"which kinds there are", func(rr *pgconn.ResultReader) error {
		for rr.NextRow() {
			for _, v := range rr.Values() {
				found = append(found, string(v) == "t")
			}
		}
		return nil
	}})
	if r.options.Memory != nil {
		queries, targets = append(queries, stampQuery(r.options.Server, r.restricted)), append(targets, target{"the stamp of the catalogs", r.readStamp})
	}
	if err := send(ctx, conn, queries, targets); err != nil {
		return nil, err
	}
	if len(found) != len(kinds) {
		return nil, fmt.Errorf("reading which kinds there are: the server told of %d kinds, not %d", len(found), len(kinds))
	}
	return found, nil
}

// nothingTo reads the result of a statement that returns none.
func nothingTo(*pgconn.ResultReader) error { return nil }

// readable returns the kinds that are read from this server with these options.
func (r *reader) readable() []*kind.Kind {
	return slices.DeleteFunc(slices.Clone(r.kinds.All()), func(k *kind.Kind) bool {
		return k.Query == nil || r.options.Server < k.Since || k.Option != "" && !slices.Contains(r.options.With, k.Option)
	})
}

// foundQuery asks for each kind whether it has objects.
func foundQuery(kinds []*kind.Kind) string {
	columns := make([]string, len(kinds))
	for i, k := range kinds {
		columns[i] = "true"
		if k.Found != "" {
			columns[i] = "EXISTS (SELECT FROM " + k.Found + ")"
		}
	}
	return "SELECT " + strings.Join(columns, ", ")
}

// target reads the result of one query of a message.
type target struct {
	name string
	read func(*pgconn.ResultReader) error
}

// batch returns the queries that read the snapshot and who reads each. What a
// restricted reader cannot see of a kind is known by its query, so that always
// runs.
func (r *reader) batch(kinds []*kind.Kind, found []bool) (queries []string, targets []target) {
	for i, k := range kinds {
		query := k.Query
		if r.restricted && k.Restricted != nil {
			query = k.Restricted
		} else if !found[i] {
			continue
		}
		queries = append(queries, query(r.options.Server))
		targets = append(targets, target{k.Name, func(rr *pgconn.ResultReader) error { return r.readKind(k, rr) }})
	}
	depends, objects, system := dependQuery, objectsQuery(), systemQuery
	if r.options.Compared {
		const nothing = "SELECT WHERE false"
		depends, objects, system = dependQuery+" AND deptype NOT IN ('n', 'x')", nothing, nothing
	}
	queries = append(queries, depends, objects, "SELECT rolname FROM pg_roles ORDER BY rolname COLLATE \"C\"",
		largeQuery, initialQuery, system)
	targets = append(targets, target{"dependencies", r.readDepends}, target{"catalogs", r.readCatalogue},
		target{"roles", r.readRoles}, target{"large objects", r.readLarge}, target{"initial privileges", r.readInitial}, target{"system privileges", r.readSystem})
	if len(r.options.With) > 0 {
		queries = append(queries, "SELECT current_database()")
		targets = append(targets, target{"the name of the database", r.readName})
	}
	return queries, targets
}

// send runs the queries as one message, and each target reads the result of one.
func send(ctx context.Context, conn *pgx.Conn, queries []string, targets []target) error {
	results := conn.PgConn().Exec(ctx, strings.Join(queries, ";\n"))
	err := readAll(results, targets)
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return err
}

func readAll(results *pgconn.MultiResultReader, targets []target) error {
	for _, t := range targets {
		if !results.NextResult() {
			if err := results.Close(); err != nil {
				return fmt.Errorf("reading %s: %w", t.name, err)
			}
			return fmt.Errorf("reading %s: the server sent no result", t.name)
		}
		rr := results.ResultReader()
		err := t.read(rr)
		if _, closeErr := rr.Close(); closeErr != nil {
			err = closeErr
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", t.name, err)
		}
	}
	return nil
}

func (r *reader) readLarge(rr *pgconn.ResultReader) error {
	for rr.NextRow() {
		r.state.Large = int(number(string(rr.Values()[0])))
	}
	return nil
}

func (r *reader) readName(rr *pgconn.ResultReader) error {
	for rr.NextRow() {
		r.state.Name = string(rr.Values()[0])
	}
	return nil
}

func (r *reader) readRoles(rr *pgconn.ResultReader) error {
	for rr.NextRow() {
		r.state.Roles = append(r.state.Roles, string(rr.Values()[0]))
	}
	return nil
}
