package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cairn-db/cairn/schema"
)

// reportEvery is how often a log has a line of a step that is running.
const reportEvery = 30 * time.Second

// reporter prints progress on stderr: for people one line that is rewritten in
// place, in a log a line at the start and at the end of each step, and some
// between.
type reporter struct {
	env  *Env
	live bool         // stderr is a terminal
	line string       // shown there now, without an end; "" for none
	text bytes.Buffer // that is not written yet

	begun    map[string]bool  // steps that were begun: a step is tried again
	step     string           // that runs: "[1/3] ALTER TABLE ..."
	told     time.Time        // when the log had the last line of it
	blockers []schema.Session // who was said to be in its way
}

// progress returns what prints the progress of steps, and of what takes long
// before them.
func progress(env *Env) *reporter {
	return &reporter{env: env, live: columns(env) > 0 && env.log == nil && env.Getenv("TERM") != "dumb", begun: map[string]bool{}}
}

// columns returns the width of the terminal that stderr is, 0 when it is none.
func columns(env *Env) int {
	if env.Columns == nil {
		return 0
	}
	return env.Columns()
}

// event prints an event.
func (r *reporter) event(e schema.Event) {
	switch e.Name {
	case schema.StepStart:
		r.begin(e)
	case schema.StepProgress:
		r.proceed(e)
	case schema.StepDone:
		r.print(cmp.Or(r.step, stepLine(e)) + "  " + short(e.Elapsed))
		r.step = ""
	case schema.Blocked:
		r.blockers = e.Sessions
		r.around(e)
	default:
		r.around(e)
	}
	if !e.More {
		r.flush()
	}
}

// flush writes what was printed. A line that cannot be written is no reason to stop.
func (r *reporter) flush() {
	if r.text.Len() > 0 {
		_, _ = r.env.Err.Write(r.text.Bytes())
		r.text.Reset()
	}
}

// end leaves the line of a step that did not end, so that what is printed next
// has its own.
func (r *reporter) end() {
	if r.line != "" {
		fmt.Fprintln(&r.text)
	}
	r.line = ""
	r.flush()
}

func (r *reporter) begin(e schema.Event) {
	r.step, r.told, r.blockers = stepLine(e), e.Time, nil
	switch {
	case r.live:
		r.show(r.step, "")
	case !r.begun[r.step]:
		r.print(r.step)
	}
	r.begun[r.step] = true
}

// proceed says how far the step is.
func (r *reporter) proceed(e schema.Event) {
	state := progressText(e.Progress)
	if e.Waited > 0 {
		state = waitingText(e.Waited, r.blockers)
	}
	switch {
	case r.live && r.step != "":
		r.show(r.step, behind("  ", e.Elapsed.Round(time.Second).String(), state))
	case !r.live && e.Time.Sub(r.told) >= reportEvery:
		r.told = e.Time
		r.print(fmt.Sprintf("[%d/%d] ", e.Step, e.Steps) + behind(": ", "running for "+e.Elapsed.Round(time.Second).String(), state))
	}
}

// show rewrites the line in place, as much of it as the terminal is wide.
func (r *reporter) show(step, state string) {
	r.line = fit(step, state, columns(r.env)-1)
	fmt.Fprint(&r.text, "\r"+r.line+"\x1b[K")
}

// print prints a line that stays.
func (r *reporter) print(line string) {
	if r.live {
		line = "\r" + line + "\x1b[K"
	}
	r.line = ""
	r.text.WriteString(line)
	r.text.WriteByte('\n')
}

// around prints what is not about how far a step is, above the line that is shown.
func (r *reporter) around(e schema.Event) {
	shown := r.line != ""
	if shown {
		fmt.Fprint(&r.text, "\r\x1b[K")
	}
	r.flush()
	background(r.env, e)
	if shown {
		r.show(r.step, "")
	}
}

// quiet prints progress only for people who wait for it.
func quiet(env *Env) func(schema.Event) {
	return func(e schema.Event) { background(env, e) }
}

// background prints what is not a step. Who is in the way is always worth a line.
func background(env *Env, e schema.Event) {
	if env.log != nil {
		env.log.Debug(e.Name, "message", e.Message, "elapsed", e.Elapsed)
		return
	}
	switch e.Name {
	case schema.Wait, schema.Blocked, schema.Terminated, schema.NotTerminated, schema.LongTransactions:
		fmt.Fprintln(env.Err, clean(e.Message))
	case schema.Unwatched:
	default:
		if e.Message != "" && env.Terminal {
			fmt.Fprintln(env.Err, firstLine(e.Message))
		}
	}
}

// stepLine names a step by its number and its statement.
func stepLine(e schema.Event) string {
	line := "[" + strconv.Itoa(e.Step) + "/" + strconv.Itoa(e.Steps) + "]"
	return behind(" ", line, clean(firstLine(e.Message)))
}

// behind puts the second text behind the first, where there are both.
func behind(separator, a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}

// progressText says how far a step is, "" when the server does not.
func progressText(p *schema.Progress) string {
	if p == nil {
		return ""
	}
	text := p.Phase
	switch {
	case p.Done >= 0 && p.Total > 0 && p.Unit == "bytes":
		text = behind(", ", text, fmt.Sprintf("%d%% (%s of %s)", percent(p), bytesText(p.Done), bytesText(p.Total)))
	case p.Done >= 0 && p.Total > 0:
		text = behind(", ", text, fmt.Sprintf("%d%% (%s of %s %s)", percent(p), grouped(p.Done), grouped(p.Total), p.Unit))
	case p.Total > 0 && p.Unit == "bytes":
		text = behind(", ", text, bytesText(p.Total))
	case p.Done > 0:
		text = behind(", ", text, grouped(p.Done)+" "+p.Unit)
	}
	if p.PID > 0 {
		text = behind(", ", text, fmt.Sprintf("for pid %d", p.PID))
	}
	return clean(text)
}

// percent rounds down: what is not done is no hundred.
func percent(p *schema.Progress) int64 { return min(int64(float64(p.Done)*100/float64(p.Total)), 100) }

// waitingText says that a step waits for a lock, and for whom.
func waitingText(waited time.Duration, blockers []schema.Session) string {
	text := "waits for a lock since " + waited.Round(time.Second).String()
	var names []string
	for _, b := range blockers {
		switch {
		case b.Prepared != "":
			names = append(names, "prepared transaction "+b.Prepared)
		case b.Application != "":
			names = append(names, fmt.Sprintf("pid %d (%s)", b.PID, b.Application))
		default:
			names = append(names, fmt.Sprintf("pid %d", b.PID))
		}
	}
	if len(names) > 0 {
		text += ", blocked by " + strings.Join(names, ", ")
	}
	return clean(text)
}

func firstLine(s string) string {
	line, _, more := strings.Cut(strings.TrimSpace(s), "\n")
	if len(line) > 120 {
		if runes := []rune(line); len(runes) > 120 {
			return string(runes[:117]) + "..."
		}
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
