package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
)

type doctorOptions struct {
	connection connectionOptions
	selection  selectionOptions
	file       string
	json       bool
}

func newDoctorCommand(env *Env) *cobra.Command {
	o := &doctorOptions{}
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "Check that the target and the shadow can be used",
		Long: `doctor checks what plan and apply need: the connection, the version of the server,
the rights of the user, and a place to load SQL files. It changes nothing.`,
		Example: `  cairn doctor -d app
  cairn doctor --env production --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctor(cmd.Context(), env, cmd, o)
		},
	}
	o.connection.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "desired `state` to check as well (default: the schema of cairn.yaml)")
	flags.BoolVar(&o.json, "json", false, "print the checks as JSON")
	o.selection.addScratch(cmd)
	return cmd
}

func runDoctor(ctx context.Context, env *Env, cmd *cobra.Command, o *doctorOptions) error {
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	target, _, err := o.connection.resolve(env, c, cmd)
	if err != nil {
		return err
	}
	request := cairn.PlanRequest{Target: target, Selection: o.selection.selection(c), Scratch: o.selection.scratch(c)}
	if o.file != "" || c.schema != "" {
		if request.Desired, err = desired(env, c, o.file); err != nil {
			return err
		}
	}
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		checks := engine.Doctor(ctx, request)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.print(env, checks); err != nil {
			return err
		}
		failed := 0
		for _, check := range checks {
			if !check.OK {
				failed++
			}
		}
		if failed > 0 {
			return fmt.Errorf("%d of %s failed", failed, count(len(checks), "check"))
		}
		return nil
	})
}

func (o *doctorOptions) print(env *Env, checks []cairn.Check) error {
	if o.json {
		if checks == nil {
			checks = []cairn.Check{}
		}
		return printJSON(env, checks)
	}
	return writeOutput(env, toStdout, func(w io.Writer) error {
		width := 0
		for _, check := range checks {
			width = max(width, len(check.Name))
		}
		paint := painter(env.Color)
		for _, check := range checks {
			mark := paint(green, "ok  ")
			if !check.OK {
				mark = paint(red, "FAIL")
			}
			fmt.Fprintf(w, "%s  %-*s  %s\n", mark, width, check.Name, firstLine(redact(check.Message)))
			if check.Hint != "" && !check.OK {
				fmt.Fprintf(w, "      %-*s  hint: %s\n", width, "", redact(check.Hint))
			}
		}
		return nil
	})
}
