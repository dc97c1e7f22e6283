package cli

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// standardOutput are the names of an output that mean standard output. The files
// among them are not opened, because that would write from its start again.
var standardOutput = []string{toStdout, "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}

// writeOutput writes to a file or to standard output. The text is complete
// before it takes the place of the file.
func writeOutput(env *Env, place string, write func(io.Writer) error) error {
	if !slices.Contains(standardOutput, place) {
		if err := checkPlanted(place); err != nil {
			return err
		}
		if info, err := os.Stat(place); err != nil || info.Mode().IsRegular() || info.IsDir() {
			return writeFile(place, write, env.private)
		}
	}
	var b bytes.Buffer // nothing is written of what cannot be written to its end
	if err := write(&b); err != nil {
		return err
	}
	if slices.Contains(standardOutput, place) {
		_, err := env.Out.Write(b.Bytes())
		return writing("the result", err)
	}
	return writing(place, cause(appendTo(place, b.Bytes())))
}

// writeFile replaces a file with what a function writes. Its errors name the file
// where that is what fails.
func writeFile(place string, write func(io.Writer) error, private bool) error {
	var failed error
	err := replaceFile(place, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		if failed = write(b); failed == nil {
			failed = b.Flush()
		}
		return failed
	}, private)
	var file *fs.PathError
	if failed != nil && !errors.As(failed, &file) {
		return failed
	}
	return writing(place, cause(err))
}

// whole writes a text that is there.
func whole(text []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
}

// appendTo writes to what is no file: a pipe or a device.
func appendTo(place string, text []byte) error {
	f, err := os.OpenFile(place, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// replaceFile writes a file as a whole, or leaves the one that is there.
func replaceFile(place string, text func(io.Writer) error, private bool) error {
	if resolved, err := filepath.EvalSymlinks(place); err == nil {
		place = resolved // a link of the user's own stays
	}
	root, err := os.OpenRoot(filepath.Dir(place))
	if err != nil {
		return err
	}
	defer root.Close()
	return replaceIn(root, filepath.Base(place), text, private)
}

// replaceIn is replaceFile below a directory. The text goes to a new file beside
// the old one, reaches the disk, and takes the name. A private file is closed to
// others; any other keeps the permissions that it has, or gets those of the umask.
func replaceIn(root *os.Root, name string, text func(io.Writer) error, private bool) (err error) {
	mode := fs.FileMode(0o666)
	if private {
		mode = 0o600
	}
	old, statErr := root.Stat(name)
	if statErr == nil && old.IsDir() {
		return syscall.EISDIR
	}
	next := path.Join(path.Dir(filepath.ToSlash(name)), "."+path.Base(filepath.ToSlash(name))+"."+rand.Text()[:10])
	f, err := root.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Remove(next))
		}
	}()
	if statErr == nil && !private {
		err = keepAttributes(f, old)
	}
	if err == nil {
		err = text(f)
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = root.Rename(next, name)
	}
	if err != nil {
		return err
	}
	return syncDirectory(root, path.Dir(next))
}

// keepAttributes gives a file the permissions of another, and where this user
// may, its owner.
func keepAttributes(f *os.File, old fs.FileInfo) error {
	if owner, ok := old.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(old.Mode().Perm())
}

// syncDirectory brings the new name to the disk. Some file systems have no such
// thing, and the file is written all the same.
func syncDirectory(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// checkPlanted refuses a link, or a pipe at its end, that somebody else put into
// a directory that everybody can write to: it would take the text elsewhere.
func checkPlanted(place string) error {
	whole, err := filepath.Abs(place)
	if err != nil {
		return writing(place, err)
	}
	at := string(filepath.Separator)
	for word := range strings.SplitSeq(strings.TrimPrefix(whole, at), string(filepath.Separator)) {
		parent := at
		at = filepath.Join(at, word)
		info, err := os.Lstat(at)
		if err != nil {
			return nil // it is not there, or the writing says why not
		}
		if info.Mode().IsRegular() || info.IsDir() || isOurs(info) {
			continue
		}
		if dir, err := os.Stat(parent); err == nil && dir.Mode().Perm()&0o002 != 0 {
			return hintf("write to a directory of your own", "writing %s: %s belongs to another user and is in a directory that everybody can write to", place, at)
		}
	}
	return nil
}

func isOurs(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(owner.Uid) == os.Geteuid() || owner.Uid == 0
}

func writing(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("writing %s: %w", what, err)
}
