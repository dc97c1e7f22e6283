// Package server finds, fetches and runs local PostgreSQL servers.
//
// A temporary server lives in a directory of its own, listens on a Unix
// socket only and is removed when it stops. A kept server outlives the
// process that opened it.
package server

import (
	"log/slog"
	"net/url"
	"strings"
)

const (
	oldestMajor = 14
	newestMajor = 18
	socketPort  = "5432"
	// The database for statements about others, of a server with one of its own.
	systemDatabase = "template1"
)

// Options tells where to look for binaries and where to keep files.
type Options struct {
	Getenv   func(string) string // environment look-ups
	CacheDir string              // fetched binaries, what they say of themselves, and initialised data directories
	DataDir  string              // kept servers
	Logger   *slog.Logger        // may be nil
}

// Binaries is one installed PostgreSQL server.
type Binaries struct {
	Bin     string   // directory with initdb, postgres and pg_ctl
	Major   int      // for example 17
	Version string   // for example 17.6
	Env     []string // what its programs need, for example LD_LIBRARY_PATH
}

// Config describes a server to start.
type Config struct {
	Data      string            // data directory; empty for one that is removed at Stop
	Durable   bool              // write through to the disk
	Superuser string            // role that owns the server; postgres when empty
	Database  string            // empty database that a temporary server starts with in place of postgres; see Server.Complete
	Sessions  int               // that it serves at once, where they are few
	Locks     int               // that one transaction may hold at once, where it is more than most do
	Settings  map[string]string // server settings, which win over the built-in ones
}

func (o Options) log() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}

func (o Options) env(name string) string {
	if o.Getenv == nil {
		return ""
	}
	return o.Getenv(name)
}

func (c Config) superuser() string {
	if c.Superuser == "" {
		return "postgres"
	}
	return c.Superuser
}

// port is the number in the name of the server's socket.
func (c Config) port() string {
	if port := c.Settings["port"]; port != "" {
		return port
	}
	return socketPort
}

// socketURL is the libpq URL of a database behind the socket in dir.
func socketURL(database, dir, user, port string) string {
	return "postgres:///" + url.PathEscape(database) +
		"?host=" + queryValue(dir) + "&user=" + queryValue(user) + "&port=" + port
}

// queryValue escapes a value the way libpq reads it: a plus sign is not a
// space, and a slash needs no escape.
func queryValue(v string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(v))
}
