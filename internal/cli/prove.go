package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

// longStep is how long a step may take before prove warns.
const longStep = 300 * time.Second

// proofOptions say how a plan is proven while it is made.
type proofOptions struct {
	reach string
	none  bool
}

func (o *proofOptions) add(flags *pflag.FlagSet) {
	flags.Var(&choice{&o.reach, []string{"closure", "full"}}, "prove", "try the plan on a copy of what it touches (closure, the default), or of the whole schema (full)")
	flags.BoolVar(&o.none, "no-prove", false, "do not try the plan: locks and rewrites are then declared and not observed")
}

// request returns what the flags ask for.
func (o *proofOptions) request() (cairn.Reach, error) {
	switch {
	case o.none && o.reach != "":
		return "", hintf("give one of them", "--prove and --no-prove contradict each other")
	case o.none:
		return cairn.NoProof, nil
	}
	return cairn.Reach(o.reach), nil
}

type proveOptions struct {
	connection connectionOptions
	selection  selectionOptions
	plan       string
	data       string
	json       bool
}

func newProveCommand(env *Env) *cobra.Command {
	o := &proveOptions{}
	cmd := &cobra.Command{
		Use:   "prove [flags]",
		Short: "Try a saved plan on a scratch copy of the target",
		Long: `prove runs the steps of a saved plan on a throw-away copy of the target's schema, with
rows made for the purpose, and shows what each of them locks, writes anew and reads
there. It fails when a step does, and when the steps do not lead to the planned state.
The target is only read.

With --with-data it restores a dump of the target instead and says how long each step
takes on its rows. The dump is a file or a directory of pg_dump in the custom,
directory or plain format, or - for standard input. A constraint that is not validated
afterwards is an error.`,
		Example: `  cairn prove -d app --plan plan.json
  cairn prove --env production --plan plan.json --with-data nightly.dump
  pg_dump -Fc app | cairn prove -d app --plan plan.json --with-data -`,
		Args:        noArguments,
		Annotations: map[string]string{exitNote: "3    the target or the dump is not in the state the plan was made for"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runProve(cmd.Context(), env, cmd, o)
		},
	}
	o.connection.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.plan, "plan", "p", "", "the plan `file` that plan --output-json wrote, or - for standard input")
	flags.StringVar(&o.data, "with-data", "", "restore this `dump` and run the plan on its rows")
	flags.BoolVar(&o.json, "json", false, "print the result as JSON")
	flags.StringVar(&o.selection.shadow, "shadow", "", "where the copy is made: the `URL` of a scratch database, or target (default: a local server)")
	return cmd
}

func runProve(ctx context.Context, env *Env, cmd *cobra.Command, o *proveOptions) error {
	switch {
	case o.plan == "":
		return hintf("write one with cairn plan --output-json plan.json, and name it with --plan", "no plan was given")
	case o.plan == "-" && o.data == "-":
		return hintf("give one of them as a file", "--plan and --with-data both read standard input")
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	target, _, err := o.connection.resolve(env, c, cmd)
	if err != nil {
		return err
	}
	p, err := readPlan(env, o.plan)
	if err != nil {
		return err
	}
	events := quiet(env)
	if o.data != "" {
		events = progress(env).event
	}
	return withEngine(ctx, env, events, func(engine *cairn.Engine) error {
		result, err := engine.Prove(ctx, cairn.ProveRequest{Target: target, Plan: p, Scratch: o.selection.scratch(c), WithData: o.data})
		if err != nil {
			return err
		}
		return o.report(env, result)
	})
}

// report prints the result and fails when constraints are left to be validated.
func (o *proveOptions) report(env *Env, result *cairn.ProveResult) error {
	var err error
	if o.json {
		err = printJSON(env, proven(result))
	} else {
		err = writeOutput(env, toStdout, func(w io.Writer) error { return writeProof(w, result, env.Color) })
	}
	if err != nil {
		return err
	}
	for i, elapsed := range result.Elapsed {
		if elapsed > longStep {
			warn(env, "step %d took %s", i+1, short(elapsed))
		}
	}
	if len(result.Unvalidated) > 0 {
		return hintf("add VALIDATE CONSTRAINT to the plan: make it from a desired state in which they are valid",
			"constraints are not validated after the last step\n%s", strings.Join(result.Unvalidated, "\n"))
	}
	return nil
}

// provenStep is a step of prove --json.
type provenStep struct {
	schema.Step
	Seconds float64 `json:"seconds"`
}

// provenPlan is what prove --json prints.
type provenPlan struct {
	Steps       []provenStep  `json:"steps"`
	Proof       *schema.Proof `json:"proof"`
	Unvalidated []string      `json:"unvalidated,omitempty"`
}

func proven(result *cairn.ProveResult) provenPlan {
	p := provenPlan{Steps: []provenStep{}, Proof: result.Plan.Proof, Unvalidated: result.Unvalidated}
	for i, s := range result.Plan.Steps {
		p.Steps = append(p.Steps, provenStep{s, result.Elapsed[i].Seconds()})
	}
	return p
}

// writeProof prints a line for each step, and how it was proven.
func writeProof(w io.Writer, result *cairn.ProveResult, color bool) error {
	out := &printer{w: w, paint: painter(color)}
	if !hasChanges(result.Plan) {
		out.printf("The plan has no steps: there is nothing to prove.\n")
		return out.err
	}
	for i, s := range result.Plan.Steps {
		out.printf("%s  %s  %s\n", out.paint(bold, fmt.Sprintf("step %d", i+1)), short(result.Elapsed[i]), clean(firstLine(s.SQL)))
		for _, line := range observedLines(s) {
			out.printf("    %s\n", clean(line))
		}
	}
	out.proof(result.Plan)
	return out.err
}

// observedLines says what a step was seen to do.
func observedLines(s schema.Step) []string {
	if !s.Observed {
		return []string{"not tried"}
	}
	var lines []string
	for _, l := range s.Locks {
		lines = append(lines, l.Lock+" on "+relationName(l.Relation)+"; "+blocks(l.Lock))
	}
	if s.Rewrite {
		lines = append(lines, "rewrites the table")
	}
	if s.Scan {
		lines = append(lines, "scans the table")
	}
	for _, id := range s.Builds {
		lines = append(lines, "builds "+titleOf(id))
	}
	if s.Lost > 0 {
		lines = append(lines, fmt.Sprintf("loses rows or values: %d of those made for the proof", s.Lost))
	}
	return lines
}

// proof prints how a plan was proven.
func (p *printer) proof(plan *schema.Plan) {
	if plan.Proof == nil {
		p.printf("\nNot proven: locks and rewrites are declared.\n")
		return
	}
	p.printf("\nProven on PostgreSQL %d with %s and %s.\n", plan.Server, count(plan.Proof.Objects, "object"), count(int(plan.Proof.Seeded), "row"))
	if n := len(plan.Proof.Empty); n > 0 {
		names := make([]string, n)
		for i, id := range plan.Proof.Empty {
			names[i] = relationName(id)
		}
		p.printf("  without rows, because none could be made: %s\n", clean(strings.Join(names, ", ")))
	}
	for _, o := range plan.Proof.Omitted {
		p.printf("  %s\n", clean(redact(o)))
	}
}
