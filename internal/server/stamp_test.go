package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Another place, version, size or time of a server's program is another stamp.
func TestStamp(t *testing.T) {
	seen := map[string]string{}
	stamp := func(name, dir, version, text string, at int64) {
		t.Helper()
		file := filepath.Join(dir, "postgres")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Unix(at, 1), time.Unix(at, 1)); err != nil {
			t.Fatal(err)
		}
		got, err := Binaries{Bin: dir, Version: version}.Stamp()
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[got]; twice {
			t.Errorf("%s and %s have the same stamp", name, other)
		}
		seen[got] = name
	}
	dir := t.TempDir()
	stamp("first", dir, "17.1", "x", 1)
	stamp("version", dir, "17.2", "x", 1)
	stamp("size", dir, "17.1", "xx", 1)
	stamp("time", dir, "17.1", "x", 2)
	stamp("place", t.TempDir(), "17.1", "x", 1)
	if _, err := (Binaries{Bin: t.TempDir()}).Stamp(); err == nil {
		t.Error("a server that is not there has a stamp")
	}
}

// What comes, goes or changes in a directory of a server changes its stamp.
func TestStampDirectories(t *testing.T) {
	dir := t.TempDir()
	stamp := func() string {
		t.Helper()
		var b strings.Builder
		if err := StampDirectories(&b, []string{dir, filepath.Join(dir, "none")}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	seen := map[string]string{stamp(): "empty"}
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"a file", func() error { return os.WriteFile(filepath.Join(dir, "a"), nil, 0o600) }},
		{"a larger file", func() error { return os.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o600) }},
		{"a link to nowhere", func() error { return os.Symlink(filepath.Join(dir, "b"), filepath.Join(dir, "l")) }},
		{"a link to a file", func() error { return os.WriteFile(filepath.Join(dir, "b"), []byte("x"), 0o600) }},
		{"a changed file behind a link", func() error { return os.WriteFile(filepath.Join(dir, "b"), []byte("xyz"), 0o600) }},
		{"a file less", func() error { return os.Remove(filepath.Join(dir, "a")) }},
	} {
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		got := stamp()
		if other, twice := seen[got]; twice {
			t.Errorf("%s: the stamp is that of %s", change.name, other)
		}
		seen[got] = change.name
	}
}
