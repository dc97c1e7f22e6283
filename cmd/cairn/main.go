// Command cairn plans and applies PostgreSQL schema changes.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/cairn-db/cairn/internal/cli"
)

// version is set by the linker.
var version string

func main() {
	collectLate()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	color := term.IsTerminal(int(os.Stdout.Fd()))
	env := &cli.Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now,
		Terminal: color && term.IsTerminal(int(os.Stdin.Fd())), Color: color, Version: programVersion(),
		Columns: func() int { return columns(os.Stderr) },
	}
	os.Exit(cli.Main(ctx, env, os.Args[1:]))
}

// programVersion is the linker's, or that of the module when the program was
// built by go install.
func programVersion() string {
	if version != "" {
		return version
	}
	if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" && build.Main.Version != "(devel)" {
		return build.Main.Version
	}
	return "devel"
}

// columns returns the width of the terminal that f is, 0 when it is none.
func columns(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
