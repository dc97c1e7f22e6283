package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/schema"
)

// ownDatabase is the name of the database on servers that a test has for itself.
const ownDatabase = "app"

// Own starts a server for the test alone, loads the text into a database "app"
// of it when the roles are made, and returns the URL of that.
func (c *Clusters) Own(t *testing.T, major int, sql string, roles ...string) string {
	t.Helper()
	s := startOwn(t, major, server.Config{Superuser: "postgres"})
	Exec(t, s.URL("postgres"), server.CreateDatabase(major, ownDatabase))
	for _, role := range roles {
		Exec(t, s.URL("postgres"), "CREATE ROLE "+pg.QuoteIdent(role))
	}
	if strings.TrimSpace(sql) != "" {
		Exec(t, s.URL(ownDatabase), sql)
	}
	return s.URL(ownDatabase)
}

// startOwn starts a server that the end of the test stops.
func startOwn(t testing.TB, major int, c server.Config) *server.Server {
	t.Helper()
	o := ServerOptions()
	b, err := server.Find(t.Context(), major, o)
	if err != nil {
		t.Fatalf("finding PostgreSQL %d: %v", major, err)
	}
	s, err := server.Start(t.Context(), b, c, o)
	if err != nil {
		t.Fatalf("starting PostgreSQL %d: %v", major, err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// runOwn runs a case both ways on servers of its own, because what it manages is
// shared by all databases of a server.
func (c *Clusters) runOwn(t *testing.T, k *Case, major int, prelude string) (forward, back *schema.Plan) {
	c.alone.Lock() // one such case at a time is enough for a machine
	defer c.alone.Unlock()
	selection := cairn.Selection{Decisions: cairn.Decisions{Drops: k.drops}}
	for _, option := range k.manage {
		selection.Roles = selection.Roles || option == "roles"
		selection.Database = selection.Database || option == "database-settings"
	}
	from, to := k.contents["from.sql"], k.contents["to.sql"]
	first, second := c.Own(t, major, prelude+from, k.roles...), c.Own(t, major, prelude+to, k.roles...)
	before, after := c.dumpServer(t, first), c.dumpServer(t, second)
	compare := func(want, url string, p *schema.Plan) {
		if got := c.dumpServer(t, url); got != want {
			t.Errorf("pg_dumpall and pg_dump differ:\nwant\n%s\n\ngot\n%s\nplan:\n%s", want, got, steps(p))
		}
	}
	forward = c.Converge(t, Pair{Major: major, From: from, To: to, Target: first, Selection: selection, Undumped: true})
	if k.undumped != "both" {
		compare(after, first, forward)
	}
	back = c.Converge(t, Pair{Major: major, From: to, To: from, Target: second, Selection: selection, Undumped: true})
	if k.undumped == "" {
		compare(before, second, back)
	}
	return forward, back
}

// dumpServer returns what PostgreSQL's programs print of a database, of what can
// be said of it, and of the roles of its server.
func (c *Clusters) dumpServer(t testing.TB, url string) string {
	t.Helper()
	command, err := observer()
	if err != nil {
		t.Fatalf("finding pg_dump: %v", err)
	}
	all := append([]string{}, command...)
	program := &all[len(all)-1]
	if len(command) == 1 {
		*program = filepath.Join(filepath.Dir(*program), "pg_dumpall")
	} else { // it looks for a pg_dump that runs by itself
		*program = copyDumpAll(t, command)
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), all[0], append(all[1:], "--globals-only", "--no-role-passwords", "--dbname", url)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running pg_dumpall: %v\n%s", err, stderr.String())
	}
	var globals []string
	for line := range strings.Lines(normalize(string(out))) {
		if !strings.HasPrefix(line, `\`) {
			globals = append(globals, line)
		}
	}
	return strings.Join(globals, "") + "\n" + c.Dump(t, url, "--create")
}

// copyDumpAll puts pg_dumpall beside a script that runs pg_dump, and returns its
// path.
func copyDumpAll(t testing.TB, command []string) string {
	t.Helper()
	dir := t.TempDir()
	original := command[len(command)-1]
	text, err := os.ReadFile(filepath.Join(filepath.Dir(original), "pg_dumpall"))
	if err != nil {
		t.Fatal(err)
	}
	quoted := make([]string, len(command))
	for i, word := range command {
		quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", strings.Join(quoted, " "))
	path := filepath.Join(dir, "pg_dumpall")
	for name, content := range map[string][]byte{path: text, filepath.Join(dir, "pg_dump"): []byte(script)} {
		if err := os.WriteFile(name, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
