// Package cli is the command line of Cairn. It parses flags, asks, and prints;
// everything else is done by the root package.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn/internal/pg"
)

// Env is the only way in which commands reach the world outside files and
// databases.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Now      func() time.Time
	Terminal bool   // In and Out are a terminal: questions can be asked
	Color    bool   // Out is a terminal: text can be coloured
	Version  string // version of the program

	// Columns returns the width of the terminal that Err is, 0 when it is none.
	Columns func() int

	global  globalOptions
	private bool          // a protected environment takes part: files are closed to others
	log     *slog.Logger  // nil without --debug
	lines   *bufio.Reader // of In, once something was asked
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, env *Env, args []string) int {
	e := *env
	e.Err = redacted{env.Err}
	getenv, err := readDotEnv(".env", env.Getenv)
	if err != nil {
		return report(ctx, &e, err)
	}
	e.Getenv = getenv
	root := newRootCommand(&e)
	root.SetArgs(args)
	started := e.Now()
	err = root.ExecuteContext(ctx)
	if e.log != nil {
		e.log.Debug("finished", "elapsed", e.Now().Sub(started).Round(time.Millisecond))
	}
	return report(ctx, &e, err)
}

// redacted removes passwords from everything that is written through it.
type redacted struct{ w io.Writer }

// Write writes b without passwords.
func (r redacted) Write(b []byte) (int, error) {
	if _, err := io.WriteString(r.w, pg.Redact(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// newRootCommand builds the whole tree of commands.
func newRootCommand(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "cairn",
		Short: "Changes PostgreSQL schemas safely",
		Long: `Cairn changes PostgreSQL schemas safely. It compares a database with the schema
that SQL files describe, plans the statements in between, says what each of them
locks, rewrites or loses, and runs the plan that was reviewed.`,
		Example: `  cairn plan  -d embedded:demo --file schema.sql
  cairn apply -d embedded:demo --file schema.sql`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              noSuchCommand,
		RunE:              showHelp,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SetHelpFunc(printHelp)
	root.SetFlagErrorFunc(explainFlag)
	root.AddGroup(
		&cobra.Group{ID: "declarative", Title: "DECLARATIVE"},
		&cobra.Group{ID: "embedded", Title: "EMBEDDED DATABASES"},
	)
	addGlobalFlags(env, root)
	for _, c := range []*cobra.Command{
		newInitCommand(env), newDumpCommand(env), newSnapshotCommand(env), newPlanCommand(env), newApplyCommand(env),
		newDiffCommand(env), newProveCommand(env), newHistoryCommand(env), newDoctorCommand(env), newCacheCommand(env), newVersionCommand(env),
	} {
		c.GroupID = "declarative"
		root.AddCommand(c)
	}
	embedded := newEmbeddedCommand(env)
	embedded.GroupID = "embedded"
	root.AddCommand(embedded)
	return root
}

// showHelp is what a command does that only has subcommands.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// readFile reads a file that a flag names, "-" being standard input.
func readFile(env *Env, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(env.In), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, pathError(err, name)
	}
	return f, nil
}

// pathError turns the error of a file operation into one for the reader.
func pathError(err error, name string) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s does not exist", name)
	}
	return fmt.Errorf("%s: %w", name, err)
}
