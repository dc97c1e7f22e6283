// Package clients finds PostgreSQL's client programs, and others that talk to it.
package clients

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Debian returns the command line of a program from Debian's packages, which is
// kept in a directory of the cache, place, with the libraries that it was built
// with.
func Debian(ctx context.Context, cacheDir, place, name, program string) ([]string, error) {
	dir := filepath.Join(cacheDir, place)
	if command, err := kept(dir, program); err == nil {
		return command, nil
	}
	// Programs that run at the same time wait for each other.
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	if command, err := kept(dir, program); err == nil {
		return command, nil
	}
	if err := fetch(ctx, dir, name); err != nil {
		return nil, fmt.Errorf("fetching %s: %w", name, err)
	}
	return kept(dir, program)
}

// kept returns the command line of an unpacked program, through the loader of
// its own C library.
func kept(dir, program string) ([]string, error) {
	program = filepath.Join(dir, program)
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

// fetch unpacks a package of Debian's development suite and all that it needs
// below dir. It needs no rights: apt's state is kept in a directory of
// its own, which says that nothing is installed.
func fetch(ctx context.Context, dir, name string) error {
	work, err := os.MkdirTemp(filepath.Dir(dir), "fetch-")
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
		if file := filepath.Base(p); !strings.HasPrefix(file, name+"_") && !strings.HasPrefix(file, "lib") || strings.HasPrefix(file, "libperl") {
			continue // scripts around the program
		}
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "--extract", p, root).CombinedOutput(); err != nil {
			return fmt.Errorf("unpacking %s: %w\n%s", filepath.Base(p), err, out)
		}
	}
	return os.Rename(root, dir)
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
