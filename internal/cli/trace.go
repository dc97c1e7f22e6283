package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

// writeRun prints what is known of a run beside its steps.
func writeRun(w io.Writer, r *cairn.RunDetail) {
	client := ""
	if r.Client != "" {
		client = ", from " + r.Client
	}
	fmt.Fprintf(w, "Run %d: %s, %d of %s done\n", r.ID, stateOf(r.Run), r.Done, count(r.Steps, "step"))
	fmt.Fprintf(w, "  plan     %s, cairn %s\n", r.Digest, clean(r.Program))
	fmt.Fprintf(w, "  by       role %s, %s%s\n", clean(r.Role), clean(r.Account), client)
	fmt.Fprintf(w, "  started  %s\n", stamp(r.Started))
	if r.Ended != nil {
		fmt.Fprintf(w, "  ended    %s, after %s\n", stamp(*r.Ended), took(r.Started, r.Ended))
	}
	if r.Error != "" {
		for i, line := range strings.Split(strings.TrimSpace(r.Error), "\n") {
			label := "error"
			if i > 0 {
				label = ""
			}
			fmt.Fprintf(w, "  %-8s %s\n", label, clean(line))
		}
	}
}

// writeLeft prints the statements of a run that are not done.
func writeLeft(w io.Writer, r *cairn.RunDetail, color bool) error {
	left := *r.Plan
	left.Steps = left.Steps[min(r.Done, len(left.Steps)):]
	out := &printer{w: w, paint: painter(color)}
	if len(left.Steps) > 0 {
		out.statements(&left)
	}
	return out.err
}

// writeTrace prints every statement of a run with what became of it.
func writeTrace(w io.Writer, r *cairn.RunDetail, color bool) error {
	out := &printer{w: w, paint: painter(color)}
	trace := map[int]schema.RunStep{}
	for _, s := range r.Trace {
		trace[s.Step] = s
	}
	for i, s := range r.Plan.Steps {
		line := "not run"
		if t, known := trace[i+1]; known {
			line = string(t.Outcome)
			if t.Ended != nil {
				line += " in " + took(t.Started, t.Ended)
			}
			if t.Tries > 1 {
				line += fmt.Sprintf(", in %d tries", t.Tries)
			}
			if t.Error != "" {
				line += ": " + clean(t.Error)
			}
		}
		out.printf("%s %s\n", out.paint(bold, fmt.Sprintf("[%d/%d]", i+1, r.Steps)), line)
		for text := range strings.Lines(terminated(s.SQL)) {
			out.printf("  %s\n", clean(strings.TrimRight(text, " \r\n")))
		}
	}
	return out.err
}
