package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
)

func newCacheCommand(env *Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "cache [flags]",
		Short: "Show where states are kept, or remove them",
		Long: `cache shows where the states are that SQL files have built and that plans have read
of targets, and how large they are. A plan takes the state of files from there when
their content was built before on the same server, and that of the target when its
catalogs have not changed. What was not used for longest goes by itself; --no-cache
does without.`,
		Example: `  cairn cache
  cairn cache clear`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withEngine(cmd.Context(), env, nil, func(engine *cairn.Engine) error {
				usage, err := engine.Cache()
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(env, usage)
				}
				_, err = fmt.Fprintf(env.Out, "%s: %s, %s of %s\n", clean(usage.Path), count(usage.Entries, "file"), bytesText(usage.Bytes), bytesText(usage.Limit))
				return writing("the result", err)
			})
		},
		Annotations: map[string]string{exitNote: ""},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	cmd.AddCommand(newCacheClearCommand(env))
	return cmd
}

func newCacheClearCommand(env *Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "clear [flags]",
		Short:   "Remove all cached states",
		Long:    "clear removes all cached states. The next plan of each builds or reads it again. Fetched servers stay.",
		Example: "  cairn cache clear",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withEngine(cmd.Context(), env, nil, func(engine *cairn.Engine) error {
				removed, err := engine.ClearCache()
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(env, removed)
				}
				_, err = fmt.Fprintf(env.Out, "Removed %s, %s.\n", count(removed.Entries, "file"), bytesText(removed.Bytes))
				return writing("the result", err)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was removed as JSON")
	return cmd
}
