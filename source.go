package cairn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/internal/shadow"
	"github.com/cairn-db/cairn/internal/snapshot"
	"github.com/cairn-db/cairn/schema"
)

// Empty is the state of a database that was just created.
const Empty = "empty:"

// readLockTimeout is how long reading a database waits for one lock.
const readLockTimeout = 10 * time.Second

// embedded is the prefix of local databases that Cairn keeps for the user.
const embedded = "embedded:"

// snapshotFile is the prefix of files that Snapshot wrote.
const snapshotFile = "snapshot:"

// target is an open database and what is known of it.
type target struct {
	conn     *pgx.Conn
	with     []kind.Option // what is read beside what always is
	major    int
	identity schema.Database
	encoding string
	user     string
	memory   *memory                                  // has what was read of it before; nil for none
	pooled   bool                                     // something stands between it and the server
	again    func(context.Context) (*pgx.Conn, error) // opens another connection
}

func (t *target) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = t.conn.Close(ctx) // the work is done or has failed already
}

// beside opens a second session on the target, for watching what the first does.
func (t *target) beside(ctx context.Context) (*pgx.Conn, error) {
	name := t.conn.Config().RuntimeParams["application_name"]
	return pg.Beside(ctx, t.conn, strings.TrimSpace(name+" watch"))
}

// reading is what building or reading a state needs beside its name.
type reading struct {
	target    *target       // the target, when there is one
	other     *schema.State // the state that this one is compared with, when it was read already
	selection Selection
	alike     []string // schemas that are planned with the same files, which do not use one another
	scratch   Scratch
}

// read is a state and what was noticed while it was built.
type read struct {
	state    *schema.State
	findings []schema.Finding
	renames  []load.Rename // as the files declare them
	shadow   *holder       // has the state, when it comes from files; nil otherwise
}

// close gives back the shadow.
func (r read) close(ctx context.Context) error {
	if r.shadow == nil {
		return nil
	}
	return r.shadow.close(context.WithoutCancel(ctx))
}

// connect opens the target.
func (e *Engine) connect(ctx context.Context, c Connection) (*target, error) {
	dsn := c.Database
	if name, ok := strings.CutPrefix(dsn, embedded); ok {
		url, err := server.OpenEmbedded(ctx, name, 0, e.servers)
		if err != nil {
			return nil, err
		}
		dsn = url
	}
	options := e.connectOptions()
	options.Host, options.Port, options.User, options.SSLMode = c.Host, c.Port, c.User, c.SSLMode
	if c.ApplicationName != "" {
		options.ApplicationName = c.ApplicationName
	}
	t, err := open(ctx, dsn, options)
	if err == nil && t.pooled {
		t.close(ctx)
		options.Pooled = true
		t, err = open(ctx, dsn, options)
	}
	return t, err
}

// open connects and asks who is there.
func open(ctx context.Context, dsn string, o pg.Options) (*target, error) {
	conn, err := pg.Connect(ctx, dsn, o)
	if err != nil {
		return nil, err
	}
	t := &target{conn: conn, identity: schema.Database{Host: conn.Config().Host}}
	if t.major, err = pg.CheckVersion(conn); err != nil {
		t.close(ctx)
		return nil, err
	}
	t.again = func(ctx context.Context) (*pgx.Conn, error) { return pg.Connect(ctx, dsn, o) }
	var backend uint32
	err = conn.QueryRow(ctx, `SELECT current_database(), current_user::text, current_setting('server_encoding'),
	CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') THEN (SELECT system_identifier::text FROM pg_control_system()) ELSE '' END,
	pg_backend_pid()`, pgx.QueryExecModeSimpleProtocol).
		Scan(&t.identity.Name, &t.user, &t.encoding, &t.identity.System, &backend)
	if err != nil {
		t.close(ctx)
		return nil, fmt.Errorf("identifying the target: %w", err)
	}
	t.pooled = pg.IsPooled(conn, backend)
	return t, nil
}

