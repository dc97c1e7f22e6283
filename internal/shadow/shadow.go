// Package shadow provides the scratch PostgreSQL on which a schema that comes
// as SQL files is built, so that it can be read back from the catalogs.
//
// A shadow is a database on a local server of Cairn's own, a scratch database
// beside the target, or a database that the user gives. The last is touched
// only when it is empty or carries Cairn's mark.
package shadow

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/server"
)

// Superuser owns everything on a local shadow that no statement gives an
// owner. The name is reserved: no target can have a role of that name.
const Superuser = "cairn_shadow_owner"

// mark is the comment on a database that Cairn may empty.
const mark = "cairn shadow: contents are dropped without asking"

// Target is the place of a shadow that is asked for beside the target.
const Target = "target"

// Request says which shadow to open.
type Request struct {
	Where    string         // "" for a local server, Target, or the URL of a database
	Major    int            // major version of the target, 0 for any
	Beside   *pgx.Conn      // the target, for Target
	Options  pg.Options     // how to connect
	Server   server.Options // where local servers live
	Encoding string         // encoding of the target's database, "" for UTF8
	Alone    bool           // on a local server of its own, because what it holds is not only in its database
	Name     string         // of the database on such a server, "" for any

	Statements int // about how many are run there, for the size of a local server's table of locks
}

// Shadow is an open scratch database.
type Shadow struct {
	Conn     *pgx.Conn
	Unowned  string // role whose objects have an unspecified owner, which the session acts as
	Local    bool   // on a server of Cairn's own
	close    func(context.Context) error
	giveBack func() // keeps the open database for the next one who asks; nil where it cannot be kept
	given    bool   // by the user
}

// Close removes what the shadow made and ends its connection.
func (s *Shadow) Close(ctx context.Context) error { return s.close(ctx) }

// GiveBack closes a shadow that is as it was when it was opened: what was done on it
// was rolled back. The next one who asks for one can have it.
func (s *Shadow) GiveBack(ctx context.Context) error {
	if s.giveBack == nil || s.Conn.IsClosed() || s.Conn.PgConn().TxStatus() != 'I' {
		return s.close(ctx)
	}
	s.giveBack()
	return nil
}

// Reset empties a shadow that the user gave, so that it can be used again while
// it is open. It reports whether the shadow is such a one.
func (s *Shadow) Reset(ctx context.Context) (bool, error) {
	if !s.given {
		return false, nil
	}
	if err := empty(ctx, s.Conn); err != nil {
		return true, err
	}
	role, err := authorize(ctx, s.Conn)
	s.Unowned = role
	return true, err
}

var missingTablespace = regexp.MustCompile(`(?m)^[Tt]ablespace "(.+)" does not exist\.?$`)

// Supply makes what a statement lacked of a server of Cairn's own: a
// tablespace, in the data directory. It reports whether the statement is worth
// another try.
func (s *Shadow) Supply(ctx context.Context, err error) bool {
	var refusal *pgconn.PgError
	if !s.Local || !errors.As(err, &refusal) {
		return false
	}
	match := missingTablespace.FindStringSubmatch(refusal.Message + "\n" + refusal.Detail)
	if match == nil {
		return false
	}
	if _, err := s.Conn.Exec(ctx, "SET allow_in_place_tablespaces = on"); err != nil {
		return false
	}
	_, err = s.Conn.Exec(ctx, "CREATE TABLESPACE "+pg.QuoteIdent(match[1])+" LOCATION ''")
	return err == nil
}

// Open returns an empty scratch database. The local server is started on first
// use and shared by later calls on the same Pool.
func (p *Pool) Open(ctx context.Context, r Request) (*Shadow, error) {
	switch r.Where {
	case "":
		return p.openLocal(ctx, r)
	case Target:
		return openBeside(ctx, r)
	}
	return openGiven(ctx, r)
}

