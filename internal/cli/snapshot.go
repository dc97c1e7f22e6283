package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
)

type snapshotOptions struct {
	connection connectionOptions
	scratch    selectionOptions
	file       string
	output     string
}

func newSnapshotCommand(env *Env) *cobra.Command {
	o := &snapshotOptions{}
	cmd := &cobra.Command{
		Use:   "snapshot [flags]",
		Short: "Write a state to a file that stands for it later",
		Long: `snapshot writes the schema of a database, or another state, to a JSON file without
leaving anything out. snapshot:FILE can then stand wherever a state can, without the
database. The same state gives the same bytes. cairn version --snapshot-schema prints
the JSON Schema of the file.`,
		Example: `  cairn snapshot --env production --output production.json
  cairn diff snapshot:production.json env:production --exit-code
  cairn plan -d app --file snapshot:production.json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSnapshot(cmd.Context(), env, cmd, o)
		},
	}
	o.connection.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", stateInstead)
	flags.StringVarP(&o.output, "output", "o", "", "write to this `file` instead of stdout")
	o.scratch.addOptions(cmd)
	o.scratch.addScratch(cmd)
	return cmd
}

func runSnapshot(ctx context.Context, env *Env, cmd *cobra.Command, o *snapshotOptions) error {
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	request := cairn.SnapshotRequest{Selection: o.scratch.selection(c), Scratch: o.scratch.scratch(c)}
	if request.From, request.Target, err = o.connection.stateOrTarget(env, c, cmd, o.file); err != nil {
		return err
	}
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		s, err := engine.Snapshot(ctx, request)
		if err != nil {
			return err
		}
		place := o.output
		if place == "" {
			place = toStdout
		}
		return writeOutput(env, place, func(w io.Writer) error { return cairn.WriteSnapshot(w, s) })
	})
}
