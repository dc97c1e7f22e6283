package pg

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// Options changes how Connect connects. Empty fields leave the choice to the
// connection string, the environment and libpq's defaults, in this order.
type Options struct {
	ApplicationName string // default for application_name; PGAPPNAME and the connection string win
	Host            string // overrides the host of the connection string
	Port            string // overrides its port
	User            string // overrides its user
	SSLMode         string // overrides its sslmode

	Getenv   func(string) string  // environment; default os.Getenv
	OnNotice func(*pgconn.Notice) // receives notices; default: dropped
	Pooled   bool                 // IsPooled was true: no statement is prepared for later ones
}

// cancelPatience is how long a canceled statement may take to end before the
// connection is given up.
const cancelPatience = 5 * time.Second

// environment maps the variables of libpq that can be given in a connection
// string as well.
var environment = map[string]string{
	"PGHOST": "host", "PGPORT": "port", "PGDATABASE": "dbname", "PGUSER": "user",
	"PGPASSWORD": "password", "PGPASSFILE": "passfile", "PGAPPNAME": "application_name",
	"PGCONNECT_TIMEOUT": "connect_timeout", "PGSSLMODE": "sslmode", "PGSSLKEY": "sslkey",
	"PGSSLCERT": "sslcert", "PGSSLROOTCERT": "sslrootcert", "PGSERVICE": "service",
	"PGSERVICEFILE": "servicefile", "PGOPTIONS": "options",
	"PGTARGETSESSIONATTRS": "target_session_attrs", "PGCHANNELBINDING": "channel_binding",
	"PGSSLPASSWORD": "sslpassword", "PGSSLCERTMODE": "sslcertmode", "PGSSLNEGOTIATION": "sslnegotiation", "PGSSLSNI": "sslsni",
	"PGREQUIREAUTH": "require_auth",
}

// Connect opens a connection. The dsn is what psql -d takes: a database name,
// a key=value string or a URL; empty means libpq's defaults. Errors are of
// type *ConnectError.
func Connect(ctx context.Context, dsn string, o Options) (*pgx.Conn, error) {
	config, err := ParseConfig(dsn, o)
	if err != nil {
		return nil, err
	}
	return connect(ctx, config)
}

// Beside opens another session on the server of conn, with the same settings but
// for the name of the application. It is for what nothing depends on: a canceled
// statement is given up at once, and the connection with it.
func Beside(ctx context.Context, conn *pgx.Conn, applicationName string) (*pgx.Conn, error) {
	config := conn.Config()
	config.RuntimeParams["application_name"] = applicationName
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn()}
	}
	return connect(ctx, config)
}

func connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, &ConnectError{
			Address:  address(config.Host, config.Port),
			Database: config.Database,
			User:     config.User,
			Err:      err,
		}
	}
	return conn, nil
}

// ParseConfig resolves a connection string as Connect does, without connecting.
func ParseConfig(dsn string, o Options) (*pgx.ConnConfig, error) {
	resolved := resolve(dsn, o)
	config, err := pgx.ParseConfig(resolved)
	if err != nil {
		return nil, &ConnectError{Err: err}
	}
	if config.Database == "" {
		config.Database = config.User
	}
	if config.RuntimeParams["application_name"] == "" {
		delete(config.RuntimeParams, "application_name")
		if o.ApplicationName != "" {
			config.RuntimeParams["application_name"] = o.ApplicationName
		}
	}
	// A canceled context ends the statement in the server, and the connection
	// stays: it can still roll back and give up its locks.
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelPatience}
	}
	config.AfterConnect = configure
	if o.Pooled {
		config.AfterConnect = nil // see OwnSession
		// Between two messages the session may change, so each brings its text.
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if o.OnNotice != nil {
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { o.OnNotice(n) }
	}
	return config, nil
}

// ServerVersion returns the server's major version, such as 15, or 0 when the
// server did not report one.
func ServerVersion(conn *pgx.Conn) int { return versionOf(conn.PgConn()) }

