// Package store keeps the journal of a database: which plans were applied to it,
// by whom, and what became of each of their steps. It lives in the schema cairn
// of the database itself, so that a row can be committed with the work that it
// is about. What the tables mean stands in migrations.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/pg"
)

// Schema is the schema of the journal. Cairn manages nothing in it.
const Schema = "cairn"

//go:embed migrations
var migrations embed.FS

// newest is the version of the tables that this program writes.
const newest = 1

// Journal is that of the database behind a connection.
type Journal struct {
	Conn *pgx.Conn
}

// AccessError says that the journal cannot be read or written.
type AccessError struct {
	Doing string
	Role  string
	Err   error
}

// Error says what the role may not do.
func (e *AccessError) Error() string { return fmt.Sprintf("%s: %v", e.Doing, e.Err) }

// Unwrap returns the server's error.
func (e *AccessError) Unwrap() error { return e.Err }

// Hint returns the statements that a role with more rights has to run.
func (e *AccessError) Hint() string {
	role := pg.QuoteIdent(e.Role)
	return fmt.Sprintf("the journal is in the schema cairn of the database; have its owner run: CREATE SCHEMA IF NOT EXISTS cairn AUTHORIZATION %s; "+
		"or, where another role made it: GRANT USAGE ON SCHEMA cairn TO %s; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA cairn TO %s", role, role, role)
}

// wrap says what was being done, and what to do where the role may not.
func (j Journal) wrap(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case pg.Code(err) == "42501":
		return &AccessError{Doing: doing, Role: j.Conn.Config().User, Err: err}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// version returns that of the journal's tables, 0 when there are none.
func (j Journal) version(ctx context.Context) (version int, err error) {
	var exists bool
	err = j.Conn.QueryRow(ctx, "SELECT pg_catalog.to_regclass('cairn.journal') IS NOT NULL", pgx.QueryExecModeExec).Scan(&exists)
	if err != nil || !exists {
		return 0, err
	}
	err = j.Conn.QueryRow(ctx, "SELECT version FROM cairn.journal", pgx.QueryExecModeExec).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errors.New("the table cairn.journal has no row")
	}
	return version, err
}

// Version returns that of the journal's tables, 0 when the database has no journal.
func (j Journal) Version(ctx context.Context) (int, error) {
	version, err := j.version(ctx)
	if err == nil && version > newest {
		err = fmt.Errorf("its tables are of version %d, and this program knows versions up to %d: use a newer cairn", version, newest)
	}
	return version, j.wrap("reading the journal", err)
}

// Exists reports whether the database has a journal that can be read.
func (j Journal) Exists(ctx context.Context) (bool, error) {
	version, err := j.Version(ctx)
	return version > 0, err
}

// Prepare creates the journal, or brings it from its version to the newest. The
// caller holds the lock that keeps other runs out. It waits for locks of other
// sessions as long as given.
func (j Journal) Prepare(ctx context.Context, version int, wait time.Duration) error {
	for version < newest {
		version++
		if err := j.migrate(ctx, version, wait); err != nil {
			return j.wrap("creating the journal", err)
		}
	}
	return nil
}

// migrate brings the tables to the version after the one that they have.
func (j Journal) migrate(ctx context.Context, version int, wait time.Duration) error {
	sql, err := fs.ReadFile(migrations, "migrations/"+strconv.Itoa(version)+".sql")
	if err != nil {
		return err
	}
	create := ""
	if version == 1 {
		if create, err = j.createSchema(ctx); err != nil {
			return err
		}
	}
	script := fmt.Sprintf("SET LOCAL lock_timeout = %d;\n%s%s", wait.Milliseconds(), create, sql)
	err = j.run(ctx, script)
	if !isRefused(err) {
		return err
	}
	// The plan may be what takes the event trigger away.
	if j.run(ctx, "SET LOCAL session_replication_role = replica;\n"+script) == nil {
		return nil
	}
	return &RefusedError{err}
}

// run runs a script in one transaction, which that of its message is.
func (j Journal) run(ctx context.Context, script string) error {
	_, err := j.Conn.PgConn().Exec(ctx, script).ReadAll()
	return err
}

// isRefused reports whether a function of the database raised the error: that of
// an event trigger.
func isRefused(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && strings.Contains(server.Where, "function ")
}

// RefusedError says that an event trigger of the database keeps the journal from
// being made.
type RefusedError struct{ err error }

// Error is that of the trigger.
func (e *RefusedError) Error() string { return e.err.Error() }

// Unwrap returns the server's error.
func (e *RefusedError) Unwrap() error { return e.err }

// Hint returns what to do about it.
func (e *RefusedError) Hint() string {
	return "an event trigger of the database refuses the tables of the journal: have it let the schema cairn pass, or apply once as a superuser"
}

// createSchema returns the statement that creates the schema, "" when it is
// there. A schema with tables that are not the journal's is somebody else's.
func (j Journal) createSchema(ctx context.Context) (string, error) {
	var exists, used bool
	err := j.Conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1),
	EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1)`, pgx.QueryExecModeExec, Schema).Scan(&exists, &used)
	switch {
	case err != nil:
		return "", err
	case used:
		return "", errors.New("the schema cairn holds relations that are not the journal's: rename it")
	case exists:
		return "", nil
	}
	return "CREATE SCHEMA cairn;\nCOMMENT ON SCHEMA cairn IS 'Journal of cairn: which plans were applied to this database';\n", nil
}

// oneLine is the text of an error as the journal keeps it.
func oneLine(err error) string {
	if err == nil {
		return ""
	}
	text := strings.ToValidUTF8(pg.Redact(err.Error()), "?")
	const most = 2000
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " ..."
	}
	return text
}
