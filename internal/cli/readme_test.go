package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// TestReadme runs the commands of the README's console blocks, one after the
// other, and compares what they print; each sql block is written to schema.sql
// first. -update writes the README anew.
func TestReadme(t *testing.T) {
	page, err := filepath.Abs("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	run := readmeRunner(t)
	blocks := regexp.MustCompile("(?s)```(sql|console)\n(.*?)```")
	got := blocks.ReplaceAllStringFunc(string(text), func(block string) string {
		parts := blocks.FindStringSubmatch(block)
		if parts[1] == "sql" {
			if err := os.WriteFile("schema.sql", []byte(parts[2]), 0o644); err != nil {
				t.Fatal(err)
			}
			return block
		}
		var commands []string
		for line := range strings.Lines(parts[2]) {
			if command, found := strings.CutPrefix(line, "$ cairn "); found {
				commands = append(commands, "$ cairn "+command+run(strings.Fields(command)))
			}
		}
		return "```console\n" + strings.Join(commands, "\n") + "```"
	})
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	elapsed := regexp.MustCompile(`\b[0-9.]+m?s\b`)
	same := func(s string) string { return elapsed.ReplaceAllString(s, "1ms") }
	if d := cmp.Diff(same(string(text)), same(got)); d != "" {
		t.Errorf("README.md is not up to date, run make docs:\n%s", d)
	}
}

// readmeRunner returns a function that runs a command with an embedded
// database of the test's own and returns everything that it prints.
func readmeRunner(t *testing.T) func(args []string) string {
	// The account that servers run as has to be able to enter the directory.
	data, err := os.MkdirTemp("", "cairn-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	if err := os.Chmod(data, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	variables := map[string]string{
		"CAIRN_DATA_DIR": data, "CAIRN_CACHE_DIR": pgtest.ServerOptions().CacheDir,
		"CAIRN_POSTGRES_BIN": os.Getenv("CAIRN_POSTGRES_BIN"), "PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME"),
	}
	run := func(args []string) string {
		var out bytes.Buffer
		env := &Env{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: func(name string) string { return variables[name] }, Now: time.Now}
		if code := Main(t.Context(), env, args); code != 0 {
			t.Errorf("cairn %s: exit code %d\n%s", strings.Join(args, " "), code, out.String())
		}
		return out.String()
	}
	t.Cleanup(func() {
		env := &Env{In: strings.NewReader(""), Out: new(bytes.Buffer), Err: os.Stderr, Getenv: func(name string) string { return variables[name] }, Now: time.Now}
		Main(context.Background(), env, []string{"embedded", "stop", "demo"})
	})
	return run
}
