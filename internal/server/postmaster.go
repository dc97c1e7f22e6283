package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	readyLimit   = 30 * time.Second
	readyPoll    = time.Millisecond
	readyPause   = 2 * time.Millisecond
	stopLimit    = 30 * time.Second
	hurriedLimit = 5 * time.Second
)

// errExited marks a server that ended while it was starting.
var errExited = errors.New("the server ended while starting")

// postmaster is a server process of this process.
type postmaster struct {
	pid  int
	log  string
	done chan struct{} // closed when it has ended
	err  error         // valid once done is closed
}

// launch starts a server. A detached one outlives this process.
func launch(b Binaries, acct account, args []string, log string, detached bool) (*postmaster, error) {
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(b.Bin, "postgres"), args...)
	cmd.Dir = "/"
	cmd.Env = programEnv(b.Env)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = acct.attr()
	if detached {
		cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Setsid = false, true
	} else {
		dieWithParent(cmd.SysProcAttr)
	}
	p := &postmaster{log: log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The end of the starting thread counts as the end of the parent, so
		// this one lasts as long as the server.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := errors.Join(<-started, out.Close()); err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// exited is the error of a server that ended early, with the end of its log.
func (p *postmaster) exited() error {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return errors.Join(errExited, err)
	}
	return fmt.Errorf("%w (%v): %s", errExited, p.err, lastLines(string(text), 8))
}

// stop ends the server with a signal, and by force when it does not obey in
// time. A cancelled ctx leaves it little time, not none.
func (p *postmaster) stop(ctx context.Context, signal syscall.Signal) error {
	if err := p.signal(signal); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopLimit):
	case <-ctx.Done():
		select {
		case <-p.done:
			return nil
		case <-time.After(hurriedLimit):
		}
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *postmaster) signal(signal syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(p.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %s to process %d: %w", signal, p.pid, err)
	}
	return nil
}

// waitReady waits until the server takes connections, which it writes into its
// data directory, as pg_ctl does. With done it also notices the end of the server.
func waitReady(ctx context.Context, data string, pid int, done <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for pause := readyPoll; !isReady(data, pid); pause = min(2*pause, readyPause) {
		select {
		case <-done:
			return errExited
		case <-ctx.Done():
			return fmt.Errorf("waiting for the server: %w", ctx.Err())
		case <-time.After(pause):
		}
	}
	return nil
}

// isReady reports whether the file that a server leaves in its data directory is
// that of the process and says that it takes connections.
func isReady(data string, pid int) bool {
	const status = 7 // line of the status, from 0
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	return err == nil && len(lines) > status && strings.TrimSpace(lines[0]) == strconv.Itoa(pid) && strings.TrimSpace(lines[status]) == "ready"
}

// postmasterPid is the process id in the file that a server leaves in its
// data directory, or 0.
func postmasterPid(data string) int {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0
	}
	return pid
}

// runningPostmaster is the process id of the server that uses a data
// directory, or 0. A file left by a server that is gone does not count.
func runningPostmaster(data string) int {
	pid := postmasterPid(data)
	if pid == 0 || !serves(pid, data) {
		return 0
	}
	return pid
}

// serves reports whether a process is a server that launch started on a data
// directory.
func serves(pid int, data string) bool {
	line := strings.Join(commandLine(pid), " ") + " "
	return strings.Contains(line, " -D "+data+" ")
}

// stopPostmaster ends a server that is not a child of this process.
func stopPostmaster(ctx context.Context, data string, signal syscall.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	pid := runningPostmaster(data)
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %s to process %d: %w", signal, pid, err)
	}
	for serves(pid, data) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server, process %d, does not stop: %w", pid, ctx.Err())
		case <-time.After(readyPause):
		}
	}
	return nil
}
