package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

const commandsPage = "../../docs/commands.md"

// TestCommandsPage compares the page with the help of every command; -update
// writes it anew.
func TestCommandsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Commands\n\nThis page is made from the help of the program: `make docs`.\n")
	writePage(&b, newRootCommand(&Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }, Now: time.Now}))
	if *update {
		if err := os.WriteFile(commandsPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(commandsPage)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("docs/commands.md is not up to date, run make docs:\n%s", d)
	}
}

func writePage(b *strings.Builder, cmd *cobra.Command) {
	var help bytes.Buffer
	cmd.SetOut(&help)
	cmd.InitDefaultHelpFlag()
	printHelp(cmd, nil)
	fmt.Fprintf(b, "\n## %s\n\n```\n%s```\n", cmd.CommandPath(), help.String())
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			writePage(b, c)
		}
	}
}
