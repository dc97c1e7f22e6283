package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	args := append(slices.Clone(command[1:]), append([]string{"--schema-only", "--dbname", url}, flags...)...)
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
// server: that on PATH, or one from Debian's packages, kept in the cache with
// the libraries that it was built with.
var observer = sync.OnceValues(func() ([]string, error) {
	ctx := context.Background()
	if path, err := exec.LookPath("pg_dump"); err == nil {
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err == nil && major(string(out)) >= pg.Newest {
			return []string{path}, nil
		}
	}
	dir := filepath.Join(ServerOptions().CacheDir, fmt.Sprintf("pg_dump-%d", pg.Newest))
	if command, err := kept(dir); err == nil {
		return command, nil
	}
	if err := fetch(ctx, dir); err != nil {
		return nil, fmt.Errorf("fetching pg_dump %d: %w", pg.Newest, err)
	}
	return kept(dir)
})

func major(version string) int {
	var n int
	if at := strings.LastIndex(version, "PostgreSQL) "); at >= 0 {
		_, _ = fmt.Sscanf(version[at:], "PostgreSQL) %d", &n)
	}
	return n
}

// kept returns the command line of the unpacked pg_dump, through the loader of
// its own C library.
func kept(dir string) ([]string, error) {
	program := filepath.Join(dir, "usr/lib/postgresql", fmt.Sprint(pg.Newest), "bin/pg_dump")
	if _, err := os.Stat(program); err != nil {
		return nil, err
	}
	for _, pattern := range []string{"lib64/ld-linux-*.so.*", "usr/lib64/ld-linux-*.so.*", "lib/ld-linux-*.so.*", "usr/lib/ld-linux-*.so.*"} {
		loaders, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		libraries, err := filepath.Glob(filepath.Join(dir, "usr/lib/*-linux-gnu*"))
		if err != nil {
			return nil, err
		}
		if len(loaders) > 0 && len(libraries) > 0 {
			return []string{loaders[0], "--library-path", libraries[0], program}, nil
		}
	}
	return nil, errors.New("the unpacked packages hold no loader")
}

// fetch unpacks the client package of Debian's development suite and all that
// it needs below dir. It needs no rights: apt's state is kept in a directory of
// its own, which says that nothing is installed.
func fetch(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "pg_dump-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	archive, err := archiveURI(ctx)
	if err != nil {
		return err
	}
	apt, err := aptCommand(work, archive)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("postgresql-client-%d", pg.Newest)
	for _, args := range [][]string{{"update"}, {"install", "--download-only", "--no-install-recommends", "--yes", name}} {
		if out, err := exec.CommandContext(ctx, "apt-get", append(apt, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out)
		}
	}
	packages, err := filepath.Glob(filepath.Join(work, "cache/archives/*.deb"))
	if err != nil {
		return err
	}
	root := filepath.Join(work, "root")
	for _, p := range packages {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "--extract", p, root).CombinedOutput(); err != nil {
			return fmt.Errorf("unpacking %s: %w\n%s", filepath.Base(p), err, out)
		}
	}
	if err := os.Rename(root, dir); err != nil && !errors.Is(err, os.ErrExist) {
		if _, keptErr := kept(dir); keptErr != nil {
			return err
		}
	}
	return nil
}

func aptCommand(work, archive string) ([]string, error) {
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(work, d), 0o755); err != nil {
			return nil, err
		}
	}
	sources := filepath.Join(work, "debian.sources")
	text := "Types: deb\nURIs: " + archive + "\nSuites: sid\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
	if err := os.WriteFile(sources, []byte(text), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(work, "status"), nil, 0o644); err != nil {
		return nil, err
	}
	var args []string
	for _, o := range []string{
		"Dir::Etc::sourcelist=" + sources, "Dir::Etc::sourceparts=/dev/null", "Dir::State::lists=" + filepath.Join(work, "lists"),
		"Dir::State::status=" + filepath.Join(work, "status"), "Dir::Cache=" + filepath.Join(work, "cache"),
		"Debug::NoLocking=1", "APT::Sandbox::User=",
	} {
		args = append(args, "-o", o)
	}
	return args, nil
}

// archiveURI returns the Debian archive that the machine is set up with.
func archiveURI(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("asking apt-get for its archives: %w", err)
	}
	uri := ""
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == "Debian" && !strings.Contains(fields[1], "security") {
			return fields[1], nil
		}
		if len(fields) > 0 && strings.HasSuffix(fields[len(fields)-1], "/debian/") {
			uri = fields[len(fields)-1]
		}
	}
	if uri == "" {
		return "", errors.New("apt-get knows no archive of Debian")
	}
	return uri, nil
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
