package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Find returns the binaries of a major version, or for 0 of the newest one at
// hand. It looks at CAIRN_POSTGRES_BIN, PATH, the directories distributions
// use and the cache, and where pg_config says, and fetches them into the cache as
// a last resort. Of programs that it has seen before it starts none.
func Find(ctx context.Context, major int, o Options) (Binaries, error) {
	if major != 0 && (major < oldestMajor || major > newestMajor) {
		return Binaries{}, fmt.Errorf("PostgreSQL %d is not supported: only %d to %d are", major, oldestMajor, newestMajor)
	}
	acct := serverAccount()
	if dir := o.env("CAIRN_POSTGRES_BIN"); dir != "" {
		return fromVariable(ctx, dir, major, acct, o)
	}
	var tried places
	for _, source := range []func(context.Context, int, account, Options, *places) (Binaries, bool){
		fromPath, fromDistribution, fromCache, fromConfig, fetch,
	} {
		if b, ok := source(ctx, major, acct, o, &tried); ok {
			return b, nil
		}
		if err := ctx.Err(); err != nil {
			return Binaries{}, fmt.Errorf("looking for PostgreSQL: %w", err)
		}
	}
	return Binaries{}, &NotFoundError{Major: major, Tried: tried}
}

func fromVariable(ctx context.Context, dir string, major int, acct account, o Options) (Binaries, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Binaries{}, fmt.Errorf("CAIRN_POSTGRES_BIN=%s: %w", dir, err)
	}
	b, err := probe(ctx, abs, nil, acct, o)
	if err != nil {
		return Binaries{}, fmt.Errorf("CAIRN_POSTGRES_BIN=%s: %w", dir, err)
	}
	if !wanted(b.Major, major) {
		need := strconv.Itoa(major)
		if major == 0 {
			need = fmt.Sprintf("%d to %d", oldestMajor, newestMajor)
		}
		return Binaries{}, fmt.Errorf("CAIRN_POSTGRES_BIN=%s holds PostgreSQL %d, but %s is needed", dir, b.Major, need)
	}
	return b, nil
}

// fromPath looks where postgres and pg_config on PATH are, which usually stand side
// by side.
func fromPath(ctx context.Context, major int, acct account, o Options, tried *places) (Binaries, bool) {
	var dirs []string
	for _, name := range []string{"postgres", "pg_config"} {
		for _, file := range onPath(o, name) {
			if file, err := filepath.EvalSymlinks(file); err == nil {
				dirs = append(dirs, filepath.Dir(file))
			}
		}
	}
	if len(dirs) == 0 {
		tried.add("PATH", errNotThere)
	}
	return tryEach(ctx, dirs, major, acct, o, tried)
}

// fromConfig asks each pg_config on PATH. One that is no script says where it
// stands, so that it says more than its place only where a distribution wraps it.
func fromConfig(ctx context.Context, major int, acct account, o Options, tried *places) (Binaries, bool) {
	var dirs []string
	for _, file := range onPath(o, "pg_config") {
		cmd := exec.CommandContext(ctx, file, "--bindir")
		cmd.Env = publicEnv(os.Environ())
		out, err := output(cmd)
		if err != nil {
			tried.add(file, err)
			continue
		}
		dirs = append(dirs, strings.TrimSpace(out))
	}
	return tryEach(ctx, dirs, major, acct, o, tried)
}

func tryEach(ctx context.Context, dirs []string, major int, acct account, o Options, tried *places) (Binaries, bool) {
	var seen []string
	for _, dir := range dirs {
		if slices.Contains(seen, dir) {
			continue
		}
		seen = append(seen, dir)
		if b, ok := try(ctx, dir, major, acct, o, tried); ok {
			return b, true
		}
	}
	return Binaries{}, false
}

