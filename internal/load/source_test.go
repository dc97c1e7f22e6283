package load

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"b.sql": "SELECT 2;", "a/z.sql": "SELECT 1;", ".hidden/x.sql": "", ".x.sql": "", "a/readme.md": "", "c.SQL": "-- nothing",
	})
	sources, err := ReadFiles(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, source := range sources {
		name, _ := filepath.Rel(dir, source.Name)
		got = append(got, name+" "+source.Text)
	}
	if diff := cmp.Diff([]string{"a/z.sql SELECT 1;", "b.sql SELECT 2;", "c.SQL -- nothing"}, got); diff != "" {
		t.Error(diff)
	}
	sources, err = ReadFiles("-", strings.NewReader("SELECT 3"))
	if diff := cmp.Diff([]Source{{"<stdin>", "SELECT 3"}}, sources); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestReadFilesErrors(t *testing.T) {
	dir := writeFiles(t, map[string]string{"empty.sql": "", "comment.sql": "-- x\n;", "bin.sql": "\x00", "none/x.txt": "", "all/a.sql": "--", "all/b.sql": ""})
	for path, want := range map[string]string{
		"nix.sql":     "nix.sql: no such file or directory",
		"empty.sql":   "empty.sql: holds no SQL statement",
		"comment.sql": "comment.sql: holds no SQL statement",
		"all":         "all: holds no SQL statement",
		"none":        "none: the directory holds no .sql file",
		"bin.sql":     "bin.sql:1:1: not SQL text: it contains a zero byte",
	} {
		_, err := ReadFiles(filepath.Join(dir, path), nil)
		if err == nil || strings.TrimPrefix(err.Error(), dir+"/") != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestIncludes(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"main.sql": "\\i sub/a.sql\n\\ir sub/../b.sql\nCREATE TABLE t (a one.d);", "sub/a.sql": "\\ir c.sql\nCREATE DOMAIN d AS int;", "sub/c.sql": "CREATE SCHEMA one; SET search_path = one;", "b.sql": "CREATE TABLE b ();",
	})
	sources, err := ReadFiles(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := newDatabase(t)
	if _, err := parseAndRun(context.Background(), conn, sources, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, conn, "SELECT string_agg(tablename, ' ' ORDER BY 1) FROM (SELECT tablename FROM pg_tables WHERE schemaname = 'one' ORDER BY 1) x"); got != "b t" {
		t.Error(got)
	}
}

func TestIncludeErrors(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a.sql": "-- x\n\\i b.sql\n", "b.sql": "\\ir a.sql", "c.sql": "  \\ir nix.sql"})
	for name, want := range map[string]string{
		"a.sql": dir + "/b.sql:1:1: " + dir + "/a.sql includes itself",
		"c.sql": dir + "/c.sql:1:3: " + dir + "/nix.sql: no such file or directory",
	} {
		sources, err := ReadFiles(filepath.Join(dir, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parseAndRun(context.Background(), newDatabase(t), sources, Options{})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A file loads once: where it is included, and not again by itself, also when
// it is there under two names.
func TestFilesLoadOnce(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"main.sql": "\\ir t/a.sql\n\\ir t/b.sql\n", "t/a.sql": "CREATE TABLE a ();", "t/b.sql": "CREATE TABLE b ();", "t/c.sql": "CREATE TABLE c ();",
	})
	for _, link := range [][2]string{{"a.sql", "t/0.sql"}, {"c.sql", "t/d.sql"}} {
		if err := os.Symlink(link[0], filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	sources, err := ReadFiles(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := newDatabase(t)
	if _, err := parseAndRun(context.Background(), conn, sources, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := value(t, conn, "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"); got != "a b c" {
		t.Error(got)
	}
}

// What never ends is no SQL, and is refused before all of it is read.
func TestReadFilesRefusesWhatNeverEnds(t *testing.T) {
	for _, read := range []func() ([]Source, error){
		func() ([]Source, error) { return ReadFiles("/dev/zero", nil) },
		func() ([]Source, error) { return ReadFiles("-", zeroes{}) },
	} {
		if _, err := read(); err == nil || !strings.Contains(err.Error(), "a zero byte") {
			t.Errorf("got %v", err)
		}
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
