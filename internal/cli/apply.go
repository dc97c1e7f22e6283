package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

type applyOptions struct {
	connection       connectionOptions
	selection        selectionOptions
	proof            proofOptions
	plan             string
	file             string
	autoApprove      bool
	allowDestructive bool
	allow            []string
	lockTimeout      time.Duration
	retryFor         time.Duration
	statementTimeout time.Duration
	terminateAfter   time.Duration
	applicationName  string
	json             bool
	wait             time.Duration
	resume, undo     bool
	again            string       // the command that goes on with a run that stopped
	events           *eventWriter // nil without --json
}

func newApplyCommand(env *Env) *cobra.Command {
	o := &applyOptions{}
	cmd := &cobra.Command{
		Use:   "apply [flags]",
		Short: "Run a plan on the target",
		Long: `apply runs the statements of a reviewed plan, or plans and runs in one go. It checks
that the target is still in the state the plan was made for, prints the plan, asks,
and then runs it. A step that can lose data is refused unless it is allowed.

Give --plan or --file; without both, the schema of cairn.yaml is the desired state.
A run that stopped after some of its steps goes on with --resume, or with the same
plan again. --undo takes back what the last run did.`,
		Example: `  cairn apply -d app --plan plan.json
  cairn apply -d app --file schema.sql --auto-approve
  cairn apply -d app --file schema.sql --allow drop-column:public.users.email
  cairn apply -d app --resume`,
		Args: noArguments,
		Annotations: map[string]string{exitNote: "3    the plan was made for another database, or the target changed since\n" +
			"4    a step can lose data and is not allowed, or hazards in cairn.yaml denies one\n5    a lock or time limit was not met, and the step was undone"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runApply(cmd.Context(), env, cmd, o)
		},
	}
	o.connection.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.plan, "plan", "p", "", "the plan `file` that plan --output-json wrote, or - for standard input")
	flags.StringVarP(&o.file, "file", "f", "", "desired `state` to plan for and apply: a .sql file, a directory, -, a URL or snapshot:FILE")
	flags.BoolVar(&o.autoApprove, "auto-approve", false, "do not ask")
	flags.BoolVar(&o.allowDestructive, "allow-destructive", false, "permit every step that can lose data")
	flags.StringArrayVar(&o.allow, "allow", nil, "permit one step that can lose data, by the `code:name` that the plan shows; repeatable")
	flags.Var(&period{value: &o.lockTimeout}, "lock-timeout", "how long a transaction waits for its locks (default 3s)")
	flags.Var(&period{value: &o.retryFor, none: -1}, "retry-for", "how long a transaction that does not get its locks is tried again, 0s for one try (default 10m)")
	flags.Var(&period{value: &o.wait, none: -1}, "wait", "how long another run on the same database is waited for, 0s for not at all (default 1m)")
	flags.Var(&period{value: &o.statementTimeout}, "statement-timeout", "how long a statement may run (default: no limit)")
	flags.Var(&period{value: &o.terminateAfter}, "terminate-blockers-after",
		"end client sessions that keep the run from one lock for so long, over all tries (default: never)")
	flags.StringVar(&o.applicationName, "application-name", "", "`name` that the server shows for the session (default cairn)")
	flags.BoolVar(&o.resume, "resume", false, "go on with the run that stopped")
	flags.BoolVar(&o.undo, "undo", false, "take back what the last run did")
	flags.BoolVar(&o.json, "json", false, "print events and the result as lines of JSON, and the plan to stderr")
	o.selection.addOffline(cmd)
	o.proof.add(flags)
	o.selection.add(cmd)
	cmd.AddCommand(newStatusCommand(env), newAbandonCommand(env))
	return cmd
}

func runApply(ctx context.Context, env *Env, cmd *cobra.Command, o *applyOptions) error {
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	if err := o.check(cmd); err != nil {
		return err
	}
	target, chosen, err := o.connection.resolve(env, c, cmd)
	if err != nil {
		return err
	}
	o.warnEnvironment(env, chosen)
	o.again = resumeCommand(cmd)
	target.ApplicationName = o.applicationName
	request := cairn.ApplyRequest{
		Target: target, AllowDestructive: o.allowDestructive, Allow: o.allow,
		LockTimeout: o.lockTimeout, RetryFor: o.retryFor, StatementTimeout: o.statementTimeout, Wait: o.wait, Policy: c.policy(chosen),
		TerminateBlockersAfter: o.terminateAfter,
	}
	if request.Verify, err = c.queries(); err != nil {
		return err
	}
	if request.LockTimeout == 0 {
		request.LockTimeout = chosen.lockTimeout
	}
	report := progress(env)
	defer report.end()
	events := report.event
	if o.json {
		o.events = newEventWriter(env)
		events = func(e schema.Event) {
			report.event(e)
			o.events.event(e)
		}
	}
	return withEngine(ctx, env, events, func(engine *cairn.Engine) error {
		switch {
		case o.resume:
			return o.runResume(ctx, env, engine, request)
		case o.undo:
			return o.runUndo(ctx, env, c, engine, request)
		case o.plan == "":
			plan, _, err := planRequest(env, c, cmd, &o.connection, &o.selection, o.file)
			if err != nil {
				return err
			}
			if forMany(plan) {
				return o.applyMany(ctx, env, engine, request, plan)
			}
		}
		request.Plan, err = o.obtain(ctx, env, c, engine, request)
		if err != nil {
			return err
		}
		return o.approveAndRun(ctx, env, engine, request)
	})
}

