package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

// The exit codes of every command.
const (
	exitDone        = 0
	exitError       = 1
	exitChanges     = 2
	exitStale       = 3
	exitRefused     = 4
	exitLock        = 5
	exitInterrupted = 130
)

// changesExist ends a command with the exit code for changes and no message.
type changesExist struct{}

// Error is never printed.
func (changesExist) Error() string { return "changes exist" }

// hintedError is an error with a hint.
type hintedError struct {
	err  error
	hint string
}

// Error is the text of the error itself.
func (e *hintedError) Error() string { return e.err.Error() }

// Unwrap returns the error without its hint.
func (e *hintedError) Unwrap() error { return e.err }

// Hint says what to do about it.
func (e *hintedError) Hint() string { return e.hint }

// hintf returns an error with a hint.
func hintf(hint, format string, args ...any) error {
	return &hintedError{err: fmt.Errorf(format, args...), hint: hint}
}

// report prints err and returns the exit code that belongs to it.
func report(ctx context.Context, env *Env, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, changesExist{}) {
		return exitChanges
	}
	code := exitCode(ctx, err)
	text, hint := describe(err)
	if code == exitInterrupted {
		text, hint = describeInterrupt(err, hint)
	}
	printError(env.Err, "error", redact(text)) // as a whole, because a secret can be on a line of its own
	if hint != "" {
		fmt.Fprintf(env.Err, "hint: %s\n", strings.Join(strings.Fields(hint), " "))
	}
	return code
}

func exitCode(ctx context.Context, err error) int {
	var stale *cairn.StaleError
	var other *cairn.TargetError
	var refused *cairn.RefusedError
	var denied *cairn.DeniedError
	var lock *cairn.LockError
	var step *cairn.StepError
	switch {
	case errors.As(err, &stale), errors.As(err, &other):
		return exitStale
	case errors.As(err, &refused), errors.As(err, &denied):
		return exitRefused
	case errors.As(err, &lock), errors.As(err, &step) && step.Late:
		return exitLock
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitError
}

// describeInterrupt says what an interrupt left.
func describeInterrupt(err error, hint string) (text, next string) {
	var stopped *cairn.StoppedError
	if !errors.As(err, &stopped) {
		return "interrupted", ""
	}
	return fmt.Sprintf("interrupted: run %d stopped after %d of %s", stopped.Run, stopped.Done, count(stopped.Steps, "step")), hint
}

// describe returns the text of an error and its hint.
func describe(err error) (text, hint string) {
	var stale *cairn.StaleError
	var refused *cairn.RefusedError
	switch {
	case errors.As(err, &stale):
		return describeStale(stale), stale.Hint()
	case errors.As(err, &refused):
		return describeRefused(refused), "add these --allow flags to permit them, or --allow-destructive to permit every such step"
	}
	var hinted interface{ Hint() string }
	for e := err; errors.As(e, &hinted); e = errors.Unwrap(e) {
		if hint = hinted.Hint(); hint != "" {
			break
		}
	}
	return err.Error(), hint
}

func describeStale(e *cairn.StaleError) string {
	what, _, _ := strings.Cut(e.Error(), "\n")
	lines := []string{
		what,
		"expected fingerprint  " + e.Expected,
		"actual fingerprint    " + e.Actual,
	}
	for _, c := range e.Changed {
		lines = append(lines, "changed: "+clean(describeChanged(c)))
	}
	return strings.Join(lines, "\n")
}

// describeChanged turns "column:public.users.nickname (added)" into
// "table public.users (column added: nickname)", and other objects into
// "view public.names (changed)".
func describeChanged(c string) string {
	at := strings.LastIndex(c, " (")
	kind, name, found := strings.Cut(c[:max(at, 0)], ":")
	if !found || strings.Contains(kind, " ") {
		return c
	}
	if dot := lastDot(name); kind == "column" && dot > 0 {
		verb := strings.TrimSuffix(c[at+2:], ")")
		return fmt.Sprintf("table %s (column %s: %s)", name[:dot], verb, name[dot+1:])
	}
	return titleOf(c[:at]) + c[at:]
}

// lastDot finds the dot before the last part of a qualified name.
func lastDot(name string) int {
	last, quoted := -1, false
	for i, r := range name {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '.' && !quoted:
			last = i
		}
	}
	return last
}

func describeRefused(e *cairn.RefusedError) string {
	what := "1 step can lose data and is not allowed"
	if len(e.Steps) != 1 {
		what = fmt.Sprintf("%d steps can lose data and are not allowed", len(e.Steps))
	}
	lines := []string{what}
	for _, step := range e.Steps {
		line := "--allow " + shellWord(step.Allowance()) + "  " + loss(step)
		if !slices.Contains(lines, clean(line)) {
			lines = append(lines, clean(line))
		}
	}
	return strings.Join(lines, "\n")
}

// loss says what a step can lose.
func loss(s schema.Step) string {
	if s.Why != "" {
		return s.Why
	}
	return s.Loses + " " + s.Object
}

// printError prints one line after the label and indents those that follow.
func printError(w io.Writer, label, text string) {
	lines := strings.Split(strings.TrimRight(text, "\n "), "\n")
	fmt.Fprintf(w, "%s: %s\n", label, strings.TrimSpace(lines[0]))
	for _, line := range lines[1:] {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !strings.HasPrefix(line, "  ") {
			line = "  " + line
		}
		fmt.Fprintln(w, strings.TrimRight(line, " \r"))
	}
}

// warn prints a warning, which changes no exit code.
func warn(env *Env, format string, args ...any) {
	printError(env.Err, "warning", fmt.Sprintf(format, args...))
}

// shellWord quotes a word for a shell when it needs it.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:/=,@%+", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// noSuchCommand refuses arguments of a command that only has subcommands.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	hint := fmt.Sprintf("%s --help lists the commands", cmd.CommandPath())
	if near := nearest(args[0], names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", cmd.CommandPath()+" "+near)
	}
	return hintf(hint, "unknown command %q", args[0])
}

// explainFlag adds a hint to an error of the flag parser.
func explainFlag(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	var unknown *pflag.NotExistError
	var value *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest(name, names); near != "" && unknown.GetSpecifiedShortnames() == "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
	case errors.As(err, &value):
		return hintf(hint, "flag --%s needs a value", value.GetFlag().Name)
	}
	return &hintedError{err: err, hint: hint}
}

// nearest returns the candidate that a misspelt word is closest to, or "" when
// none is close.
func nearest(word string, candidates []string) string {
	best, distance := "", 0
	candidates = slices.Sorted(slices.Values(candidates))
	for _, c := range candidates {
		d := editDistance(strings.ToLower(word), strings.ToLower(c))
		if best == "" || d < distance {
			best, distance = c, d
		}
	}
	if best == "" || distance > max(1, (len(word)+1)/3) {
		for _, c := range candidates {
			if len(word) >= 3 && (strings.HasPrefix(c, word) || strings.HasPrefix(word, c)) {
				return c
			}
		}
		return ""
	}
	return best
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours.
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
