package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fetched is an unpacked server that is not in its place yet.
type fetched struct {
	tree    string   // directory that holds it
	major   int      // for example 17
	version string   // as the package client names it
	bin     string   // directory of the programs below tree
	libs    []string // directories of the libraries below tree
}

func binariesCache(o Options) string { return filepath.Join(o.CacheDir, "postgres") }

func fromCache(ctx context.Context, major int, acct account, o Options, tried *places) (Binaries, bool) {
	for _, n := range majors(major) {
		dirs, err := filepath.Glob(filepath.Join(binariesCache(o), fmt.Sprintf("%d-*", n)))
		if err != nil {
			tried.add(binariesCache(o), err)
			return Binaries{}, false
		}
		slices.SortFunc(dirs, func(a, b string) int { return compareVersions(filepath.Base(b), filepath.Base(a)) })
		for _, dir := range dirs {
			b, err := loadCached(ctx, dir, acct, o)
			if err == nil && b.Major != n {
				err = fmt.Errorf("it is PostgreSQL %d", b.Major)
			}
			if err == nil {
				return b, true
			}
			tried.add(dir, err)
		}
	}
	tried.add(binariesCache(o), errNotThere)
	return Binaries{}, false
}

func loadCached(ctx context.Context, dir string, acct account, o Options) (Binaries, error) {
	m, err := checkManifest(dir)
	if err != nil {
		return Binaries{}, err
	}
	var env []string
	if len(m.Libs) > 0 {
		var libs []string
		for _, lib := range m.Libs {
			libs = append(libs, filepath.Join(dir, lib))
		}
		env = append(env, "LD_LIBRARY_PATH="+strings.Join(libs, ":"))
	}
	return probe(ctx, filepath.Join(dir, m.Bin), env, acct, o)
}

// fetch fills the cache with one of the package clients at hand. Processes
// that want the same at the same time wait for each other.
func fetch(ctx context.Context, major int, acct account, o Options, tried *places) (Binaries, bool) {
	root := binariesCache(o)
	lock, err := openCache(ctx, root, acct)
	if err != nil {
		tried.add(root, err)
		return Binaries{}, false
	}
	defer lock.Close()
	var again places
	if b, ok := fromCache(ctx, major, acct, o, &again); ok {
		return b, true
	}
	for _, client := range []struct {
		name string
		run  func(context.Context, int, string, Options) (fetched, error)
	}{{"npm", fetchNpm}, {"apt-get", fetchApt}} {
		b, err := fetchWith(ctx, root, acct, o, func(work string) (fetched, error) {
			return client.run(ctx, major, work, o)
		})
		if err == nil {
			return b, true
		}
		tried.add("fetching with "+client.name, err)
		if ctx.Err() != nil {
			break
		}
	}
	return Binaries{}, false
}

// openCache prepares the cache for writing, clears what killed processes left
// there and returns its lock.
func openCache(ctx context.Context, root string, acct account) (*os.File, error) {
	if err := mkdirShared(root); err != nil {
		return nil, err
	}
	if err := acct.checkEnter(ctx, root); err != nil {
		return nil, fmt.Errorf("%w (set CAIRN_CACHE_DIR to a directory it can)", err)
	}
	lock, err := lockFile(ctx, filepath.Join(root, ".lock"))
	if err != nil {
		return nil, err
	}
	if err := removeUnfinished(root); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// removeUnfinished deletes half-made entries; the caller holds the lock.
func removeUnfinished(root string) error {
	left, err := filepath.Glob(filepath.Join(root, ".new-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// fetchWith unpacks into a directory next to the final one, tries the result
// and renames it into place.
func fetchWith(ctx context.Context, root string, acct account, o Options, run func(work string) (fetched, error)) (b Binaries, err error) {
	work, err := os.MkdirTemp(root, ".new-")
	if err != nil {
		return Binaries{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := os.Chmod(work, 0o755); err != nil {
		return Binaries{}, err
	}
	f, err := run(work)
	if err != nil {
		return Binaries{}, err
	}
	if err := os.Chmod(f.tree, 0o755); err != nil {
		return Binaries{}, err
	}
	if err := writeManifest(f.tree, manifest{Bin: f.bin, Libs: f.libs}); err != nil {
		return Binaries{}, err
	}
	if _, err := loadCached(ctx, f.tree, acct, o); err != nil {
		return Binaries{}, err
	}
	final := filepath.Join(root, fmt.Sprintf("%d-%s", f.major, f.version))
	if err := os.RemoveAll(final); err != nil {
		return Binaries{}, err
	}
	if err := os.Rename(f.tree, final); err != nil {
		return Binaries{}, err
	}
	return loadCached(ctx, final, acct, o)
}
