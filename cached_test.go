package cairn

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/schema"
)

// keyOf is the key of a recipe on a server with the given directories.
func keyOf(t *testing.T, c recipe, environment map[string]string, directories ...string) string {
	t.Helper()
	e := New(Options{CacheDir: server.DefaultCacheDir(os.Getenv), Getenv: func(name string) string {
		if value, known := environment[name]; known {
			return value
		}
		if strings.HasPrefix(name, "PG") {
			return ""
		}
		return os.Getenv(name)
	}})
	e.options.CacheDir = t.TempDir() // it knows no directories
	var err error
	c.script, err = load.Parse([]load.Source{{Name: "a.sql", Text: "CREATE TABLE a ()"}}, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.newSlot(t.Context(), c)
	if err == nil && s.found {
		t.Fatal("the directories of the server are known")
	}
	if err == nil {
		err = s.settle(directories)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(s.key[:])
}

// Each part of the key that is not of the script makes another one; that of the
// script has its tests beside it.
func TestKeyOfSlot(t *testing.T) {
	versions := strings.Fields(os.Getenv("CAIRN_TEST_PG"))
	if len(versions) == 0 {
		versions = []string{"14", "18"}
	}
	newest, err := strconv.Atoi(slices.Max(versions))
	if err != nil {
		t.Fatal(err)
	}
	base := recipe{reading: reading{scratch: Scratch{Version: newest}}}
	with := func(change func(*recipe)) recipe {
		c := base
		change(&c)
		return c
	}
	ground := func(change func(*schema.Object)) *schema.State {
		o := &schema.Object{ID: schema.ID{Kind: "table", Schema: "public", Name: "a"}, Attrs: []schema.Attr{{Name: "x", Value: "y"}}}
		change(o)
		s := schema.NewState(newest)
		s.Objects[o.ID] = o
		return s
	}
	dir := t.TempDir()
	control := filepath.Join(dir, "x.control")
	installed := func(text string, at int64) string {
		t.Helper()
		if err := os.WriteFile(control, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(control, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
		return keyOf(t, base, nil, dir)
	}
	keys := map[string]string{}
	add := func(name, key string) {
		t.Helper()
		if other, twice := keys[key]; twice {
			t.Errorf("%s and %s have the same key", name, other)
		}
		keys[key] = name
	}
	add("base", keyOf(t, base, nil))
	add("an encoding", keyOf(t, with(func(c *recipe) { c.target = &target{major: newest, encoding: "LATIN1"} }), nil))
	add("an extension", keyOf(t, with(func(c *recipe) { c.scratch.Extensions = []string{"a"} }), nil))
	add("two extensions", keyOf(t, with(func(c *recipe) { c.scratch.Extensions = []string{"a", "b"} }), nil))
	add("two extensions the other way round", keyOf(t, with(func(c *recipe) { c.scratch.Extensions = []string{"b", "a"} }), nil))
	add("a setting", keyOf(t, base, map[string]string{"PGOPTIONS": "-c default_table_access_method=x"}))
	add("another setting", keyOf(t, base, map[string]string{"PGOPTIONS": "-c default_table_access_method=y"}))
	add("a ground", keyOf(t, with(func(c *recipe) { c.ground = ground(func(*schema.Object) {}) }), nil))
	add("another ground", keyOf(t, with(func(c *recipe) { c.ground = ground(func(o *schema.Object) { o.Attrs[0].Value = "z" }) }), nil))
	add("a ground with what is never compared", keyOf(t, with(func(c *recipe) { c.ground = ground(func(o *schema.Object) { o.Attrs[0].Info = true }) }), nil))
	add("a file of an extension", installed("one", 1))
	add("with another size", installed("three", 1))
	add("with another time", installed("three", 2))
	if err := os.Rename(control, filepath.Join(dir, "y.control")); err != nil {
		t.Fatal(err)
	}
	add("with another name", keyOf(t, base, nil, dir))
	for _, version := range versions {
		major, err := strconv.Atoi(version)
		if err != nil {
			t.Fatal(err)
		}
		if major != newest {
			add("version "+version, keyOf(t, with(func(c *recipe) { c.scratch.Version = major }), nil))
		}
	}
	for name, key := range map[string]string{
		"another time":   keyOf(t, base, nil),
		"another name":   keyOf(t, base, map[string]string{"PGAPPNAME": "x", "PGDATABASE": "y", "PGHOST": "z", "PGUSER": "u"}),
		"another target": keyOf(t, with(func(c *recipe) { c.target = &target{major: newest, identity: schema.Database{Name: "x"}, user: "u"} }), nil),
	} {
		if keys[key] != "base" {
			t.Errorf("%s makes another key", name)
		}
	}
	sized := keyOf(t, with(func(c *recipe) { c.ground = ground(func(o *schema.Object) { o.Stats = &schema.Stats{Rows: 7} }) }), nil)
	if keys[sized] != "a ground" {
		t.Error("the size of a table makes another key")
	}
}

// What is built on a server that is not Cairn's own has no slot.
func TestSlotOfOthers(t *testing.T) {
	e := New(Options{Getenv: os.Getenv})
	for _, scratch := range []Scratch{{Shadow: "target"}, {Shadow: "postgres:///x"}, {NoCache: true}} {
		if s := e.slotOf(t.Context(), recipe{reading: reading{scratch: scratch}}); s != nil {
			t.Errorf("%+v has a slot", scratch)
		}
	}
}
