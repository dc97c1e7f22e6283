package server

import (
	"bytes"
	"errors"
	"io/fs"
	"syscall"
)

// write makes a new file that belongs to the account. Zeros at its end are left to
// the system, which keeps no memory for them. Of the thousand calls that a data
// directory takes, package os would make three times as many: it asks of each file
// whether reading it can wait.
func (a account) write(path string, content []byte) error {
	err := a.writeTo(path, content)
	if err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

func (a account) writeTo(path string, content []byte) error {
	fd, err := again(func() (int, error) {
		return syscall.Open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC|syscall.O_CLOEXEC, 0o600)
	})
	if err != nil {
		return err
	}
	if a.switched {
		err = syscall.Fchown(fd, a.uid, a.gid)
	}
	rest := bytes.TrimRight(content, "\x00")
	if err == nil && len(rest) < len(content) {
		_, err = again(func() (int, error) { return 0, syscall.Ftruncate(fd, int64(len(content))) })
	}
	for err == nil && len(rest) > 0 {
		var n int
		n, err = again(func() (int, error) { return syscall.Write(fd, rest) })
		rest = rest[max(n, 0):]
	}
	return errors.Join(err, syscall.Close(fd))
}

// again calls the system until no signal interrupts it.
func again(call func() (int, error)) (n int, err error) {
	for n, err = call(); errors.Is(err, syscall.EINTR); n, err = call() {
	}
	return n, err
}
