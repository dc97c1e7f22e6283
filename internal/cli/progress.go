package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/cairn-db/cairn/schema"
)

// progress prints a line on stderr for each step, and for what takes long
// before it.
func progress(env *Env) func(schema.Event) {
	return func(e schema.Event) {
		switch e.Name {
		case "step-start":
			if env.Terminal {
				fmt.Fprintf(env.Err, "[%d/%d] %s\n", e.Step, e.Steps, firstLine(e.Message))
			}
		case "step-done":
			line := fmt.Sprintf("[%d/%d] done in %s", e.Step, e.Steps, short(e.Elapsed))
			if !env.Terminal && e.Message != "" {
				line = fmt.Sprintf("[%d/%d] %s  %s", e.Step, e.Steps, firstLine(e.Message), short(e.Elapsed))
			}
			fmt.Fprintln(env.Err, line)
		default:
			background(env, e)
		}
	}
}

// quiet prints progress only for people who wait for it.
func quiet(env *Env) func(schema.Event) {
	return func(e schema.Event) { background(env, e) }
}

// background prints what is not a step. A wait is always worth a line.
func background(env *Env, e schema.Event) {
	if env.log != nil {
		env.log.Debug(e.Name, "message", e.Message, "elapsed", e.Elapsed)
		return
	}
	if e.Message != "" && (env.Terminal || e.Name == "wait") {
		fmt.Fprintln(env.Err, firstLine(e.Message))
	}
}

func firstLine(s string) string {
	line, _, more := strings.Cut(strings.TrimSpace(s), "\n")
	if runes := []rune(line); len(runes) > 120 {
		return string(runes[:117]) + "..."
	}
	if more {
		return line + " ..."
	}
	return line
}

// short prints a duration with two or three digits.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "1ms"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// count prints a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
