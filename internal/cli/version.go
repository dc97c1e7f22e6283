package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

type versionOptions struct {
	json           bool
	planSchema     bool
	snapshotSchema bool
}

func newVersionCommand(env *Env) *cobra.Command {
	o := &versionOptions{}
	cmd := &cobra.Command{
		Use:   "version [flags]",
		Short: "Print the version, and what it works with",
		Long: `version prints the version of cairn, the versions of PostgreSQL that it works with
and the formats of the plan and snapshot files that it reads and writes.`,
		Example: `  cairn version
  cairn version --plan-schema > plan.schema.json
  cairn version --snapshot-schema > snapshot.schema.json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			return runVersion(env, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print it as JSON")
	cmd.Flags().BoolVar(&o.planSchema, "plan-schema", false, "print the JSON Schema of the plan file instead")
	cmd.Flags().BoolVar(&o.snapshotSchema, "snapshot-schema", false, "print the JSON Schema of the snapshot file instead")
	return cmd
}

func runVersion(env *Env, o *versionOptions) error {
	if o.planSchema && o.snapshotSchema {
		return hintf("give one of them", "--plan-schema and --snapshot-schema both say what to print")
	}
	if o.snapshotSchema {
		_, err := env.Out.Write(cairn.SnapshotSchema())
		return writing("the result", err)
	}
	if o.planSchema {
		_, err := env.Out.Write(cairn.PlanSchema())
		return writing("the result", err)
	}
	oldest, newest := cairn.SupportedVersions()
	if o.json {
		return printJSON(env, map[string]any{
			"version": env.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
			"plan_format": schema.PlanFormat, "snapshot_format": cairn.SnapshotFormat,
			"postgres": map[string]int{"oldest": oldest, "newest": newest},
		})
	}
	_, err := fmt.Fprintf(env.Out, "cairn %s\n%s %s/%s\nPostgreSQL %d to %d, plan format %d, snapshot format %d\n",
		env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, oldest, newest, schema.PlanFormat, cairn.SnapshotFormat)
	return writing("the result", err)
}
