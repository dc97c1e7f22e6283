package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Newest returns the command line of a pg_dump that is as new as the newest
// server: that on PATH, or one from Debian's packages, which is kept in the cache.
func Newest(ctx context.Context, cacheDir string) ([]string, error) {
	if path, err := exec.LookPath("pg_dump"); err == nil {
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err == nil && major(string(out)) >= pg.Newest {
			return []string{path}, nil
		}
	}
	return packaged(ctx, cacheDir)
}

func packaged(ctx context.Context, cacheDir string) ([]string, error) {
	return Debian(ctx, cacheDir, fmt.Sprintf("pg_dump-%d", pg.Newest), fmt.Sprintf("postgresql-client-%d", pg.Newest),
		fmt.Sprintf("usr/lib/postgresql/%d/bin/pg_dump", pg.Newest))
}

// Plain returns the command line of a pg_dump to measure: the program itself and
// no script that looks for it. That is one in the directory of the server's
// programs, one from Debian's packages, or that on PATH.
func Plain(ctx context.Context, bin, cacheDir string) ([]string, error) {
	path := filepath.Join(bin, "pg_dump")
	if _, err := os.Stat(path); err == nil {
		if _, err := os.Stat(filepath.Join(bin, "psql")); err == nil {
			return []string{path}, nil
		}
	}
	command, err := packaged(ctx, cacheDir)
	if err == nil {
		return command, nil
	}
	path, lookErr := exec.LookPath("pg_dump")
	if lookErr != nil {
		return nil, fmt.Errorf("finding pg_dump: %w (fetching it: %w)", lookErr, err)
	}
	return []string{path}, nil
}

// Beside returns the command line of another program of the same directory.
func Beside(command []string, name string) []string {
	last := len(command) - 1
	return append(command[:last:last], filepath.Join(filepath.Dir(command[last]), name))
}

func major(version string) int {
	var n int
	if at := strings.LastIndex(version, "PostgreSQL) "); at >= 0 {
		_, _ = fmt.Sscanf(version[at:], "PostgreSQL) %d", &n)
	}
	return n
}
