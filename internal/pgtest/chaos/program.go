package chaos

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Program is the built binary.
type Program struct {
	path     string
	dir      string // working directory of its processes
	cacheDir string
}

// Build builds the program from the source around the working directory.
func Build(ctx context.Context, dir, cacheDir string) (*Program, error) {
	p := &Program{path: filepath.Join(dir, "cairn"), dir: dir, cacheDir: cacheDir}
	// With -trimpath it is the build of the Makefile, which may be in the cache.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", p.path, "github.com/cairn-db/cairn/cmd/cairn")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return p, nil
}

// Process is a running program.
type Process struct {
	cmd    *exec.Cmd
	args   []string
	out    bytes.Buffer
	said   bytes.Buffer
	begun  time.Time
	done   chan struct{}
	result Result
}

// Result is how a process ended.
type Result struct {
	Args  []string
	Exit  int    // -1 when it was killed
	Out   string // standard output
	Said  string // standard error
	Begun time.Time
	Ended time.Time
}

// String is what is printed of it when a test fails: without the plan.
func (r Result) String() string {
	out := strings.Split(strings.TrimSpace(r.Out), "\n")
	return fmt.Sprintf("$ cairn %s\n%s\n%s(exit %d after %s)", strings.Join(r.Args, " "), strings.Join(out[max(0, len(out)-3):], "\n"), r.Said,
		r.Exit, r.Ended.Sub(r.Begun).Round(time.Millisecond))
}

// Start starts the program.
func (p *Program) Start(args ...string) (*Process, error) {
	r := &Process{args: args, done: make(chan struct{}), begun: time.Now()}
	r.cmd = exec.Command(p.path, args...)
	r.cmd.Dir = p.dir
	r.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "CAIRN_CACHE_DIR=" + p.cacheDir}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.said
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the program: %w", err)
	}
	go func() {
		_ = r.cmd.Wait() // the exit code says it
		r.result = Result{Args: args, Exit: r.cmd.ProcessState.ExitCode(), Out: r.out.String(), Said: r.said.String(), Begun: r.begun, Ended: time.Now()}
		close(r.done)
	}()
	return r, nil
}

// Kill ends the process without a chance to tidy up, and returns when it is gone.
func (r *Process) Kill() {
	_ = r.cmd.Process.Kill() // it may have ended
	<-r.done
}

// Wait returns how the process ended. One that does not end in time is an error,
// with what all its goroutines were doing.
func (r *Process) Wait(limit time.Duration) (Result, error) {
	select {
	case <-r.done:
		return r.result, nil
	case <-time.After(limit):
	}
	_ = r.cmd.Process.Signal(syscall.SIGQUIT) // it may have ended
	select {
	case <-r.done:
	case <-time.After(5 * time.Second):
		r.Kill()
	}
	return r.result, fmt.Errorf("cairn did not end within %s:\n%s", limit, r.result)
}

// Run runs the program to its end.
func (p *Program) Run(limit time.Duration, args ...string) (Result, error) {
	r, err := p.Start(args...)
	if err != nil {
		return Result{}, err
	}
	return r.Wait(limit)
}
