package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const abandonedAge = 10 * time.Minute

// Sweep stops and removes the temporary servers of this user whose process
// was killed. What it cannot remove is left for the next sweep.
func Sweep(o Options) {
	for _, base := range workBases() {
		dirs, err := filepath.Glob(filepath.Join(base, workPrefix+"*"))
		if err != nil {
			continue
		}
		for _, dir := range dirs {
			if err := sweepDir(dir); err != nil {
				o.log().Debug("leaving a temporary server", "directory", dir, "error", err)
			}
		}
	}
}

func sweepDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || ownerOf(info) != os.Geteuid() {
		return err
	}
	owner, err := os.OpenFile(filepath.Join(dir, ownerName), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return sweepEmpty(dir, info)
	}
	if err != nil {
		return err
	}
	w := &workDir{dir: dir, owner: owner}
	free, err := tryLock(owner)
	if err != nil || !free {
		return errors.Join(err, owner.Close())
	}
	if err := stopPostmaster(context.Background(), w.data(), syscall.SIGQUIT); err != nil {
		return errors.Join(err, owner.Close())
	}
	return w.remove()
}

// sweepEmpty removes what a process left that was killed right after it made
// the directory. Other programs may use such names too, so only an empty
// directory goes.
func sweepEmpty(dir string, info os.FileInfo) error {
	name := strings.TrimPrefix(filepath.Base(dir), workPrefix)
	if digits(name) != name || time.Since(info.ModTime()) < abandonedAge {
		return nil
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
