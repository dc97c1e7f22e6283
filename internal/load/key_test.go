package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keyOf is the key of sources.
func keyOf(t *testing.T, o Options, sources ...Source) string {
	t.Helper()
	script, err := Parse(sources, o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	script.WriteKey(&b)
	return b.String()
}

// Each part of what decides the state is in the key.
func TestKeyDiffers(t *testing.T) {
	base := Options{CreateRoles: true, Name: "app", Database: true, Roles: true}
	with := func(change func(*Options)) Options {
		o := base
		change(&o)
		return o
	}
	text := "CREATE TABLE a (); SET search_path = x; CREATE TABLE b (); ALTER DATABASE app SET a.b = c"
	keys := map[string]string{}
	for name, key := range map[string]string{
		"base":               keyOf(t, base, file("a.sql", text)),
		"another statement":  keyOf(t, base, file("a.sql", strings.Replace(text, "TABLE b", "TABLE c", 1))),
		"another order":      keyOf(t, base, file("a.sql", "SET search_path = x; CREATE TABLE b (); SET search_path = y; CREATE TABLE a (); ALTER DATABASE app SET a.b = c")),
		"another setting":    keyOf(t, base, file("a.sql", strings.Replace(text, "= x", "= y", 1))),
		"no setting":         keyOf(t, base, file("a.sql", strings.Replace(text, "SET search_path = x;", "", 1))),
		"earlier setting":    keyOf(t, base, file("a.sql", "SET search_path = x; CREATE TABLE a (); CREATE TABLE b (); ALTER DATABASE app SET a.b = c")),
		"unchecked bodies":   keyOf(t, base, file("a.sql", "SET check_function_bodies = off;"+text)),
		"one more":           keyOf(t, base, file("a.sql", text), file("b.sql", "CREATE TABLE c ()")),
		"schema":             keyOf(t, with(func(o *Options) { o.Schema = "x" }), file("a.sql", text)),
		"search_path":        keyOf(t, with(func(o *Options) { o.SearchPath = []string{"x", "public"} }), file("a.sql", text)),
		"no roles are made":  keyOf(t, with(func(o *Options) { o.CreateRoles = false }), file("a.sql", text)),
		"roles":              keyOf(t, with(func(o *Options) { o.Roles = false }), file("a.sql", text)),
		"database":           keyOf(t, with(func(o *Options) { o.Database = false }), file("a.sql", text)),
		"name of a database": keyOf(t, with(func(o *Options) { o.Name = "other" }), file("a.sql", text)),
		"one no inherit":     keyOf(t, with(func(o *Options) { o.NoInherit = []string{"a"} }), file("a.sql", text)),
		"two no inherit":     keyOf(t, with(func(o *Options) { o.NoInherit = []string{"a", "b"} }), file("a.sql", text)),
	} {
		if other, twice := keys[key]; twice {
			t.Errorf("%s and %s have the same key", name, other)
		}
		keys[key] = name
	}
}

// What only says where the text comes from is not in the key.
func TestKeyMeets(t *testing.T) {
	dir := t.TempDir()
	below := filepath.Join(dir, "below")
	if err := os.Mkdir(below, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"b.sql": "CREATE TABLE b ();\n\\ir c.sql\n", "c.sql": "CREATE TABLE c ();", "below/d.sql": "CREATE TABLE c ();"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := keyOf(t, Options{}, file("a.sql", "CREATE TABLE a (); CREATE TABLE b (); CREATE TABLE c ()"))
	for name, key := range map[string]string{
		"standard input": keyOf(t, Options{}, file(standardInput, "CREATE TABLE a (); CREATE TABLE b (); CREATE TABLE c ();")),
		"includes":       keyOf(t, Options{}, file(filepath.Join(dir, "a.sql"), "-- a comment\nCREATE TABLE a ();\n\\i b.sql\n")),
		"three files":    keyOf(t, Options{}, file("1.sql", "CREATE TABLE a ()"), file("2.sql", "CREATE TABLE b ()"), file(filepath.Join(below, "x.sql"), "\n\\ir d.sql\n")),
		"no database":    keyOf(t, Options{Name: "app"}, file("a.sql", "CREATE TABLE a (); CREATE TABLE b (); CREATE TABLE c ()")),
	} {
		if key != want {
			t.Errorf("%s: %s", name, key)
		}
	}
	secret := keyOf(t, Options{Roles: true}, file("a.sql", "CREATE ROLE r LOGIN PASSWORD 'secret'"))
	if secret != keyOf(t, Options{Roles: true}, file("a.sql", "CREATE ROLE r LOGIN PASSWORD 'other'")) || strings.Contains(secret, "secret") {
		t.Errorf("the key has a password: %s", secret)
	}
}

// A script says its key after a run as it did before.
func TestKeyAfterRun(t *testing.T) {
	script, err := Parse([]Source{file("a.sql", "COMMENT ON DATABASE app IS 'x'; CREATE TABLE a ()")}, Options{Database: true, Name: "app"})
	if err != nil {
		t.Fatal(err)
	}
	var before, after strings.Builder
	script.WriteKey(&before)
	if _, err := script.Run(t.Context(), newDatabase(t), nil); err != nil {
		t.Fatal(err)
	}
	if script.WriteKey(&after); before.String() != after.String() {
		t.Errorf("%s\n%s", before.String(), after.String())
	}
}
