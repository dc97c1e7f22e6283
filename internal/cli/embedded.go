package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
)

func newEmbeddedCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "embedded COMMAND",
		Short: "List, stop and remove the databases behind embedded:NAME",
		Long: `embedded looks after the local databases that --db embedded:NAME starts. They are
kept in the user's data directory, or in CAIRN_DATA_DIR, until they are removed.`,
		Args: noSuchCommand,
		RunE: showHelp,
	}
	cmd.AddCommand(newEmbeddedListCommand(env), newEmbeddedStopCommand(env), newEmbeddedRemoveCommand(env))
	return cmd
}

func newEmbeddedListCommand(env *Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list [flags]",
		Short:   "List the embedded databases",
		Example: "  cairn embedded list",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEmbeddedList(cmd.Context(), env, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

func runEmbeddedList(ctx context.Context, env *Env, asJSON bool) error {
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		databases, err := engine.EmbeddedList()
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(env, databases)
		}
		if len(databases) == 0 {
			_, err := fmt.Fprintln(env.Out, "There is no embedded database. -d embedded:NAME creates one.")
			return writing("the result", err)
		}
		return writeOutput(env, toStdout, func(w io.Writer) error {
			table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tPOSTGRESQL\tSTATE\tDIRECTORY")
			for _, d := range databases {
				fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", d.Name, d.Major, running(d.Running), d.Directory)
			}
			return table.Flush()
		})
	})
}

func running(yes bool) string {
	if yes {
		return "running"
	}
	return "stopped"
}

func newEmbeddedStopCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "stop NAME",
		Short:   "Stop the server of an embedded database",
		Long:    "stop stops the server of an embedded database. Its rows stay; the next -d embedded:NAME starts it again.",
		Example: "  cairn embedded stop demo",
		Args:    oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withEngine(cmd.Context(), env, quiet(env), func(engine *cairn.Engine) error {
				if err := engine.EmbeddedStop(cmd.Context(), args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(env.Out, "Stopped embedded:%s.\n", args[0])
				return writing("the result", err)
			})
		},
	}
}

func newEmbeddedRemoveCommand(env *Env) *cobra.Command {
	var autoApprove bool
	cmd := &cobra.Command{
		Use:     "remove NAME [flags]",
		Short:   "Stop an embedded database and delete everything in it",
		Long:    "remove stops the server of an embedded database and deletes everything in it. It asks before it does.",
		Example: "  cairn embedded remove demo --auto-approve",
		Args:    oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runEmbeddedRemove(cmd.Context(), env, args[0], autoApprove)
		},
	}
	cmd.Flags().BoolVar(&autoApprove, "auto-approve", false, "do not ask")
	return cmd
}

func runEmbeddedRemove(ctx context.Context, env *Env, name string, autoApprove bool) error {
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		if !autoApprove {
			question := fmt.Sprintf("Delete embedded:%s with everything in it?", name)
			if err := confirm(ctx, env, question, fmt.Sprintf("removing embedded:%s deletes everything in it, and there is no terminal to ask on", name)); err != nil {
				return err
			}
		}
		if err := engine.EmbeddedRemove(ctx, name); err != nil {
			return err
		}
		_, err := fmt.Fprintf(env.Out, "Removed embedded:%s.\n", name)
		return writing("the result", err)
	})
}

// oneName accepts the name of an embedded database.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] != "" {
		return nil
	}
	return hintf("cairn embedded list shows the names", "%s takes the name of an embedded database", cmd.CommandPath())
}
