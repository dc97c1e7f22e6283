package pgtest

import (
	_ "embed" // the source of the provider
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cairn-db/cairn/internal/pg"
)

//go:embed testdata/provider.c
var providerSource []byte

// libraries are compiled providers of security labels, one per major version.
type libraries struct {
	mu   sync.Mutex
	dir  string
	made map[int]string
}

// Provider returns what a script has to start with so that its session, and
// every later one of its database, knows the providers "case_provider" and
// `Case "Other` of security labels. Without a C compiler the test is skipped.
func (c *Clusters) Provider(t testing.TB, major int) string {
	t.Helper()
	path := pg.QuoteLiteral(c.libraries.compile(t, major))
	return "DO $do$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_preload_libraries = %L', current_database(), " + path + "); END $do$; LOAD " + path + ";\n"
}

func (l *libraries) compile(t testing.TB, major int) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if path := l.made[major]; path != "" {
		return path
	}
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skipf("SKIPPED: there is no C compiler for a provider of security labels: %v", err)
	}
	if l.dir == "" {
		// Servers run under another account.
		if l.dir, err = os.MkdirTemp("", "cairn-provider-"); err == nil {
			err = os.Chmod(l.dir, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		l.made = map[int]string{}
	}
	source := filepath.Join(l.dir, "provider.c")
	path := filepath.Join(l.dir, fmt.Sprintf("provider-%d.so", major))
	if err := os.WriteFile(source, providerSource, 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), compiler, "-shared", "-fPIC", "-Wall", "-Werror", fmt.Sprintf("-DPG_MAJOR=%d", major), "-o", path, source)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("compiling the provider: %v\n%s", err, out)
	}
	l.made[major] = path
	return path
}

func (l *libraries) remove() {
	if l.dir != "" {
		_ = os.RemoveAll(l.dir) // below the directory for temporary files
	}
}