func versionOf(conn *pgconn.PgConn) int {
	text := conn.ParameterStatus("server_version")
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	major, err := strconv.Atoi(text[:end])
	if err != nil {
		return 0
	}
	return major
}

// CheckVersion returns the server's major version, and an
// *UnsupportedVersionError when it is outside the supported range.
func CheckVersion(conn *pgx.Conn) (int, error) {
	version := ServerVersion(conn)
	if version < Oldest || version > Newest {
		return version, &UnsupportedVersionError{Version: version}
	}
	return version, nil
}

// resolve adds the given environment and overrides to a connection string. The
// driver itself reads the process's environment, so only what differs from it
// has to be said.
func resolve(dsn string, o Options) string {
	if !isURL(dsn) && !strings.Contains(dsn, "=") && dsn != "" {
		dsn = "dbname=" + quoteValue(dsn)
	}
	overrides := map[string]string{"host": o.Host, "port": o.Port, "user": o.User, "sslmode": o.SSLMode}
	defaults := environmentSettings(o.Getenv)
	if isURL(dsn) {
		return resolveURL(dsn, defaults, overrides)
	}
	// A later setting replaces an earlier one.
	var parts []string
	for _, name := range sortedKeys(defaults) {
		parts = append(parts, name+"="+quoteValue(defaults[name]))
	}
	parts = append(parts, dsn)
	for _, name := range sortedKeys(overrides) {
		if overrides[name] != "" {
			parts = append(parts, name+"="+quoteValue(overrides[name]))
		}
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// environmentSettings returns the settings in which getenv differs from the
// environment of the process.
func environmentSettings(getenv func(string) string) map[string]string {
	settings := map[string]string{}
	if getenv == nil {
		return settings
	}
	for variable, name := range environment {
		value := getenv(variable)
		if value == os.Getenv(variable) {
			continue
		}
		if value == "" && !hasEmptyDefault(name) {
			continue
		}
		settings[name] = value
	}
	return settings
}

// hasEmptyDefault reports whether an empty value means the same as none.
func hasEmptyDefault(name string) bool {
	switch name {
	case "host", "port", "dbname", "user", "password", "application_name", "options":
		return true
	}
	return false
}

// resolveURL gives settings as query parameters, which win over the rest of a
// URL; defaults are given only where the URL says nothing.
func resolveURL(dsn string, defaults, overrides map[string]string) string {
	for _, name := range sortedKeys(defaults) {
		if !urlSets(dsn, name) {
			dsn = addParameter(dsn, name, defaults[name])
		}
	}
	for _, name := range sortedKeys(overrides) {
		if overrides[name] != "" {
			dsn = addParameter(dsn, name, overrides[name])
		}
	}
	return dsn
}

func urlSets(dsn, name string) bool {
	_, rest, _ := strings.Cut(dsn, "://")
	rest, query, _ := strings.Cut(rest, "?")
	if values, err := url.ParseQuery(query); err == nil && values.Has(name) {
		return true
	}
	authority, database, _ := strings.Cut(rest, "/")
	userinfo, hosts, found := strings.Cut(authority, "@")
	if !found {
		userinfo, hosts = "", authority
	}
	user, password, _ := strings.Cut(userinfo, ":")
	switch name {
	case "host":
		return hosts != "" && !strings.HasPrefix(hosts, ":")
	case "port":
		return strings.Contains(hosts[strings.LastIndex(hosts, "]")+1:], ":")
	case "dbname":
		return database != ""
	case "user":
		return user != ""
	case "password":
		return password != ""
	}
	return false
}

func addParameter(dsn, name, value string) string {
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + name + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

func isURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func quoteValue(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func address(host string, port uint16) string {
	if strings.HasPrefix(host, "/") {
		return fmt.Sprintf("%s/.s.PGSQL.%d", strings.TrimSuffix(host, "/"), port)
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
