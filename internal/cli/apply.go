package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	applicationName  string
	json             bool
}

func newApplyCommand(env *Env) *cobra.Command {
	o := &applyOptions{}
	cmd := &cobra.Command{
		Use:   "apply [flags]",
		Short: "Run a plan on the target",
		Long: `apply runs the statements of a reviewed plan, or plans and runs in one go. It checks
that the target is still in the state the plan was made for, prints the plan, asks,
and then runs it. A step that can lose data is refused unless it is allowed.

Give --plan or --file; without both, the schema of cairn.yaml is the desired state.`,
		Example: `  cairn apply -d app --plan plan.json
  cairn apply -d app --file schema.sql --auto-approve
  cairn apply -d app --file schema.sql --allow drop-column:public.users.email`,
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
	flags.Var(&period{value: &o.statementTimeout}, "statement-timeout", "how long a statement may run (default: no limit)")
	flags.StringVar(&o.applicationName, "application-name", "", "`name` that the server shows for the session (default cairn)")
	flags.BoolVar(&o.json, "json", false, "print the result as JSON, and the plan to stderr")
	o.selection.addOffline(cmd)
	o.proof.add(flags)
	o.selection.add(cmd)
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
	target.ApplicationName = o.applicationName
	request := cairn.ApplyRequest{
		Target: target, AllowDestructive: o.allowDestructive, Allow: o.allow,
		LockTimeout: o.lockTimeout, RetryFor: o.retryFor, StatementTimeout: o.statementTimeout, Policy: c.policy(chosen),
	}
	if request.LockTimeout == 0 {
		request.LockTimeout = chosen.lockTimeout
	}
	return withEngine(ctx, env, progress(env), func(engine *cairn.Engine) error {
		if o.plan == "" {
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
	if !o.autoApprove {
		if err := confirm(ctx, env, "Apply this plan?", "the plan is not approved, and there is no terminal to ask on"); err != nil {
			return err
		}
	}
	result, err := engine.Apply(ctx, request)
	if err != nil {
		return err
	}
	return o.printResult(env, p, result)
}

func (o *applyOptions) printResult(env *Env, p *schema.Plan, result *cairn.ApplyResult) error {
	if o.json {
		return printJSON(env, struct {
			*cairn.ApplyResult
			Summary schema.Summary `json:"summary"`
		}{result, p.Summary})
	}
	if result.Steps == 0 {
		if hasChanges(p) {
			_, err := fmt.Fprintln(env.Out, "Nothing to do: this plan was applied already.")
			return writing("the result", err)
		}
		return nil // the plan said so
	}
	_, err := fmt.Fprintf(env.Out, "\nApplied %s in %s.\n", count(result.Steps, "statement"), short(result.Elapsed))
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