// connectSession opens the target for work that holds an advisory lock, which
// needs a session of its own.
func (e *Engine) connectSession(ctx context.Context, c Connection) (*target, error) {
	t, err := e.connect(ctx, c)
	if err != nil || !t.pooled {
		return t, err
	}
	err = pg.OwnSession(ctx, t.conn, t.again)
	if err == nil {
		err = pg.Configure(ctx, t.conn)
	}
	if err != nil {
		t.close(ctx)
		return nil, err
	}
	return t, nil
}

func (e *Engine) connectOptions() pg.Options {
	return pg.Options{ApplicationName: "cairn", Getenv: e.options.Getenv}
}

func (e *Engine) readDatabase(ctx context.Context, t *target) (*schema.State, error) {
	start := time.Now()
	options := catalog.Options{Server: t.major, Default: t.user, With: t.with, LockTimeout: readLockTimeout}
	if t.memory != nil {
		options.Memory = t.memory
	}
	state, err := catalog.Read(ctx, t.conn, e.kinds, options)
	if pg.IsLockTimeout(err) {
		return nil, &LockError{What: fmt.Sprintf("reading database %s waited %s for a lock of another session", t.identity.Name, readLockTimeout), Undone: true}
	}
	if err != nil {
		return nil, fmt.Errorf("reading database %s: %w", t.identity.Name, err)
	}
	if t.memory != nil && t.memory.recalled {
		e.event("recall", fmt.Sprintf("the catalogs of database %s hold the %d objects that they held when they were read", t.identity.Name, len(state.Objects)), time.Since(start))
	} else {
		e.event("read", fmt.Sprintf("read %d objects of database %s", len(state.Objects), t.identity.Name), time.Since(start))
	}
	return state, nil
}

// readTarget connects to a database, reads it and leaves it.
func (e *Engine) readTarget(ctx context.Context, c Connection, s Selection) (*schema.State, error) {
	t, err := e.connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer t.close(ctx)
	t.with = s.options()
	return e.readDatabase(ctx, t)
}

// readSnapshot reads a file that Snapshot wrote.
func (e *Engine) readSnapshot(name string) (*schema.State, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the snapshot: %w", err)
	}
	defer f.Close()
	state, err := snapshot.Read(f, e.kinds)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return state, nil
}

// read returns the state that a name stands for.
func (e *Engine) read(ctx context.Context, name string, r reading) (read, error) {
	switch {
	case name == Empty:
		return e.readEmpty(ctx, r)
	case strings.HasPrefix(name, snapshotFile):
		state, err := e.readSnapshot(strings.TrimPrefix(name, snapshotFile))
		if err == nil {
			err = r.selection.checkHolds(name, state)
		}
		return read{state: state}, err
	case isDatabase(name):
		state, err := e.readTarget(ctx, Connection{Database: name}, r.selection)
		return read{state: state}, err
	case name == "":
		return read{}, hinted{errors.New("no desired state was given"), "name a .sql file or a directory with --file, or set schema: in cairn.yaml"}
	case name != "-" && !isPath(name):
		return read{}, hinted{fmt.Errorf("%s is neither a file nor a connection", name),
			"a state is a .sql file, a directory of them, -, a connection URL, embedded:NAME, snapshot:FILE or empty:"}
	}
	sources, err := load.ReadFiles(name, e.options.Stdin)
	if err != nil {
		return read{}, err
	}
	return e.build(ctx, sources, r)
}

// readEmpty returns what a database holds when it was just created.
func (e *Engine) readEmpty(ctx context.Context, r reading) (read, error) {
	if r.other == nil {
		return e.build(ctx, nil, r)
	}
	state := schema.NewState(r.other.Server)
	state.Default, state.Unowned, state.Options, state.Name = r.other.Default, r.other.Unowned, r.other.Options, r.other.Name
	for _, role := range r.other.Roles {
		if r.other.Objects[e.kinds.Role(role)] == nil {
			state.Roles = append(state.Roles, role)
		}
	}
	maps.Copy(state.Objects, r.other.Objects)
	maps.DeleteFunc(state.Objects, func(_ schema.ID, o *schema.Object) bool { return !o.Builtin })
	return read{state: state}, nil
}