// openBeside makes a scratch database on the target's server.
func openBeside(ctx context.Context, r Request) (*Shadow, error) {
	suffix := make([]byte, 6)
	if _, err := rand.Read(suffix); err != nil {
		return nil, fmt.Errorf("naming the scratch database: %w", err)
	}
	name := "cairn_shadow_" + hex.EncodeToString(suffix)
	if _, err := r.Beside.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		if pg.Code(err) == "42501" {
			return nil, hinted{fmt.Errorf("creating a scratch database beside the target: %w", err),
				"give the role CREATEDB, or leave out --shadow target to use a local server"}
		}
		return nil, fmt.Errorf("creating a scratch database beside the target: %w", err)
	}
	drop := func(ctx context.Context) error {
		_, err := r.Beside.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		if err != nil {
			return fmt.Errorf("dropping the scratch database %s: %w", name, err)
		}
		return nil
	}
	if _, err := r.Beside.Exec(ctx, "COMMENT ON DATABASE "+name+" IS "+pg.QuoteLiteral(mark)); err != nil {
		return nil, errors.Join(fmt.Errorf("marking the scratch database: %w", err), drop(ctx))
	}
	config := r.Beside.Config().Copy()
	config.Database = name
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the scratch database: %w", err), drop(ctx))
	}
	again := func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, config) }
	if err := pg.OwnSession(ctx, conn, again); err != nil {
		return nil, errors.Join(err, conn.Close(ctx), drop(ctx))
	}
	if conn.PgConn().ParameterStatus("is_superuser") == "on" {
		if _, err := conn.Exec(ctx, pg.Unlogged); err != nil {
			return nil, errors.Join(fmt.Errorf("preparing the scratch database: %w", err), conn.Close(ctx), drop(ctx))
		}
	}
	s := &Shadow{Conn: conn, Unowned: config.User}
	s.close = func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "RESET SESSION AUTHORIZATION; "+Unsubscribe)
		return errors.Join(err, conn.Close(ctx), drop(ctx))
	}
	return s, nil
}

// openGiven takes a database that the user names, when it is empty or marked.
func openGiven(ctx context.Context, r Request) (*Shadow, error) {
	conn, err := pg.Connect(ctx, r.Where, r.Options)
	if err != nil {
		return nil, fmt.Errorf("opening the shadow: %w", err)
	}
	fail := func(err error) (*Shadow, error) {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	// A shadow acts as a role and has settings, which only a session keeps.
	again := func(ctx context.Context) (*pgx.Conn, error) { return pg.Connect(ctx, r.Where, r.Options) }
	if err := pg.OwnSession(ctx, conn, again); err != nil {
		return fail(err)
	}
	if major := pg.ServerVersion(conn); r.Major != 0 && major != r.Major {
		return fail(hinted{fmt.Errorf("the shadow runs PostgreSQL %d, the target %d", major, r.Major),
			fmt.Sprintf("give a database on PostgreSQL %d, so that both print alike", r.Major)})
	}
	if r.Beside != nil {
		if err := differ(ctx, conn, r.Beside); err != nil {
			return fail(err)
		}
	}
	marked, err := claim(ctx, conn)
	if err != nil {
		return fail(err)
	}
	if marked {
		if err := empty(ctx, conn); err != nil {
			return fail(err)
		}
	}
	role, err := authorize(ctx, conn)
	if err != nil {
		return fail(err)
	}
	s := &Shadow{Conn: conn, Unowned: role, given: true}
	s.close = func(ctx context.Context) error {
		return errors.Join(empty(ctx, conn), conn.Close(ctx))
	}
	return s, nil
}

// authorize makes the session of a superuser act as the reserved role, so that
// a file can name the user of the connection as an owner. Any other user keeps
// its own role. It returns the role.
func authorize(ctx context.Context, conn *pgx.Conn) (string, error) {
	if conn.PgConn().ParameterStatus("is_superuser") != "on" {
		return conn.Config().User, nil
	}
	_, err := conn.Exec(ctx, pg.Unlogged+"; DO $$ BEGIN CREATE ROLE "+Superuser+" SUPERUSER; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"+
		"SET SESSION AUTHORIZATION "+Superuser)
	if err != nil {
		return "", fmt.Errorf("preparing the shadow: %w", err)
	}
	return Superuser, nil
}

// differ refuses a shadow that is the target.
func differ(ctx context.Context, shadow, target *pgx.Conn) error {
	identify := `SELECT current_database() || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
	|| '/' || pg_postmaster_start_time()::text || '/' || coalesce(inet_server_port()::text, '')`
	var a, b string
	if err := shadow.QueryRow(ctx, identify).Scan(&a); err != nil {
		return fmt.Errorf("identifying the shadow: %w", err)
	}
	if err := target.QueryRow(ctx, identify).Scan(&b); err != nil {
		return fmt.Errorf("identifying the target: %w", err)
	}
	if a == b {
		return errors.New("the shadow is the target itself")
	}
	return nil
}

// claim marks an empty database as a shadow, and reports whether it was marked
// before. Any other database is refused.
func claim(ctx context.Context, conn *pgx.Conn) (marked bool, err error) {
	var comment string
	var objects int
	err = conn.QueryRow(ctx, `SELECT coalesce(shobj_description(d.oid, 'pg_database'), ''),
	(SELECT count(*) FROM pg_depend WHERE objid >= 16384 AND classid <> 'pg_extension'::regclass)
FROM pg_database d WHERE d.datname = current_database()`).Scan(&comment, &objects)
	if err != nil {
		return false, fmt.Errorf("looking into the shadow: %w", err)
	}
	if comment == mark {
		return true, nil
	}
	if objects > 0 {
		return false, hinted{errors.New("the shadow database is not empty and was not made by cairn"),
			"give an empty database: cairn drops whatever the shadow holds"}
	}
	name := pg.QuoteIdent(conn.Config().Database)
	if _, err := conn.Exec(ctx, "COMMENT ON DATABASE "+name+" IS "+pg.QuoteLiteral(mark)); err != nil {
		return false, fmt.Errorf("marking the shadow: %w", err)
	}
	return false, nil
}

// Unsubscribe drops the subscriptions of the database without connecting to
// their publishers. While it has some, a database cannot be dropped.
const Unsubscribe = `DO $$ DECLARE name name; BEGIN
	FOR name IN SELECT s.subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database() LOOP
		EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', name);
		EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', name);
		EXECUTE format('DROP SUBSCRIPTION %I', name);
	END LOOP;
END $$`

// empty drops everything in a marked database and makes its public schema as
// initdb does (manual chapter 5.9.6). Tables go before their schemas: PostgreSQL
// cannot open an index whose operator class went first.
func empty(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT 'DROP EVENT TRIGGER IF EXISTS ' || quote_ident(evtname) FROM pg_event_trigger
UNION ALL SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %1$I REVOKE ALL ON %2$s FROM %3$s; ALTER DEFAULT PRIVILEGES FOR ROLE %1$I GRANT ALL ON %2$s TO %1$I',
		pg_get_userbyid(d.defaclrole), t.words, (SELECT concat_ws(', ', 'PUBLIC', string_agg(DISTINCT quote_ident(pg_get_userbyid(a.grantee)), ', '))
			FROM aclexplode(d.defaclacl) a WHERE a.grantee <> 0)) ||
		format(t.everybody, pg_get_userbyid(d.defaclrole))
	FROM pg_default_acl d JOIN (VALUES ('r', 'TABLES', ''), ('S', 'SEQUENCES', ''), ('n', 'SCHEMAS', ''), ('L', 'LARGE OBJECTS', ''),
		('f', 'FUNCTIONS', '; ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT EXECUTE ON FUNCTIONS TO PUBLIC'),
		('T', 'TYPES', '; ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT USAGE ON TYPES TO PUBLIC')) t(type, words, everybody)
		ON t.type = d.defaclobjtype::text WHERE d.defaclnamespace = 0
UNION ALL SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, n.nspname, c.relname)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
UNION ALL SELECT 'DROP SCHEMA IF EXISTS ' || quote_ident(nspname) || ' CASCADE' FROM pg_namespace
	WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL SELECT 'DROP EXTENSION IF EXISTS ' || quote_ident(extname) || ' CASCADE' FROM pg_extension WHERE oid >= 16384
