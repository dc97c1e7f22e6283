package pgtest

import (
	"context"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cairn-db/cairn/internal/pgtest/clients"
)

// Dump returns the schema of a database as pg_dump prints it, without what
// differs from run to run and with the columns of each table sorted: their
// order is not compared.
func (c *Clusters) Dump(t testing.TB, url string, flags ...string) string {
	t.Helper()
	command, err := observer()
	if err != nil {
		t.Fatalf("finding pg_dump: %v", err)
	}
	// The schema cairn holds the journal of what was applied, and is no part of either side.
	args := append(slices.Clone(command[1:]), append([]string{"--schema-only", "--exclude-schema", "cairn", "--dbname", url}, flags...)...)
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), command[0], args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running pg_dump: %v\n%s", err, stderr.String())
	}
	return normalize(string(out))
}

// observer returns the command line of a pg_dump that is as new as the newest
// server.
var observer = sync.OnceValues(func() ([]string, error) { return clients.Newest(context.Background(), ServerOptions().CacheDir) })

// volatile matches lines that differ between two dumps of one schema.
var volatile = regexp.MustCompile(`(?m)^(--.*|\\(un)?restrict .*|SET .*|SELECT pg_catalog\.set_config.*|)\n`)

// normalize removes what says nothing about the schema and sorts the columns
// of tables; the order of statements follows from names and dependencies, but
// pg_dump breaks ties by OID, so statements are sorted too.
func normalize(dump string) string {
	dump = volatile.ReplaceAllString(dump, "")
	return strings.Join(sortStatements(dump), "\n")
}

// Program returns the command line of one of PostgreSQL's client programs, which
// is as new as the newest server.
func Program(t testing.TB, name string) []string {
	t.Helper()
	command, err := observer()
	if err != nil {
		t.Fatalf("finding pg_dump: %v", err)
	}
	return clients.Beside(command, name)
}

// Run runs one of PostgreSQL's client programs.
func Run(t testing.TB, name string, args ...string) {
	t.Helper()
	command := Program(t, name)
	if out, err := exec.CommandContext(t.Context(), command[0], append(slices.Clone(command[1:]), args...)...).CombinedOutput(); err != nil {
		t.Fatalf("running %s: %v\n%s", name, err, out)
	}
}
