package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// exitNote is the annotation that lists a command's exit codes beside 0, 1 and
// 130, a line each.
const exitNote = "exit"

// printHelp writes the help of a command.
func printHelp(cmd *cobra.Command, _ []string) {
	w := cmd.OutOrStdout()
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(w, "%s\n\nUSAGE\n  %s\n", strings.TrimSpace(text), usageLine(cmd))
	printCommands(w, cmd)
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nEXAMPLES\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	if flags := cmd.LocalNonPersistentFlags(); flags.HasAvailableFlags() && cmd.HasParent() {
		fmt.Fprintf(w, "\nFLAGS\n%s", flags.FlagUsages())
	}
	fmt.Fprintf(w, "\nGLOBAL FLAGS\n%s", cmd.Root().PersistentFlags().FlagUsages())
	if acts(cmd) {
		fmt.Fprintf(w, "\nEXIT STATUS\n%s", exitStatus(cmd))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s COMMAND --help says more about a command.\n", cmd.CommandPath())
	}
	if !cmd.HasParent() {
		fmt.Fprint(w, "Every long flag can be given as a variable: CAIRN_DB for --db, CAIRN_LOCK_TIMEOUT\nfor --lock-timeout. A .env file in the working directory is read.\n")
	}
}

func usageLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() && !acts(cmd) {
		return cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}

// acts reports whether a command does something by itself, beside what its
// subcommands do.
func acts(cmd *cobra.Command) bool {
	_, noted := cmd.Annotations[exitNote]
	return cmd.HasParent() && cmd.Runnable() && (noted || !cmd.HasSubCommands())
}

func printCommands(w io.Writer, cmd *cobra.Command) {
	width := 0
	for _, c := range cmd.Commands() {
		width = max(width, len(c.Name()))
	}
	list := func(title, group string) {
		printed := false
		for _, c := range cmd.Commands() {
			if c.GroupID != group || !c.IsAvailableCommand() || c.Name() == "help" {
				continue
			}
			if !printed {
				fmt.Fprintf(w, "\n%s\n", title)
				printed = true
			}
			fmt.Fprintf(w, "  %-*s  %s\n", width, c.Name(), c.Short)
		}
	}
	for _, g := range cmd.Groups() {
		list(g.Title, g.ID)
	}
	list("COMMANDS", "")
}

func exitStatus(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString("  0    done, or nothing to do\n  1    error\n")
	for line := range strings.Lines(cmd.Annotations[exitNote]) {
		b.WriteString("  " + strings.TrimSpace(line) + "\n")
	}
	b.WriteString("  130  interrupted\n")
	return b.String()
}
