package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

// toStdout is the name of an output that means standard output.
const toStdout = "stdout"

type planOptions struct {
	connection connectionOptions
	selection  selectionOptions
	proof      proofOptions
	file       string
	human      string
	json       string
	sql        string
	jsonOut    bool
	exitCode   bool
	onlySafe   bool
}

func newPlanCommand(env *Env) *cobra.Command {
	o := &planOptions{}
	cmd := &cobra.Command{
		Use:   "plan [flags]",
		Short: "Show what makes the target look like the desired state",
		Long: `plan compares the target with the desired state and shows the statements that lead
from one to the other: what each of them locks, whether it rewrites or scans a
table, and what it can lose. It changes nothing on the target, and runs the
statements on a throw-away copy of what they touch to see what they do.

The desired state is a .sql file, a directory of them, - for standard input, a
connection URL, snapshot:FILE or env:NAME. Without --file it is the schema of cairn.yaml.`,
		Example: `  cairn plan -d app --file schema.sql
  cairn plan --env production --output-json plan.json --output-human stdout
  cairn plan -d app --file schema/ --output-sql change.sql
  cairn plan -d app --file schema/ --exit-code
  cairn plan --env production --only-safe`,
		Args: noArguments,
		Annotations: map[string]string{exitNote: "2    there are changes (only with --exit-code)\n" +
			"4    hazards in cairn.yaml denies a step; the plan is written all the same"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runPlan(cmd.Context(), env, cmd, o)
		},
	}
	o.connection.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "desired `state`: a .sql file, a directory, -, a URL or snapshot:FILE")
	flags.StringVar(&o.human, "output-human", "", "write the plan for people to this `file`, or stdout (the default)")
	flags.StringVar(&o.json, "output-json", "", "write the plan that apply takes to this `file`, or stdout")
	flags.StringVar(&o.sql, "output-sql", "", "write the statements to this `file`, or stdout")
	flags.BoolVar(&o.jsonOut, "json", false, "the same as --output-json stdout")
	flags.BoolVar(&o.exitCode, "exit-code", false, "exit with 2 when there are changes")
	o.selection.addOffline(cmd)
	o.proof.add(flags)
	flags.BoolVar(&o.onlySafe, "only-safe", false, "leave out what is dangerous, loses data or is denied, and list it")
	o.selection.add(cmd)
	return cmd
}

func runPlan(ctx context.Context, env *Env, cmd *cobra.Command, o *planOptions) error {
	if err := o.checkOutputs(); err != nil {
		return err
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	request, _, err := planRequest(env, c, cmd, &o.connection, &o.selection, o.file)
	if err != nil {
		return err
	}
	if request.Prove, err = o.proof.request(); err != nil {
		return err
	}
	request.OnlySafe = o.onlySafe
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		if forMany(request) {
			return o.planMany(ctx, env, engine, request)
		}
		p, err := planDecided(ctx, env, c, engine, request)
		if err != nil {
			return err
		}
		if err := o.write(env, p); err != nil {
			return err
		}
		if err := request.Policy.Check(p); err != nil {
			return err
		}
		if o.exitCode && hasChanges(p) {
			return changesExist{}
		}
		return nil
	})
}

// planRequest builds the request of plan, of apply --file and of doctor.
func planRequest(env *Env, c *config, cmd *cobra.Command, target *connectionOptions, s *selectionOptions, file string) (cairn.PlanRequest, environment, error) {
	connection, chosen, err := target.resolve(env, c, cmd)
	if err != nil {
		return cairn.PlanRequest{}, chosen, err
	}
	want, err := desired(env, c, file)
	return cairn.PlanRequest{
		Target: connection, Desired: want, Selection: s.selection(c), Scratch: s.scratch(c), Offline: s.offline, Policy: c.policy(chosen),
	}, chosen, err
}

// checkOutputs fills in the defaults and refuses two outputs in one place.
func (o *planOptions) checkOutputs() error {
	if o.jsonOut {
		if o.json != "" && o.json != toStdout {
			return hintf("leave one of them out", "--json and --output-json %s both say where the JSON form goes", o.json)
		}
		o.json = toStdout
	}
	if o.human == "" && o.json == "" && o.sql == "" {
		o.human = toStdout
	}
	places := map[string]string{}
	for _, output := range [][2]string{{"--output-human", o.human}, {"--output-json", o.json}, {"--output-sql", o.sql}} {
		flag, place := output[0], output[1]
		if place == "" {
			continue
		}
		if other, taken := places[place]; taken {
			return hintf("send one of them to a file of its own", "%s and %s both write to %s", other, flag, place)
		}
		places[place] = flag
	}
	return nil
}

// write writes the forms that were asked for.
func (o *planOptions) write(env *Env, p *schema.Plan) error {
	for _, form := range []struct {
		place string
		write func(io.Writer) error
	}{
		{o.json, func(w io.Writer) error { return cairn.WritePlan(w, p) }},
		{o.sql, func(w io.Writer) error { return writeSQL(w, p) }},
		{o.human, func(w io.Writer) error { return writeHuman(w, p, env.Color && o.human == toStdout) }},
	} {
		if form.place == "" {
			continue
		}
		if err := writeOutput(env, form.place, form.write); err != nil {
			return err
		}
	}
	return nil
}

// hasChanges reports whether there is anything to run.
func hasChanges(p *schema.Plan) bool { return len(p.Steps) > 0 }

// noArguments refuses every argument.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return hintf(cmd.CommandPath()+" --help shows how it is used", "%s takes no argument, and %q is one", cmd.CommandPath(), args[0])
}
