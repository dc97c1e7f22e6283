package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-db/cairn"
)

// runResume goes on with the newest run that stopped, with the plan that the
// journal keeps of it.
func (o *applyOptions) runResume(ctx context.Context, env *Env, engine *cairn.Engine, request cairn.ApplyRequest) error {
	runs, err := engine.Unfinished(ctx, request.Target)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintln(env.Out, "Nothing to resume: every run came to its end.")
		return writing("the result", err)
	}
	run, err := engine.RunOf(ctx, request.Target, runs[0].ID)
	if err != nil {
		return err
	}
	request.Plan, request.Undoes = run.Plan, run.Undoes
	out := env.Out
	if o.json {
		out = env.Err
	}
	fmt.Fprintf(out, "Run %d stopped after %d of %s.\n", run.ID, run.Done, count(run.Steps, "step"))
	if err := writeLeft(out, run, env.Color && !o.json); err != nil {
		return writing("the plan", err)
	}
	if err := engine.Check(run.Plan, request); err != nil {
		return err
	}
	if err := o.approve(ctx, env, "Run these steps?"); err != nil {
		return err
	}
	return o.run(ctx, env, engine, request)
}

// runUndo plans the way back from the last run, and applies that.
func (o *applyOptions) runUndo(ctx context.Context, env *Env, c *config, engine *cairn.Engine, request cairn.ApplyRequest) error {
	reach, err := o.proof.request()
	if err != nil {
		return err
	}
	plan, run, err := engine.Undo(ctx, cairn.UndoRequest{Target: request.Target, Scratch: o.selection.scratch(c), Policy: request.Policy,
		Prove: reach, Offline: o.selection.offline})
	if err != nil {
		return err
	}
	request.Plan, request.Undoes, request.Verify = plan, run.ID, nil
	if hasChanges(plan) {
		return o.approveAndRun(ctx, env, engine, request)
	}
	if run.IsOpen() {
		if _, err := engine.Abandon(ctx, request.Target); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(env.Out, "Nothing to undo: run %d left nothing behind.\n", run.ID)
	return writing("the result", err)
}

// resumeCommand is the command line that goes on with a run of this one. A
// password in it is not repeated.
func resumeCommand(cmd *cobra.Command) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if fromEnvironment(f) || f.Name == "plan" || f.Name == "file" || f.Name == "resume" || f.Name == "undo" {
			return
		}
		for _, name := range selectionFlags() {
			if name == f.Name {
				return
			}
		}
		values := []string{f.Value.String()}
		if several, ok := f.Value.(pflag.SliceValue); ok {
			values = several.GetSlice()
		}
		for _, value := range values {
			if f.Value.Type() == "bool" {
				words = append(words, "--"+f.Name)
			} else {
				words = append(words, "--"+f.Name, shellWord(redact(value)))
			}
		}
	})
	return strings.Join(append(words, "--resume"), " ")
}

// explainStop adds to the error of a run that stopped what goes on with it.
func (o *applyOptions) explainStop(err error) error {
	var stopped *cairn.StoppedError
	if !errors.As(err, &stopped) {
		return err
	}
	hint := fmt.Sprintf("go on with %s; cairn apply --undo takes back what was done; cairn apply status shows it", o.again)
	if _, inner := describe(stopped.Err); inner != "" {
		hint = inner + "; " + hint
	}
	return &hintedError{err: err, hint: hint}
}
