package pgtest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cairn-db/cairn/internal/pg"
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
// server: that on PATH, or one from Debian's packages.
var observer = sync.OnceValues(func() ([]string, error) {
	ctx := context.Background()
	if path, err := exec.LookPath("pg_dump"); err == nil {
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err == nil && major(string(out)) >= pg.Newest {
			return []string{path}, nil
		}
	}
	return debian(ctx, fmt.Sprintf("pg_dump-%d", pg.Newest), fmt.Sprintf("postgresql-client-%d", pg.Newest),
		fmt.Sprintf("usr/lib/postgresql/%d/bin/pg_dump", pg.Newest))
})

func major(version string) int {
	var n int
	if at := strings.LastIndex(version, "PostgreSQL) "); at >= 0 {
		_, _ = fmt.Sscanf(version[at:], "PostgreSQL) %d", &n)
	}
	return n
}

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
	last := len(command) - 1
	return append(command[:last:last], filepath.Join(filepath.Dir(command[last]), name))
}

// Run runs one of PostgreSQL's client programs.
func Run(t testing.TB, name string, args ...string) {
	t.Helper()
	command := Program(t, name)
	if out, err := exec.CommandContext(t.Context(), command[0], append(slices.Clone(command[1:]), args...)...).CombinedOutput(); err != nil {
		t.Fatalf("running %s: %v\n%s", name, err, out)
	}
}