// materialize makes the state on a new local shadow, as far as that does not
// refuse, and returns the first refusal.
func (e *Engine) materialize(ctx context.Context, state *schema.State, major int) (*shadow.Shadow, error, error) {
	s, err := e.shadows.Open(ctx, shadow.Request{Major: major, Options: e.connectOptions(), Server: e.servers})
	if err != nil {
		return nil, nil, err
	}
	refused, err := e.fill(ctx, s, state, major)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	if refused != nil {
		return s, refused, nil
	}
	return s, nil, nil
}

// fill makes the state in an empty scratch database.
func (e *Engine) fill(ctx context.Context, s *shadow.Shadow, state *schema.State, major int) (refused *pgconn.PgError, err error) {
	plain, _ := scope.Plain(e.kinds, state)
	goal := *plain
	goal.Server = major
	empty := schema.NewState(major)
	for id, o := range plain.Objects {
		if o.Builtin {
			empty.Objects[id] = o
		}
	}
	for _, role := range state.Roles {
		_, _ = s.Conn.Exec(ctx, "CREATE ROLE "+pg.QuoteIdent(role)) // most exist, some have reserved names
	}
	return e.move(ctx, s, empty, &goal)
}

// translate returns the state as a newer server prints it: its objects are made
// there and read back.
func (e *Engine) translate(ctx context.Context, state *schema.State, major int) (result *schema.State, err error) {
	s, refused, err := e.materialize(ctx, state, major)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if refused != nil {
		return nil, fmt.Errorf("making the schema of PostgreSQL %d on PostgreSQL %d: %w", state.Server, major, refused)
	}
	result, err = catalog.Read(ctx, s.Conn, e.kinds, catalog.Options{Server: major, Unowned: s.Unowned, Default: state.Default})
	if err != nil {
		return nil, fmt.Errorf("reading the shadow: %w", err)
	}
	_, asked := scope.Plain(e.kinds, state)
	maps.Copy(result.Objects, asked)
	result.Roles, result.Options, result.Name = state.Roles, state.Options, state.Name
	return result, nil
}

// only returns the one schema that files are loaded into, "" for several.
func only(schemas []string) string {
	if len(schemas) == 1 {
		return schemas[0]
	}
	return ""
}

// searchPath lets one unqualified file serve any one schema.
func searchPath(s Selection) []string {
	if len(s.Schemas) != 1 || s.Schemas[0] == "public" {
		return nil
	}
	return []string{s.Schemas[0], "public"}
}

// majorFor returns the version that a shadow must have, 0 for any.
func (e *Engine) majorFor(r reading) int {
	switch {
	case r.target != nil:
		return r.target.major
	case r.other != nil:
		return r.other.Server
	case r.scratch.Version != 0:
		return r.scratch.Version
	}
	return e.shadows.Major()
}

// hasVersion reports whether a name says by itself which server its state is
// of. Other states are built on one of the same version.
func hasVersion(name string) bool { return strings.HasPrefix(name, snapshotFile) || isDatabase(name) }

// isDatabase reports whether a name is a connection and not a file.
func isDatabase(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://") ||
		strings.HasPrefix(name, embedded) || strings.Contains(name, "=") && !isPath(name)
}

// isPath reports whether a name is meant as a file: it exists, or looks like one.
func isPath(name string) bool {
	if strings.HasSuffix(name, ".sql") || strings.HasSuffix(name, "/") {
		return true
	}
	_, err := os.Stat(name)
	return err == nil || !errors.Is(err, fs.ErrNotExist) || strings.ContainsRune(name, os.PathSeparator) && !strings.Contains(name, "=")
}

func (e *Engine) event(name, message string, elapsed time.Duration) {
	e.options.Logger.Debug(message, "took", elapsed)
	if e.options.Events != nil {
		e.options.Events(schema.Event{Time: time.Now(), Name: name, Message: message, Elapsed: elapsed})
	}
}
