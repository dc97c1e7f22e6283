// Package pgtest runs tests on real PostgreSQL servers: one server per version
// and test binary, one database per test, and pg_dump as outside observer.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/internal/shadow"
)

// Versions returns the major versions that tests run on: those in
// CAIRN_TEST_PG, by default the oldest and the newest supported.
func Versions() []int {
	list := os.Getenv("CAIRN_TEST_PG")
	if list == "" {
		return []int{pg.Oldest, pg.Newest}
	}
	var versions []int
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' }) {
		v, err := strconv.Atoi(word)
		if err != nil {
			panic(fmt.Sprintf("CAIRN_TEST_PG: %q is no major version", word))
		}
		versions = append(versions, v)
	}
	return versions
}

// ServerOptions returns where tests find servers.
func ServerOptions() server.Options {
	return server.Options{Getenv: os.Getenv, CacheDir: server.DefaultCacheDir(os.Getenv), DataDir: server.DefaultDataDir(os.Getenv)}
}

// Clusters holds the servers of one test binary.
type Clusters struct {
	mu      sync.Mutex
	servers map[int]*server.Server
	count   atomic.Int64
	shadows map[int][]string // free scratch databases
	printed sync.Map         // printedKey to the text of pg_dump
	covered Coverage

	libraries libraries
	alone     sync.Mutex // held by a case that has servers of its own
}

// Main runs the tests of a package and stops the servers that they started. It
// returns the exit code.
func (c *Clusters) Main(m *testing.M) int {
	defer c.stop()
	return m.Run()
}

func (c *Clusters) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.libraries.remove()
	for _, s := range c.servers {
		if err := s.Stop(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// Server returns the server of the given major version.
func (c *Clusters) Server(t testing.TB, major int) *server.Server {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.servers[major]; s != nil {
		return s
	}
	o := ServerOptions()
	b, err := server.Find(t.Context(), major, o)
	if err != nil {
		t.Fatalf("finding PostgreSQL %d: %v", major, err)
	}
	s, err := server.Start(context.Background(), b, server.Config{Superuser: "postgres", Settings: map[string]string{"max_prepared_transactions": "4"}}, o)
	if err != nil {
		t.Fatalf("starting PostgreSQL %d: %v", major, err)
	}
	if c.servers == nil {
		c.servers = map[int]*server.Server{}
	}
	c.servers[major] = s
	return s
}

// Database makes an empty database for the test and returns its URL. It is
// dropped when the test ends.
func (c *Clusters) Database(t testing.TB, major int) string {
	t.Helper()
	s := c.Server(t, major)
	name := fmt.Sprintf("t%d", c.count.Add(1))
	Exec(t, s.URL("postgres"), server.CreateDatabase(major, name))
	t.Cleanup(func() {
		if conn, err := pgx.Connect(context.Background(), s.URL(name)); err == nil {
			if _, err := conn.Exec(context.Background(), shadow.Unsubscribe); err != nil {
				t.Errorf("dropping the subscriptions of database %s: %v", name, err)
			}
			_ = conn.Close(context.Background())
		}
		conn, err := pgx.Connect(context.Background(), s.URL("postgres"))
		if err != nil {
			return // the server is gone, and the database with it
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dropping database %s: %v", name, err)
		}
	})
	return s.URL(name)
}

// Shadow lends the test an empty scratch database, which cairn empties itself.
func (c *Clusters) Shadow(t testing.TB, major int) string {
	t.Helper()
	c.mu.Lock()
	var url string
	if free := c.shadows[major]; len(free) > 0 {
		url, c.shadows[major] = free[len(free)-1], free[:len(free)-1]
	}
	c.mu.Unlock()
	if url == "" {
		s := c.Server(t, major)
		name := fmt.Sprintf("s%d", c.count.Add(1))
		Exec(t, s.URL("postgres"), server.CreateDatabase(major, name))
		url = s.URL(name)
	}
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.shadows == nil {
			c.shadows = map[int][]string{}
		}
		if !t.Failed() {
			c.shadows[major] = append(c.shadows[major], url)
		}
	})
	return url
}

// Connect opens a connection that the end of the test closes.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Exec runs a script in one simple-query message.
func Exec(t testing.TB, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%v\nrunning:\n%s", err, sql)
	}
}
