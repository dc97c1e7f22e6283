package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pgtest/clients"
)

// Bouncer starts a PgBouncer before the server of a URL and returns the URL of
// the same database through it. The further lines are settings of PgBouncer. It
// prepares no statements for its clients, as the versions before 1.21.
func Bouncer(t testing.TB, url, mode string, settings ...string) string {
	t.Helper()
	command := bouncer(t)
	target, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "bouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	lines := append([]string{
		"[databases]", fmt.Sprintf("* = host=%s port=%d user=%s", target.Host, target.Port, target.User),
		"[pgbouncer]", "listen_port = 6432", "unix_socket_dir = " + dir, "auth_type = any", "pool_mode = " + mode,
	}, settings...)
	out, err := exec.CommandContext(t.Context(), command[0], append(command[1:], "--version")...).Output()
	var minor int
	if _, scanErr := fmt.Sscanf(string(out), "PgBouncer 1.%d", &minor); err != nil || scanErr != nil {
		t.Fatalf("the version of PgBouncer is %q: %v", out, err)
	}
	if minor >= 21 {
		lines = append(lines, "max_prepared_statements = 0")
	}
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, target.Host, dir, append(command, file))
	through := fmt.Sprintf("postgres:///%s?host=%s&port=6432&user=%s", target.Database, dir, target.User)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), through)
		if err == nil {
			_ = conn.Close(t.Context())
			return through
		}
		if time.Now().After(deadline) {
			t.Fatalf("PgBouncer does not answer: %v", err)
		}
	}
}

// start runs PgBouncer until the test ends, as the owner of the server's socket:
// it refuses root, and nobody else can reach the socket.
func start(t testing.TB, socket, dir string, command []string) {
	t.Helper()
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", log, log
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting PgBouncer: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // its end by the signal
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("PgBouncer said:\n%s", text)
		}
		_ = log.Close()
	})
}

// bouncer returns the command line of a PgBouncer: that on PATH, or one from
// Debian's packages.
func bouncer(t testing.TB) []string {
	t.Helper()
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return []string{path}
	}
	command, err := clients.Debian(t.Context(), ServerOptions().CacheDir, "pgbouncer", "pgbouncer", "usr/sbin/pgbouncer")
	switch {
	case err != nil && os.Geteuid() == 0:
		t.Fatalf("finding PgBouncer: %v", err)
	case err != nil:
		t.Skipf("SKIPPED: there is no pgbouncer on PATH: install the package pgbouncer (fetching it: %v)", err)
	}
	return command
}