UNION ALL SELECT 'DROP TRANSFORM IF EXISTS FOR ' || format_type(t.trftype, NULL) || ' LANGUAGE ' || quote_ident(l.lanname) || ' CASCADE'
	FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang WHERE t.oid >= 16384
UNION ALL SELECT 'DROP ' || replace(i.type, '-', ' ') || ' IF EXISTS ' || i.identity || ' CASCADE'
	FROM (SELECT 'pg_publication'::regclass AS class, oid FROM pg_publication
		UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
		UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am
		UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
		UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language WHERE lanname <> 'plpgsql') o
		CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) i WHERE o.oid >= 16384`)
	if err != nil {
		return fmt.Errorf("emptying the shadow: %w", err)
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("emptying the shadow: %w", err)
	}
	statements = append(statements, Unsubscribe, "CREATE SCHEMA public")
	if pg.ServerVersion(conn) >= 15 {
		statements = append(statements, "ALTER SCHEMA public OWNER TO pg_database_owner", "GRANT USAGE ON SCHEMA public TO PUBLIC")
	} else {
		statements = append(statements, "GRANT ALL ON SCHEMA public TO PUBLIC")
	}
	if _, err := conn.Exec(ctx, "RESET SESSION AUTHORIZATION;RESET ALL;"+pg.SettingsQuery(pg.ServerVersion(conn))+";"+strings.Join(statements, ";")); err != nil {
		return fmt.Errorf("emptying the shadow: %w", err)
	}
	return nil
}

// hinted is an error with the next thing to try.
type hinted struct {
	error
	hint string
}

// Hint returns the next thing to try.
func (h hinted) Hint() string { return h.hint }

// Unwrap returns the error without its hint.
func (h hinted) Unwrap() error { return h.error }
