package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

// journalOptions are those of the commands that read the journal of a target.
type journalOptions struct {
	connection  connectionOptions
	autoApprove bool
	json        bool
	limit       int
}

// open resolves the target and starts an engine.
func (o *journalOptions) open(ctx context.Context, env *Env, cmd *cobra.Command, do func(*cairn.Engine, cairn.Connection) error) error {
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	target, _, err := o.connection.resolve(env, c, cmd)
	if err != nil {
		return err
	}
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error { return do(engine, target) })
}

func newStatusCommand(env *Env) *cobra.Command {
	o := &journalOptions{}
	cmd := &cobra.Command{
		Use:   "status [flags]",
		Short: "Show runs that did not come to their end",
		Long: `status shows the runs on the target that are at work or stopped after some of their
steps: what is done, what is left, and why they stopped.`,
		Example: "  cairn apply status -d app",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.open(cmd.Context(), env, cmd, func(engine *cairn.Engine, target cairn.Connection) error {
				return runStatus(cmd.Context(), env, engine, target, o.json)
			})
		},
	}
	o.connection.add(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print the runs as JSON")
	return cmd
}

func runStatus(ctx context.Context, env *Env, engine *cairn.Engine, target cairn.Connection, asJSON bool) error {
	runs, err := engine.Unfinished(ctx, target)
	if err != nil {
		return err
	}
	details := []*cairn.RunDetail{}
	for _, r := range runs {
		detail, err := engine.RunOf(ctx, target, r.ID)
		if err != nil {
			return err
		}
		details = append(details, detail)
	}
	if asJSON {
		return printJSON(env, details)
	}
	if len(details) == 0 {
		_, err := fmt.Fprintln(env.Out, "Every run came to its end.")
		return writing("the result", err)
	}
	return writeOutput(env, toStdout, func(w io.Writer) error {
		for i, d := range details {
			if i > 0 {
				fmt.Fprintln(w)
			}
			writeRun(w, d)
			if err := writeLeft(w, d, env.Color); err != nil {
				return err
			}
		}
		if !details[0].Active {
			fmt.Fprint(w, "\ncairn apply --resume goes on with it, --undo takes back what was done, and cairn apply abandon leaves it as it is.\n")
		}
		return nil
	})
}

func newAbandonCommand(env *Env) *cobra.Command {
	o := &journalOptions{}
	cmd := &cobra.Command{
		Use:   "abandon [flags]",
		Short: "Leave runs that stopped as they are",
		Long: `abandon records that nobody is to resume the runs that stopped. It changes nothing
but the journal: plan from where the target stands now.`,
		Example: "  cairn apply abandon -d app --auto-approve",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.open(cmd.Context(), env, cmd, func(engine *cairn.Engine, target cairn.Connection) error {
				return o.runAbandon(cmd.Context(), env, engine, target)
			})
		},
		Annotations: map[string]string{exitNote: "5    a run is at work"},
	}
	o.connection.add(cmd)
	cmd.Flags().BoolVar(&o.autoApprove, "auto-approve", false, "do not ask")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the runs as JSON")
	return cmd
}

func (o *journalOptions) runAbandon(ctx context.Context, env *Env, engine *cairn.Engine, target cairn.Connection) error {
	runs, err := engine.Unfinished(ctx, target)
	if err != nil {
		return err
	}
	if len(runs) == 0 && o.json {
		return printJSON(env, []schema.Run{})
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintln(env.Out, "Nothing to abandon: every run came to its end.")
		return writing("the result", err)
	}
	for _, r := range runs {
		fmt.Fprintf(env.Err, "Run %d stopped after %d of %s.\n", r.ID, r.Done, count(r.Steps, "step"))
	}
	if !o.autoApprove {
		if err := confirm(ctx, env, "Leave the database as it is?", "abandoning is not approved, and there is no terminal to ask on"); err != nil {
			return err
		}
	}
	if runs, err = engine.Abandon(ctx, target); err != nil {
		return err
	}
	if o.json {
		return printJSON(env, runs)
	}
	_, err = fmt.Fprintf(env.Out, "Abandoned %s. cairn plan says what is left.\n", count(len(runs), "run"))
	return writing("the result", err)
}