// check refuses flags that contradict each other.
func (o *applyOptions) check(cmd *cobra.Command) error {
	for _, flag := range []struct {
		given bool
		name  string
	}{{o.resume, "resume"}, {o.undo, "undo"}} {
		if !flag.given {
			continue
		}
		for _, name := range append([]string{"plan", "file", "resume", "undo"}, selectionFlags()...) {
			f := cmd.Flags().Lookup(name)
			if name != flag.name && f.Changed && !fromEnvironment(f) && !(o.undo && slices.Contains([]string{"shadow", "prove", "no-prove", "offline"}, name)) {
				return hintf("leave one of them out", "--%s and --%s do not go together: the journal of the target says what to run", flag.name, name)
			}
		}
		return nil
	}
	if o.plan == "" {
		return nil
	}
	if o.file != "" {
		return hintf("give one of them", "--plan and --file both say what to apply")
	}
	for _, name := range selectionFlags() {
		if f := cmd.Flags().Lookup(name); f.Changed && !fromEnvironment(f) {
			return hintf("leave it out, or give it to cairn plan", "--%s has no effect with --plan: the plan says what it changes", name)
		}
	}
	return nil
}

// warnEnvironment names settings of cairn.yaml that this version reads and
// does not act on, so that nobody relies on them.
func (o *applyOptions) warnEnvironment(env *Env, e environment) {
	if e.protected || e.approvals > 0 {
		warn(env, "this version of cairn does not enforce protected and approvals of cairn.yaml")
	}
}

// obtain reads the plan or makes it.
func (o *applyOptions) obtain(ctx context.Context, env *Env, c *config, engine *cairn.Engine, r cairn.ApplyRequest) (*schema.Plan, error) {
	if o.plan == "" {
		want, err := desired(env, c, o.file)
		if err != nil {
			return nil, err
		}
		reach, err := o.proof.request()
		if err != nil {
			return nil, err
		}
		return planDecided(ctx, env, c, engine, cairn.PlanRequest{Target: r.Target, Desired: want, Selection: o.selection.selection(c),
			Scratch: o.selection.scratch(c), Policy: r.Policy, Prove: reach, Offline: o.selection.offline})
	}
	return readPlan(env, o.plan)
}

// readPlan reads a plan file.
func readPlan(env *Env, name string) (*schema.Plan, error) {
	file, err := readFile(env, name)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	defer file.Close()
	p, err := cairn.ReadPlan(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return p, nil
}

// approveAndRun prints the plan, checks it, asks, and runs it.
func (o *applyOptions) approveAndRun(ctx context.Context, env *Env, engine *cairn.Engine, request cairn.ApplyRequest) error {
	p := request.Plan
	out := env.Out
	if o.json {
		out = env.Err
	}
	if err := writeHuman(out, p, env.Color && !o.json); err != nil {
		return writing("the plan", err)
	}
	if !hasChanges(p) {
		return o.printResult(env, p, &cairn.ApplyResult{Fingerprint: p.From})
	}
	if err := engine.Check(p, request); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := o.approve(ctx, env, "Apply this plan?"); err != nil {
		return err
	}
	return o.run(ctx, env, engine, request)
}

// approve asks, unless that was answered by a flag.
func (o *applyOptions) approve(ctx context.Context, env *Env, question string) error {
	if o.autoApprove {
		return nil
	}
	return confirm(ctx, env, question, "the plan is not approved, and there is no terminal to ask on")
}

// run applies the plan of the request and prints the result.
func (o *applyOptions) run(ctx context.Context, env *Env, engine *cairn.Engine, request cairn.ApplyRequest) error {
	result, err := engine.Apply(ctx, request)
	if err != nil {
		return o.explainStop(err)
	}
	return o.printResult(env, request.Plan, result)
}

func (o *applyOptions) printResult(env *Env, p *schema.Plan, result *cairn.ApplyResult) error {
	if o.json {
		return o.events.result(result, p.Summary)
	}
	if result.Steps == 0 {
		if hasChanges(p) {
			_, err := fmt.Fprintln(env.Out, "Nothing to do: this plan was applied already.")
			return writing("the result", err)
		}
		return nil // the plan said so
	}
	waited := ""
	if result.LongestWait >= time.Millisecond {
		waited = "; the longest wait for a lock was " + short(result.LongestWait)
	}
	_, err := fmt.Fprintf(env.Out, "\nApplied %s in %s%s.\n", count(result.Steps, "statement"), short(result.Elapsed), waited)
	return writing("the result", err)
}

// confirm asks on a terminal for the word yes. Without a terminal the question
// is an error that names the flag.
func confirm(ctx context.Context, env *Env, question, refusal string) error {
	if !env.Terminal {
		return hintf("add --auto-approve", "%s", refusal)
	}
	answer, err := ask(ctx, env, question+" Type yes to go on:")
	if err != nil {
		return err
	}
	if !strings.EqualFold(answer, "yes") {
		return fmt.Errorf("not approved: nothing was changed")
	}
	return nil
}

// ask prints a question and returns the line that is typed.
func ask(ctx context.Context, env *Env, question string) (string, error) {
	fmt.Fprint(env.Err, question+" ")
	if env.lines == nil {
		env.lines = bufio.NewReader(env.In)
	}
	answers := make(chan string, 1)
	go func() { // a read cannot be interrupted, so it is left behind
		line, _ := env.lines.ReadString('\n')
		answers <- line
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(env.Err)
		return "", context.Cause(ctx)
	case answer := <-answers:
		return strings.TrimSpace(answer), nil
	}
}

// printJSON writes a result as indented JSON.
func printJSON(env *Env, v any) error { return writing("the result", encodeJSON(env.Out, v)) }

func encodeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
