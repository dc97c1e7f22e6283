package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// figures are what one run of a program took.
type figures struct {
	CPU    time.Duration `json:"cpu"`        // of the program, of the servers that it starts, and of the target's server
	Server time.Duration `json:"server_cpu"` // of the target's server
	Wall   time.Duration `json:"wall"`
	Memory int64         `json:"memory"` // the most that the program itself held
}

// String is one line on them.
func (f figures) String() string {
	return fmt.Sprintf("CPU %s (server %s), wall %s, %s", short(f.CPU), short(f.Server), short(f.Wall), megabytes(f.Memory))
}

const (
	memoryPoll = time.Millisecond
	quietPoll  = 2 * time.Millisecond
	quietLimit = 5 * time.Second
	stopLimit  = 20 * time.Second
)

// meter measures programs.
type meter struct {
	postmaster int // of the target's server
	dir        string
	env        []string
	own        map[int]bool // children that somebody else waits for
}

// program is a command line, and how it may end.
type program struct {
	args   []string
	env    []string // what is added to the environment
	exit   []int    // exit codes beside 0 that are right
	stdout string   // file for its output, "" for none
}

// run runs a program and returns what it took.
func (m *meter) run(ctx context.Context, p program) (f figures, err error) {
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	// The program stops the servers that it has started, and removes their files.
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, stopLimit
	cmd.Dir, cmd.Env = m.dir, append(slices.Clone(m.env), p.env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if p.stdout != "" {
		out, err := os.Create(p.stdout)
		if err != nil {
			return f, fmt.Errorf("making a file for the output: %w", err)
		}
		defer out.Close()
		cmd.Stdout = out
	}
	backends, err := children(m.postmaster)
	if err != nil {
		return f, err
	}
	before, err := now(m.postmaster)
	if err != nil {
		return f, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return f, fmt.Errorf("starting %s: %w", p.args[0], err)
	}
	memory := watchMemory(cmd.Process.Pid)
	err = cmd.Wait()
	f.Wall, f.Memory = time.Since(begun), memory()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && slices.Contains(p.exit, exit.ExitCode())) {
		return f, fmt.Errorf("running %s: %w\n%s", strings.Join(p.args, " "), err, said.String())
	}
	if err := m.quiet(ctx, backends); err != nil {
		return f, err
	}
	after, err := now(m.postmaster)
	if err != nil {
		return f, err
	}
	f.CPU, f.Server = after.all-before.all, after.server-before.server
	return f, bury(m.own)
}

// quiet waits until the server has no more processes than before: a session goes
// on for a moment when its client has gone.
func (m *meter) quiet(ctx context.Context, before map[int]bool) error {
	for deadline := time.Now().Add(quietLimit); ; {
		left, err := children(m.postmaster)
		if err != nil {
			return err
		}
		more := false
		for pid := range left {
			more = more || !before[pid]
		}
		if !more {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("the server still has sessions of a program that has ended")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(quietPoll):
		}
	}
}

// watchMemory begins to look at a process, and returns what ends that and says
// the most memory that it held.
func watchMemory(pid int) func() int64 {
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		for {
			most = max(most, highest(pid))
			select {
			case <-stop:
				result <- most
				return
			case <-time.After(memoryPoll):
			}
		}
	}()
	return func() int64 { close(stop); return <-result }
}

// median returns the middle of each figure.
func median(runs []figures) figures {
	var f figures
	if len(runs) == 0 {
		return f
	}
	f.CPU = middle(runs, func(f figures) time.Duration { return f.CPU })
	f.Server = middle(runs, func(f figures) time.Duration { return f.Server })
	f.Wall = middle(runs, func(f figures) time.Duration { return f.Wall })
	f.Memory = int64(middle(runs, func(f figures) time.Duration { return time.Duration(f.Memory) }))
	return f
}

func middle(runs []figures, of func(figures) time.Duration) time.Duration {
	values := make([]time.Duration, len(runs))
	for i, f := range runs {
		values[i] = of(f)
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
