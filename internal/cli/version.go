package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

type versionOptions struct {
	json       bool
	planSchema bool
}

func newVersionCommand(env *Env) *cobra.Command {
	o := &versionOptions{}
	cmd := &cobra.Command{
		Use:   "version [flags]",
		Short: "Print the version, and what it works with",
		Long: `version prints the version of cairn, the versions of PostgreSQL that it works with
and the format of the plan files that it reads and writes.`,
		Example: `  cairn version
  cairn version --plan-schema > plan.schema.json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			return runVersion(env, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print it as JSON")
	cmd.Flags().BoolVar(&o.planSchema, "plan-schema", false, "print the JSON Schema of the plan file instead")
	return cmd
}

func runVersion(env *Env, o *versionOptions) error {
	if o.planSchema {
		_, err := env.Out.Write(cairn.PlanSchema())
		return writing("the result", err)
	}
	oldest, newest := cairn.SupportedVersions()
	if o.json {
		return printJSON(env, map[string]any{
			"version": env.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
			"plan_format": schema.PlanFormat, "postgres": map[string]int{"oldest": oldest, "newest": newest},
		})
	}
	_, err := fmt.Fprintf(env.Out, "cairn %s\n%s %s/%s\nPostgreSQL %d to %d, plan format %d\n",
		env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, oldest, newest, schema.PlanFormat)
	return writing("the result", err)
}
