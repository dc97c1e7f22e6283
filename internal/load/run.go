package load

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Options says how sources are loaded.
type Options struct {
	Schema      string   // exists before anything else, "" for none; a source may create it
	SearchPath  []string // at the start of each source; default: that of PostgreSQL
	CreateRoles bool     // create roles that the sources only mention, without login
	NoInherit   []string // those of them that have NOINHERIT
	Roles       bool     // roles count, and not only what they own and may do
	Database    bool     // what statements say of the database itself counts
	Name        string   // of the database that statements name; "" for the first that they do
}

// Result is what loading has found.
type Result struct {
	Findings []Finding // statements that were not run
	Renames  []Rename  // as comments declare them
	Roles    []string  // roles that were created because they were mentioned, sorted
	Name     string    // of the database that statements name, "" when none does
	InOrder  bool      // each statement of the run succeeded where it stands
}

// Run runs the script on a scratch database. The order of statements does not
// matter: one that fails is tried again after the others, until nothing more
// succeeds. Where one fails, supply removes the cause if that lies in the server
// and it can; it may be nil. Errors about the sources are of type *Error or
// *pg.SyntaxError.
//
// In a session that is inside of a transaction everything runs in that, so that it
// can be taken back; statements that have to run outside of one fail.
func (s *Script) Run(ctx context.Context, conn *pgx.Conn, supply func(error) bool) (Result, error) {
	o := s.options
	for _, item := range s.items {
		item.address(conn.Config().Database)
	}
	r := &runner{ctx: ctx, conn: conn.PgConn(), inside: conn.PgConn().TxStatus() == 'T', createRoles: o.CreateRoles, noInherit: o.NoInherit, supply: supply, major: pg.ServerVersion(conn)}
	r.prepare(o.SearchPath)
	items := s.items
	if o.Roles {
		items, r.created = rolesFirst(items), created(items)
	}
	items, err := r.schemaFirst(items, o.Schema)
	if err != nil {
		return Result{}, err
	}
	inOrder, err := r.rounds(items)
	if err != nil {
		return Result{}, err
	}
	if err := r.checkBodies(s.items); err != nil {
		return Result{}, err
	}
	if err := r.exec(r.base); err != nil {
		return Result{}, fmt.Errorf("resetting the session: %w", err)
	}
	slices.Sort(r.roles)
	result := s.Result(r.roles)
	result.InOrder = inOrder
	return result, nil
}

// Result is what Run returns when the given roles were created because they were
// mentioned. It says of the script what depends on its place and its names.
func (s *Script) Result(roles []string) Result {
	result := Result{Findings: slices.Clone(s.findings), Renames: s.renames(), Roles: roles, Name: s.named}
	if s.options.Roles {
		result.Findings = append(result.Findings, changedOnly(s.items, roles)...)
	}
	return result
}

// runner sends items and remembers what the session looks like.
type runner struct {
	ctx         context.Context
	conn        *pgconn.PgConn
	inside      bool // of a transaction, which failures have to leave as it was
	createRoles bool
	supply      func(error) bool
	superuser   bool
	major       int    // version of the server
	self        string // whom the session belongs to

	base       string   // brings the session to the start of a source
	baseLength int      // its number of statements
	current    *session // nil when unknown
	roles      []string // that were created because they were mentioned
	noInherit  []string
	created    map[string]bool // roles that wait for their creation
}

// prepare works out what every source starts with. Messages are wanted in
// English because missing roles are known by them; only superusers can ask.
func (r *runner) prepare(searchPath []string) {
	r.self, r.superuser = r.conn.ParameterStatus("session_authorization"), r.conn.ParameterStatus("is_superuser") == "on"
	parts := []string{"SET SESSION AUTHORIZATION " + pg.QuoteIdent(r.self), "RESET ROLE", "RESET ALL"}
	parts = append(parts, pg.SettingsQuery(r.major), "SET check_function_bodies = off")
	if r.exec("SET lc_messages = 'C'") == nil {
		parts = append(parts, "SET lc_messages = 'C'")
	}
	if r.superuser {
		parts = append(parts, pg.Unlogged)
	}
	if len(searchPath) == 0 {
		searchPath = []string{"$user", "public"} // what PostgreSQL starts with
	}
	names := make([]string, len(searchPath))
	for i, name := range searchPath {
		names[i] = pg.QuoteIdent(name)
	}
	parts = append(parts, "SET search_path = "+strings.Join(names, ", "))
	r.base, r.baseLength = strings.Join(parts, ";"), len(parts)
}