func fromDistribution(ctx context.Context, major int, acct account, o Options, tried *places) (Binaries, bool) {
	for _, n := range majors(major) {
		for _, pattern := range []string{
			"/usr/lib/postgresql/%d/bin",
			"/usr/pgsql-%d/bin",
			"/opt/homebrew/opt/postgresql@%d/bin",
			"/usr/local/opt/postgresql@%d/bin",
			"/Applications/Postgres.app/Contents/Versions/%d/bin",
		} {
			if b, ok := try(ctx, fmt.Sprintf(pattern, n), n, acct, o, tried); ok {
				return b, true
			}
		}
	}
	return try(ctx, "/usr/local/pgsql/bin", major, acct, o, tried)
}

func try(ctx context.Context, dir string, major int, acct account, o Options, tried *places) (Binaries, bool) {
	b, err := probe(ctx, dir, nil, acct, o)
	if err == nil && !wanted(b.Major, major) {
		err = fmt.Errorf("it is PostgreSQL %d", b.Major)
	}
	if err != nil {
		tried.add(dir, err)
		return Binaries{}, false
	}
	return b, true
}

// majors is what to look for, newest first.
func majors(major int) []int {
	if major != 0 {
		return []int{major}
	}
	var all []int
	for n := newestMajor; n >= oldestMajor; n-- {
		all = append(all, n)
	}
	return all
}

func wanted(have, major int) bool {
	return slices.Contains(majors(major), have)
}

// probe runs the programs in dir as the account of the server, which shows
// that they work and that the account may use them. That is remembered for as long
// as they stay what they are.
func probe(ctx context.Context, dir string, env []string, acct account, o Options) (Binaries, error) {
	files, err := look(dir)
	if err != nil {
		return Binaries{}, err
	}
	remembered := knownOf(dir, env, acct, files, o)
	said := remembered.version(o)
	isNew := said == ""
	if isNew {
		if said, err = run(ctx, dir, env, acct); err != nil {
			return Binaries{}, err
		}
	}
	major, version, err := parseVersion(said)
	if err != nil {
		return Binaries{}, err
	}
	if isNew {
		remembered.keep(said, o)
	}
	return Binaries{Bin: dir, Major: major, Version: version, Env: env}, nil
}

// look finds the programs of a server in a directory.
func look(dir string) ([]os.FileInfo, error) {
	var files []os.FileInfo
	for _, name := range programs {
		file, err := os.Stat(filepath.Join(dir, name))
		switch {
		case errors.Is(err, os.ErrNotExist) && name == "postgres":
			return nil, errNotThere
		case errors.Is(err, os.ErrNotExist):
			return nil, fmt.Errorf("it has postgres but no %s", name)
		case err != nil:
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// run runs the programs and returns what postgres says of its version.
func run(ctx context.Context, dir string, env []string, acct account) (said string, err error) {
	for _, name := range []string{"initdb", "postgres"} {
		said, err = output(acct.command(ctx, env, filepath.Join(dir, name), "--version"))
		if errors.Is(err, os.ErrPermission) && acct.switched {
			return "", fmt.Errorf("the account %s, which the server runs as, may not run %s there", acct, name)
		}
		if err != nil {
			return "", err
		}
	}
	return said, nil
}

// parseVersion reads "postgres (PostgreSQL) 17.6 (Debian 17.6-1)".
func parseVersion(said string) (int, string, error) {
	_, rest, _ := strings.Cut(said, "(PostgreSQL) ")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, "", fmt.Errorf("it does not tell its version: %q", strings.TrimSpace(said))
	}
	major := leadingNumber(fields[0])
	if major == 0 {
		return 0, "", fmt.Errorf("it does not tell its version: %q", strings.TrimSpace(said))
	}
	return major, fields[0], nil
}

func leadingNumber(s string) int {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return 0
	}
	return n
}

// onPath lists the programs of that name along PATH.
func onPath(o Options, name string) []string {
	var files []string
	for _, dir := range filepath.SplitList(o.env("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			files = append(files, file)
		}
	}
	return files
}

// firstOnPath is the program a shell would run.
func firstOnPath(o Options, name string) (string, error) {
	if files := onPath(o, name); len(files) > 0 {
		return files[0], nil
	}
	return "", fmt.Errorf("%s is not on PATH", name)
}