func newHistoryCommand(env *Env) *cobra.Command {
	o := &journalOptions{}
	cmd := &cobra.Command{
		Use:   "history [flags]",
		Short: "List the plans that were applied to a target",
		Long: `history lists the runs that the journal of the target knows, newest first: when, by
whom, how many steps, and how they ended. cairn history show ID prints one.`,
		Example: "  cairn history -d app\n  cairn history show 12 -d app",
		Args:    noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.open(cmd.Context(), env, cmd, func(engine *cairn.Engine, target cairn.Connection) error {
				return o.runHistory(cmd.Context(), env, engine, target)
			})
		},
		Annotations: map[string]string{exitNote: ""},
	}
	o.connection.add(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print the runs as JSON")
	cmd.Flags().IntVar(&o.limit, "limit", 20, "how many runs are listed, `0` for all")
	cmd.AddCommand(newHistoryShowCommand(env))
	return cmd
}

func (o *journalOptions) runHistory(ctx context.Context, env *Env, engine *cairn.Engine, target cairn.Connection) error {
	if o.limit < 0 {
		return hintf("0 lists all", "--limit is not negative")
	}
	runs, err := engine.History(ctx, target, o.limit)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(env, append([]schema.Run{}, runs...))
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintln(env.Out, "No plan was applied to this database.")
		return writing("the result", err)
	}
	return writeOutput(env, toStdout, func(w io.Writer) error {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "RUN\tSTATE\tSTEPS\tSTARTED\tTOOK\tBY\tPLAN")
		for _, r := range runs {
			fmt.Fprintf(table, "%d\t%s\t%d/%d\t%s\t%s\t%s\t%s\n", r.ID, stateOf(r), r.Done, r.Steps,
				stamp(r.Started), took(r.Started, r.Ended), clean(r.Role), shortDigest(r.Digest))
		}
		return table.Flush()
	})
}

func newHistoryShowCommand(env *Env) *cobra.Command {
	o := &journalOptions{}
	cmd := &cobra.Command{
		Use:     "show ID [flags]",
		Short:   "Show one run: its plan, its steps and how long they took",
		Example: "  cairn history show 12 -d app",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || id < 1 {
				return hintf("cairn history lists the runs", "%q is no number of a run", args[0])
			}
			return o.open(cmd.Context(), env, cmd, func(engine *cairn.Engine, target cairn.Connection) error {
				return o.runShow(cmd.Context(), env, engine, target, id)
			})
		},
	}
	o.connection.add(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print the run as JSON")
	return cmd
}

func (o *journalOptions) runShow(ctx context.Context, env *Env, engine *cairn.Engine, target cairn.Connection, id int64) error {
	run, err := engine.RunOf(ctx, target, id)
	if err != nil {
		return err
	}
	if run == nil {
		return hintf("cairn history lists the runs", "this database has no journal")
	}
	if o.json {
		return printJSON(env, run)
	}
	return writeOutput(env, toStdout, func(w io.Writer) error {
		writeRun(w, run)
		fmt.Fprintln(w)
		return writeTrace(w, run, env.Color)
	})
}

// stamp prints a time as the machine's own clock has it.
func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func took(from time.Time, to *time.Time) string {
	if to == nil {
		return "-"
	}
	return short(to.Sub(from))
}

func shortDigest(digest string) string {
	const enough = len("sha256:") + 12
	if len(digest) > enough {
		return digest[:enough]
	}
	return digest
}

// stateOf is what a reader calls the state of a run: one that counts as running
// and that nobody is at work on has stopped.
func stateOf(r schema.Run) string {
	switch {
	case r.State == schema.Running && !r.Active:
		return string(schema.Stopped)
	case r.Undoes != 0:
		return fmt.Sprintf("%s (undoes %d)", r.State, r.Undoes)
	}
	return string(r.State)
}