// schemaFirst puts the statement first that creates the schema, or creates it
// when there is none: what has no schema goes into it.
func (r *runner) schemaFirst(items []*item, name string) ([]*item, error) {
	if name == "" {
		return items, nil
	}
	i := slices.IndexFunc(items, func(i *item) bool { return has(i.words, "CREATE", "SCHEMA") && createsSchema(i.sql, name) })
	if i < 0 {
		if err := r.exec("CREATE SCHEMA IF NOT EXISTS " + pg.QuoteIdent(name)); err != nil {
			return nil, fmt.Errorf("creating schema %s on the shadow: %w", name, err)
		}
		return items, nil
	}
	first := items[i]
	return slices.Insert(slices.Delete(slices.Clone(items), i, i+1), 0, first), nil
}

// createsSchema reports whether CREATE SCHEMA is for that name, which can be
// that of its owner only.
func createsSchema(sql, name string) bool {
	for _, t := range pg.Tokens(sql)[2:] {
		switch {
		case t.Comment, t.Is("IF"), t.Is("NOT"), t.Is("EXISTS"), t.Is("AUTHORIZATION"):
		default:
			return t.Name && t.Ident() == name
		}
	}
	return false
}

// exec runs a message. Nothing of one that fails remains.
func (r *runner) exec(sql string) error {
	_, err := r.count(sql)
	return err
}

// plain runs a message that does not fail.
func (r *runner) plain(sql string) error {
	_, err := r.conn.Exec(r.ctx, sql).ReadAll()
	return err
}

// rounds runs the items until all have succeeded or none does any more. It
// reports whether none had to be tried again.
func (r *runner) rounds(items []*item) (inOrder bool, err error) {
	pending := items
	for round := 0; len(pending) > 0; round++ {
		if round%2 == 1 && allCreate(pending) {
			slices.Reverse(pending)
		}
		failed, err := r.pass(pending)
		if err != nil {
			return false, err
		}
		if len(failed) == len(pending) {
			return false, r.report(items, failed)
		}
		if round%2 == 1 && allCreate(pending) {
			slices.Reverse(failed)
		}
		inOrder = round == 0
		pending = failed
	}
	return inOrder || len(items) == 0, nil
}

// allCreate reports whether the order of items may be turned around: files in
// the wrong order then need few rounds, and no ALTER can be overtaken.
func allCreate(items []*item) bool {
	for _, item := range items {
		if !has(item.words, "CREATE") || has(item.words, "CREATE", "OR") {
			return false
		}
	}
	return true
}

// report returns the error that helps most: missing extensions, then one that
// is not about something missing, then the first.
func (r *runner) report(items, failed []*item) error {
	slices.SortFunc(failed, func(a, b *item) int { return slices.Index(items, a) - slices.Index(items, b) })
	if err := missingExtensions(failed); err != nil {
		return err
	}
	chosen := failed[0]
	for _, item := range failed {
		if !isMissing(pg.Code(item.err)) {
			chosen = item
			break
		}
	}
	err := chosen.err
	var placed *Error
	if errors.As(err, &placed) {
		placed.More = len(failed) - 1
	}
	return err
}

// isMissing reports whether a SQLSTATE says that something does not exist.
func isMissing(code string) bool {
	switch code {
	case "42P01", "42704", "42883", "42703", "3F000", "42P02":
		return true
	}
	return false
}

var missingExtension = regexp.MustCompile(`extension "([^"]+)" is not available|extension control file ".*/([^/"]+)\.control"`)

// missingExtensions names all extensions that the server lacks.
func missingExtensions(failed []*item) error {
	var names []string
	var first *Error
	for _, item := range failed {
		var placed *Error
		if !has(item.words, "CREATE", "EXTENSION") || !errors.As(item.err, &placed) {
			continue
		}
		match := missingExtension.FindStringSubmatch(placed.Message)
		if match == nil {
			continue
		}
		if name := match[1] + match[2]; !slices.Contains(names, name) {
			names = append(names, name)
		}
		if first == nil {
			first = placed
		}
	}
	if first == nil {
		return nil
	}
	first.More = len(failed) - 1
	if len(names) == 1 {
		first.Message = fmt.Sprintf("extension %q is not available on the scratch server", names[0])
	} else {
		first.Message = fmt.Sprintf("extensions %s are not available on the scratch server", strings.Join(names, ", "))
	}
	first.PgHint = ""
	first.hint = "install them for the scratch server's PostgreSQL, or name a server that has them with --shadow"
	return first
}
