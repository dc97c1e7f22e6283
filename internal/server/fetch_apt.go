package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// aptCall runs the package tools of Debian with state of its own, so that it
// needs no privileges and installs nothing.
type aptCall struct{ get, cache, dpkg, dir string }

// fetchApt unpacks the server package of a Debian-like distribution.
func fetchApt(ctx context.Context, major int, work string, o Options) (fetched, error) {
	apt := aptCall{dir: work}
	for name, program := range map[string]*string{"apt-get": &apt.get, "apt-cache": &apt.cache, "dpkg": &apt.dpkg} {
		file, err := firstOnPath(o, name)
		if err != nil {
			return fetched{}, err
		}
		*program = file
	}
	for _, dir := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o755); err != nil {
			return fetched{}, err
		}
	}
	o.log().Info("fetching PostgreSQL", "major", major, "with", "apt-get")
	major, err := apt.choose(ctx, major)
	if err != nil {
		return fetched{}, err
	}
	debs, err := apt.download(ctx, major)
	if err != nil {
		return fetched{}, err
	}
	f := fetched{tree: filepath.Join(work, "tree"), major: major, bin: fmt.Sprintf("usr/lib/postgresql/%d/bin", major)}
	for _, deb := range debs {
		if _, err := output(apt.command(ctx, apt.dpkg, "-x", deb, f.tree)); err != nil {
			return fetched{}, err
		}
		if rest, ok := strings.CutPrefix(filepath.Base(deb), fmt.Sprintf("postgresql-%d_", major)); ok {
			f.version, _, _ = strings.Cut(rest, "_")
		}
	}
	if f.version == "" {
		return fetched{}, fmt.Errorf("apt-get did not download postgresql-%d", major)
	}
	f.libs, err = libraryDirs(f.tree)
	return f, err
}

func (a aptCall) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = a.dir, publicEnv(os.Environ())
	cmd.WaitDelay = killedWait
	return cmd
}

func (a aptCall) run(ctx context.Context, program string, args ...string) (string, error) {
	private := []string{
		"-o", "Dir::State::lists=" + filepath.Join(a.dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"-o", "Debug::NoLocking=1",
		"-o", "APT::Sandbox::User=root",
	}
	return output(a.command(ctx, program, append(private, args...)...))
}

// choose reads the package lists and returns the major to download.
func (a aptCall) choose(ctx context.Context, major int) (int, error) {
	// A hook of the system may spoil the exit status of an update that went
	// well, so what counts is whether the lists name the package.
	_, updateErr := a.run(ctx, a.get, "-qq", "update")
	names, err := a.run(ctx, a.cache, "pkgnames", "postgresql-")
	if err != nil {
		return 0, errors.Join(err, updateErr)
	}
	known := strings.Fields(names)
	for _, n := range majors(major) {
		if slices.Contains(known, fmt.Sprintf("postgresql-%d", n)) {
			return n, nil
		}
	}
	err = errors.New("the package lists of this system do not have it")
	return 0, errors.Join(err, updateErr)
}

// download fetches the server package with the libraries this system lacks.
func (a aptCall) download(ctx context.Context, major int) ([]string, error) {
	server := fmt.Sprintf("postgresql-%d", major)
	if _, err := a.run(ctx, a.get, "-qq", "install", "--reinstall", "--download-only",
		"--no-install-recommends", "-y", server); err != nil {
		return nil, err
	}
	all, err := filepath.Glob(filepath.Join(a.dir, "cache/archives/*.deb"))
	if err != nil {
		return nil, err
	}
	var debs []string
	for _, deb := range all {
		name, _, _ := strings.Cut(filepath.Base(deb), "_")
		// A C library other than that of the running loader does not work.
		if name == server || strings.HasPrefix(name, "lib") && !strings.HasPrefix(name, "libc6") {
			debs = append(debs, deb)
		}
	}
	return debs, nil
}

// libraryDirs lists the directories below tree that hold shared libraries,
// leaving out the modules the server finds by itself.
func libraryDirs(tree string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !strings.HasPrefix(d.Name(), "lib") || !strings.Contains(d.Name(), ".so") {
			return nil
		}
		dir, err := filepath.Rel(tree, filepath.Dir(path))
		if err == nil && !strings.Contains(dir, "postgresql/") && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		return err
	})
	return dirs, err
}
