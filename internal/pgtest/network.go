package pgtest

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/server"
)

// Network is a server of a test's own that listens on 127.0.0.1, too.
type Network struct {
	URL  string // of its database "app" behind the socket, as superuser
	Port string
	Data string // its data directory
}

// NewNetwork starts such a server with the lines of hba as pg_hba.conf, behind
// one that lets the superuser in through the socket.
func NewNetwork(t testing.TB, major int, hba string) *Network {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{Port: strconv.Itoa(free.Addr().(*net.TCPAddr).Port)}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s := startOwn(t, major, server.Config{Superuser: "postgres", Settings: map[string]string{
		"listen_addresses": "127.0.0.1", "port": n.Port, "password_encryption": "scram-sha-256",
	}})
	Exec(t, s.URL("postgres"), "CREATE DATABASE "+ownDatabase+" TEMPLATE template0")
	n.URL = s.URL(ownDatabase)
	if err := Connect(t, n.URL).QueryRow(t.Context(), "SHOW data_directory").Scan(&n.Data); err != nil {
		t.Fatal(err)
	}
	n.Write(t, "pg_hba.conf", "local all postgres trust\n"+hba)
	n.Reload(t)
	return n
}

// Write writes a file of the data directory.
func (n *Network) Write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(n.Data, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(n.Data)
	if err != nil {
		t.Fatal(err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// Reload runs statements such as ALTER SYSTEM and waits until new connections
// meet what the files of the server say.
func (n *Network) Reload(t testing.TB, statements ...string) {
	t.Helper()
	loaded := func() (at time.Time) {
		conn := Connect(t, n.URL)
		defer conn.Close(t.Context())
		if err := conn.QueryRow(t.Context(), "SELECT pg_conf_load_time()").Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	before := loaded()
	for _, sql := range append(statements, "SELECT pg_reload_conf()") {
		Exec(t, n.URL, sql)
	}
	for deadline := time.Now().Add(20 * time.Second); !loaded().After(before); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server does not read its files again")
		}
	}
}

// Log returns what the server has logged.
func (n *Network) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(n.Data), "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
