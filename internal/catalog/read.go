// Package catalog reads the schema of a database: one snapshot, one batch of
// every kind's query, and the dependencies that PostgreSQL recorded. It names
// no kind of object.
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
	"github.com/cairn-db/cairn/schema"
)

// Options says how a state is read.
type Options struct {
	Server  int    // major version of the server
	Unowned string // role whose objects have an unspecified owner, "" for none
	Default string // role that creates what a plan on this state creates

	With []kind.Option // what to read beside what always is

	// LockTimeout limits the wait for another session's exclusive lock, which
	// printing some definitions needs; 0 waits forever.
	LockTimeout time.Duration
}

// settings make both sides of a comparison print alike, whatever the role or
// the database sets. An empty search_path makes every printed name qualified.
const settings = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = '';
SET LOCAL quote_all_identifiers = off;
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = hex;
SET LOCAL DateStyle = ISO, MDY;
SET LOCAL IntervalStyle = postgres;
SET LOCAL TimeZone = 'UTC';
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = %d;
`

const settingsCount = 10

// Read returns the state of the database behind conn. It opens and ends one
// transaction of its own and needs no right beyond reading the catalogs.
func Read(ctx context.Context, conn *pgx.Conn, kinds *kind.Set, o Options) (*schema.State, error) {
	r := &reader{kinds: kinds, options: o, state: schema.NewState(o.Server), byAddress: map[address]schema.ID{}}
	r.state.Default, r.state.Unowned = o.Default, o.Unowned
	for _, o := range o.With {
		r.state.Options = append(r.state.Options, string(o))
	}
	slices.Sort(r.state.Options)
	r.restricted = conn.PgConn().ParameterStatus("is_superuser") != "on"
	queries, targets := r.batch()
	reader := conn.PgConn().Exec(ctx, fmt.Sprintf(settings, o.LockTimeout.Milliseconds())+strings.Join(queries, ";\n")+";\nCOMMIT")
	err := r.readAll(reader, targets)
	if closeErr := reader.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		// The batch stops at the first error, inside its transaction.
		_, _ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK")
		return nil, err
	}
	if err := r.assemble(); err != nil {
		return nil, err
	}
	if err := r.describeUnknown(ctx, conn); err != nil {
		return nil, err
	}
	return r.state, nil
}

// reader collects the rows of one snapshot.
type reader struct {
	kinds      *kind.Set
	options    Options
	restricted bool // is no superuser
	state      *schema.State
	byAddress  map[address]schema.ID
	rows       []row
	depends    []dependency
	catalogue  []address // every user object in the catalogs that hold objects
	unknown    []address
	changed    []address          // objects of PostgreSQL's own with other privileges
	initial    map[address]string // what extensions granted on their members
}

// row is one row of a kind's query.
type row struct {
	kind          *kind.Kind
	address       address
	parent        address
	object        *schema.Object
	of            string
	uses          string
	owner         string
	aclOwner, acl string
	aclDefault    string
	rows, bytes   string
	hasACL, sized bool
}

// target reads the result of one query of the batch.
type target struct {
	name string
	read func(*pgconn.ResultReader) error
}

// batch returns the queries of one snapshot and who reads each.
func (r *reader) batch() (queries []string, targets []target) {
	for _, k := range r.kinds.All() {
		if k.Query == nil || r.options.Server < k.Since || k.Option != "" && !slices.Contains(r.options.With, k.Option) {
			continue
		}
		query := k.Query
		if r.restricted && k.Restricted != nil {
			query = k.Restricted
		}
		queries = append(queries, query(r.options.Server))
		targets = append(targets, target{k.Name, func(rr *pgconn.ResultReader) error { return r.readKind(k, rr) }})
	}
	queries = append(queries, dependQuery, objectsQuery(), "SELECT rolname FROM pg_roles ORDER BY rolname COLLATE \"C\"",
		fmt.Sprintf("SELECT count(*) FROM (SELECT FROM pg_largeobject_metadata LIMIT %d) AS l", schema.MostLarge+1), initialQuery, systemQuery)
	targets = append(targets, target{"dependencies", r.readDepends}, target{"catalogs", r.readCatalogue},
		target{"roles", r.readRoles}, target{"large objects", r.readLarge}, target{"initial privileges", r.readInitial}, target{"system privileges", r.readSystem})
	if len(r.options.With) > 0 {
		queries = append(queries, "SELECT current_database()")
		targets = append(targets, target{"the name of the database", r.readName})
	}
	return queries, targets
}

func (r *reader) readAll(reader *pgconn.MultiResultReader, targets []target) error {
	for range settingsCount {
		if !reader.NextResult() {
			return reader.Close()
		}
		if _, err := reader.ResultReader().Close(); err != nil {
			return fmt.Errorf("opening a snapshot: %w", err)
		}
	}
	for _, t := range targets {
		if !reader.NextResult() {
			if err := reader.Close(); err != nil {
				return fmt.Errorf("reading %s: %w", t.name, err)
			}
			return fmt.Errorf("reading %s: the server sent no result", t.name)
		}
		rr := reader.ResultReader()
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
