package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// wrapped is a directory of programs that note each of their runs and then are
// those of a server.
func wrapped(t *testing.T, of Binaries) (dir string, runs func() int) {
	t.Helper()
	dir = t.TempDir()
	notes := filepath.Join(dir, "runs")
	err := os.WriteFile(notes, nil, 0o600)
	for _, name := range programs {
		script := fmt.Sprintf("#!/bin/sh\necho %s >> '%s'\nexec '%s' \"$@\"\n", name, notes, filepath.Join(of.Bin, name))
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o600), os.Chmod(filepath.Join(dir, name), 0o755))
	}
	for at := dir; at != os.TempDir(); at = filepath.Dir(at) { // for the account of the server
		err = errors.Join(err, os.Chmod(at, 0o755))
	}
	if err = errors.Join(err, os.Chmod(notes, 0o666)); err != nil {
		t.Fatal(err)
	}
	return dir, func() int {
		text, err := os.ReadFile(notes)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
}

// Programs are run once, again when anything of them changes, and after a server
// that did not start.
func TestFindRunsNoKnownProgram(t *testing.T) {
	o := testOptions(t)
	original := find(t, o)
	dir, runs := wrapped(t, original)
	o.Getenv = func(name string) string { return map[string]string{"CAIRN_POSTGRES_BIN": dir}[name] }
	look := func(what string, want int) Binaries {
		t.Helper()
		before := runs()
		b := find(t, o)
		if b.Bin != dir || b.Version != original.Version || b.Major != original.Major {
			t.Errorf("%s: found %+v, not %+v", what, b, original)
		}
		if got := runs() - before; got != want {
			t.Errorf("%s: %d programs were run, not %d", what, got, want)
		}
		return b
	}
	look("new", 2)
	b := look("known", 0)
	initdb := filepath.Join(dir, "initdb")
	info, err := os.Stat(initdb)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(initdb)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "echo initdb", "echo INITDB", 1))
	if err := errors.Join(os.WriteFile(initdb, text, 0o755), os.Chtimes(initdb, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	look("of the same size and time", 2)
	look("known again", 0)
	if _, err := Start(t.Context(), b, Config{Settings: map[string]string{"no_such_setting": "1"}}, o); err == nil {
		t.Error("the server started")
	}
	look("after a server that did not start", 2)
	if err := os.Remove(filepath.Join(dir, "pg_ctl")); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(t.Context(), 0, o); err == nil || !strings.Contains(err.Error(), "no pg_ctl") {
		t.Errorf("without pg_ctl: %v", err)
	}
}

// A server with a database of its own starts with that alone, and has the others
// when they are asked for.
func TestServerWithItsOwnDatabase(t *testing.T) {
	o := testOptions(t)
	b := find(t, o)
	for _, round := range []string{"initdb", "template"} {
		s, err := Start(t.Context(), b, Config{Superuser: "owner", Database: "own"}, o)
		if err != nil {
			t.Fatal(err)
		}
		const count = "SELECT count(*) || ' of ' || (SELECT count(*) FROM pg_class) FROM pg_class WHERE oid >= 16384"
		own := query(t, s.URL("own"), count)
		if !strings.HasPrefix(own, "0 of ") {
			t.Errorf("%s: the database is not empty: %s", round, own)
		}
		if got := query(t, s.URL("own"), "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"); got != "own template0 template1" {
			t.Errorf("%s: the databases are %s", round, got)
		}
		for _, name := range []string{"second", "third"} {
			url, err := s.Complete()
			if err != nil {
				t.Fatal(err)
			}
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), CreateDatabase(s.Major(), name)); err != nil {
				t.Fatal(err)
			}
			if err := conn.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := query(t, s.URL(name), count); got != own {
				t.Errorf("%s: a further database has %s, not %s", round, got, own)
			}
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
