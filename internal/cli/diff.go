package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
)

type diffOptions struct {
	selection selectionOptions
	from, to  string
	sql       bool
	json      bool
	exitCode  bool
}

func newDiffCommand(env *Env) *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff FROM TO [flags]",
		Short: "Show what leads from one state to another",
		Long: `diff compares two states and shows the statements that lead from the first to the
second. Neither has to be a database: each is a .sql file, a directory of them, -
for standard input, a connection URL, embedded:NAME, env:NAME of cairn.yaml,
snapshot:FILE for a file that snapshot wrote, or empty: for a database without
anything in it. It changes nothing.`,
		Example: `  cairn diff old.sql new.sql
  cairn diff env:staging env:production --exit-code
  cairn diff empty: schema/ --sql`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return hintf("cairn diff FROM TO", "cairn diff takes two states, and there are %d", len(args))
			}
			return nil
		},
		Annotations: map[string]string{exitNote: "2    the states differ (only with --exit-code)"},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.from, o.to = args[0], args[1]
			return runDiff(cmd.Context(), env, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.sql, "sql", false, "print the statements only")
	flags.BoolVar(&o.json, "json", false, "print the plan as JSON")
	flags.BoolVar(&o.exitCode, "exit-code", false, "exit with 2 when the states differ")
	o.selection.addOffline(cmd)
	o.selection.add(cmd)
	return cmd
}

func runDiff(ctx context.Context, env *Env, o *diffOptions) error {
	if o.sql && o.json {
		return hintf("give one of them", "--sql and --json both say how the result is printed")
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	request := cairn.DiffRequest{Selection: o.selection.selection(c), Scratch: o.selection.scratch(c), Offline: o.selection.offline}
	if request.From, err = state(env, c, o.from); err != nil {
		return err
	}
	if request.To, err = state(env, c, o.to); err != nil {
		return err
	}
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		p, err := engine.Diff(ctx, request)
		if err != nil {
			return err
		}
		err = writeOutput(env, toStdout, func(w io.Writer) error {
			switch {
			case o.json:
				return cairn.WritePlan(w, p)
			case o.sql:
				return writeSQL(w, p)
			}
			return writeHuman(w, p, env.Color)
		})
		if err == nil && o.exitCode && hasChanges(p) {
			err = changesExist{}
		}
		return err
	})
}
