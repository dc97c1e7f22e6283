package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

const (
	workPrefix = "cairn-"
	ownerName  = "cairn-owner"
	// The shorter limit of the systems for the path of a Unix socket.
	maxSocketPath = 103
)

// workDir is the directory of one temporary server. Its owner file names the
// process that made it, which holds a lock on that file as long as it lives:
// unlike a process id, a lock is never taken for that of another process.
type workDir struct {
	dir   string
	owner *os.File
}

func (w *workDir) data() string   { return filepath.Join(w.dir, "data") }
func (w *workDir) socket() string { return filepath.Join(w.dir, "s") }
func (w *workDir) log() string    { return filepath.Join(w.dir, "log") }

// memory is where Linux keeps files in memory. A server makes and removes
// thousands of small files, which takes a disk longer than all else that it does.
const memory = "/dev/shm"

// workBases lists where work directories may be.
func workBases() []string {
	return slices.Compact([]string{memory, filepath.Clean(os.TempDir()), "/tmp"})
}

// newWorkDir makes a work directory in memory when there is plenty of it and
// nobody named another place, else in the first place that does.
func newWorkDir(ctx context.Context, acct account) (*workDir, error) {
	var reasons []error
	for _, base := range workBases() {
		if base == memory && (os.Getenv("TMPDIR") != "" || !plenty(memory)) {
			continue
		}
		w, err := newWorkDirIn(ctx, base, acct)
		if err == nil {
			return w, nil
		}
		reasons = append(reasons, err)
	}
	return nil, errors.Join(reasons...)
}

func newWorkDirIn(ctx context.Context, base string, acct account) (*workDir, error) {
	if sample := filepath.Join(base, workPrefix+"4294967295", "s"); !socketFits(sample) {
		return nil, fmt.Errorf("the path of %s is too long for a socket", base)
	}
	if err := acct.checkEnter(ctx, base); err != nil {
		return nil, err
	}
	w, err := claimWorkDir(base)
	if err != nil {
		return nil, err
	}
	mode := os.FileMode(0o700)
	if acct.switched {
		mode = 0o711
	}
	if err := errors.Join(os.Chmod(w.dir, mode), makeOwned(w.socket(), acct)); err != nil {
		return nil, errors.Join(err, w.remove())
	}
	return w, nil
}

// claimWorkDir makes a directory and locks its owner file. A sweep in between
// may take the directory away, in which case there is another try.
func claimWorkDir(base string) (*workDir, error) {
	for {
		dir, err := os.MkdirTemp(base, workPrefix)
		if err != nil {
			return nil, err
		}
		w := &workDir{dir: dir}
		w.owner, err = os.OpenFile(filepath.Join(dir, ownerName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, os.Remove(dir))
		}
		held, err := tryLock(w.owner)
		if err != nil {
			return nil, errors.Join(err, w.remove())
		}
		if !held {
			if err := w.owner.Close(); err != nil {
				return nil, err
			}
			continue
		}
		if _, err := os.Stat(w.owner.Name()); err != nil {
			if err := w.owner.Close(); err != nil {
				return nil, err
			}
			continue
		}
		text := strconv.Itoa(os.Getpid()) + "\n" + time.Now().UTC().Format(time.RFC3339) + "\n"
		if _, err := w.owner.WriteString(text); err != nil {
			return nil, errors.Join(err, w.remove())
		}
		return w, nil
	}
}

// remove deletes the directory, the owner file last: what is left by a
// removal cut short can still be swept.
func (w *workDir) remove() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return errors.Join(err, w.owner.Close())
	}
	for _, entry := range entries {
		if entry.Name() == ownerName {
			continue
		}
		if err := removeAll(filepath.Join(w.dir, entry.Name())); err != nil {
			return errors.Join(err, w.owner.Close())
		}
	}
	return errors.Join(os.RemoveAll(w.dir), w.owner.Close())
}

// removeAll deletes a tree that a server on its way out may still write to.
func removeAll(path string) error {
	err := os.RemoveAll(path)
	for deadline := time.Now().Add(killedWait); err != nil && time.Now().Before(deadline); err = os.RemoveAll(path) {
		time.Sleep(lockPoll)
	}
	return err
}

func socketFits(dir string) bool {
	return len(filepath.Join(dir, ".s.PGSQL."+socketPort)) <= maxSocketPath
}
