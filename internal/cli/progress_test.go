package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// In a log, a step has a line at its start and its end, and one every 30 seconds.
func TestProgressInLog(t *testing.T) {
	var errs bytes.Buffer
	r := progress(&Env{Err: &errs, Getenv: os.Getenv})
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds float64, e schema.Event) {
		e.Step, e.Steps, e.Elapsed = 1, 2, time.Duration(seconds*float64(time.Second))
		e.Time = start.Add(e.Elapsed)
		r.event(e)
	}
	index := "CREATE INDEX CONCURRENTLY i\nON t (a)"
	at(0, schema.Event{Name: schema.StepStart, Message: index})
	for s := 0.25; s <= 100; s += 0.25 {
		p := &schema.Progress{Phase: "building index: scanning table", Done: int64(s * 10), Total: 1234, Unit: "blocks"}
		switch {
		case s == 40:
			at(s, schema.Event{Name: schema.Blocked, Message: "step 1 waits for a lock, blocked by pid 7: user \x1bx", Sessions: []schema.Session{{PID: 7, Application: "psql"}}})
		case s > 80:
			p = &schema.Progress{Phase: "reading the table", Done: -1, Total: 210 << 20, Unit: "bytes"}
		}
		e := schema.Event{Name: schema.StepProgress, Progress: p}
		if s > 40 && s < 70 {
			e.Waited = time.Duration((s - 40) * float64(time.Second))
		}
		at(s, e)
	}
	at(100.25, schema.Event{Name: schema.Wait, Message: "gave up"})
	at(100.5, schema.Event{Name: schema.StepStart, Message: index})
	at(100.75, schema.Event{Name: schema.StepDone, Message: index})
	r.end()
	want := `[1/2] CREATE INDEX CONCURRENTLY i ...
[1/2] running for 30s: building index: scanning table, 24% (300 of 1,234 blocks)
step 1 waits for a lock, blocked by pid 7: user ` + "\ufffd" + `x
[1/2] running for 1m0s: waits for a lock since 20s, blocked by pid 7 (psql)
[1/2] running for 1m30s: reading the table, 210 MB
gave up
[1/2] CREATE INDEX CONCURRENTLY i ...  1m41s
`
	if d := cmp.Diff(want, errs.String()); d != "" {
		t.Error(d)
	}
}

// What does not fit into a terminal is cut, the statement first.
func TestProgressFits(t *testing.T) {
	const step, state = "[1/2] CREATE INDEX CONCURRENTLY loans_member ON loans (member)", "12s  building index"
	for columns, want := range map[int]string{
		200: step + "  " + state,
		70:  "[1/2] CREATE INDEX CONCURRENTLY loans_member O...  12s  building index",
		40:  "[1/2] CREATE INDEX CO...  12s  buildi...",
		2:   "..",
		0:   "",
	} {
		if got := fit(step, state, columns); got != want {
			t.Errorf("in %d columns it is %q", columns, got)
		}
	}
	if got := fit("[1/1] COMMENT ON TABLE t IS '蔵書の貸出'", "", 35); got != "[1/1] COMMENT ON TABLE t IS '蔵..." {
		t.Errorf("%q", got)
	}
}

// contested applies a new column while another session has a lock on the table,
// which goes when something of the output is seen.
func contested(t *testing.T, env *Env, out *writerFunc, until string, args ...string) (code int) {
	t.Helper()
	target := clusters.Database(t, slices.Max(pgtest.Versions()))
	pgtest.Exec(t, target, "CREATE TABLE books (id bigint)")
	file := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(file, []byte("CREATE TABLE books (id bigint, title text);"), 0o644); err != nil {
		t.Fatal(err)
	}
	other := pgtest.Connect(t, target)
	if _, err := other.PgConn().Exec(t.Context(), "SET application_name = 'psql'; BEGIN; LOCK TABLE books IN ACCESS SHARE MODE").ReadAll(); err != nil {
		t.Fatal(err)
	}
	write, said, released := *out, "", false
	*out = func(b []byte) (int, error) {
		if said += string(b); !released && strings.Contains(said, until) {
			released = true
			if _, err := other.Exec(context.Background(), "ROLLBACK"); err != nil {
				t.Error(err)
			}
		}
		return write(b)
	}
	env.In, env.Getenv, env.Now, env.Version = strings.NewReader(""), os.Getenv, time.Now, "1"
	return Main(t.Context(), env, append([]string{"apply", "-d", target, "--file", file, "--auto-approve", "--lock-timeout", "1m"}, args...))
}

// On a terminal one line is rewritten in place.
func TestProgressOnTerminal(t *testing.T) {
	var out, errs bytes.Buffer
	err := writerFunc(errs.Write)
	env := &Env{Out: &out, Err: writerFunc(func(b []byte) (int, error) { return err(b) }), Terminal: true, Columns: func() int { return 71 }}
	code := contested(t, env, &err, "waits for a lock since")
	if code != 0 || !strings.Contains(out.String(), "Applied 1 statement") {
		t.Fatalf("code %d, %s%s", code, out.String(), errs.String())
	}
	_, lines, _ := strings.Cut(errs.String(), "\r")
	const step, end = `\[1/1\] ALTER TABLE p\S*( \S+)*`, `\x1b\[K`
	said := ""
	for line := range strings.SplitSeq(lines, "\r") {
		known := false
		for name, pattern := range map[string]string{
			"shown":   "^" + step + "(  [0-9]+s)?" + end + "$",
			"waiting": "^" + step + `  [0-9]+s  waits for a lock since [0-9]+s, bl\S*( \S+)*` + end + "$",
			"blocked": "^" + end + "step 1 waits for a lock, blocked by pid [0-9]+: user postgres, application psql, idle in transaction for .*\n$",
			"done":    "^" + step + "  [0-9.]+m?s" + end + "\n$",
		} {
			if regexp.MustCompile(pattern).MatchString(line) {
				known = true
				if !strings.HasSuffix(said, name+" ") {
					said += name + " "
				}
			}
		}
		if !known || strings.Contains(line, "1/1") && wide(strings.TrimRight(strings.ReplaceAll(line, "\x1b[K", ""), "\n")) > 70 {
			t.Errorf("the line is %q", line)
		}
	}
	if said != "shown blocked shown waiting done " && said != "shown blocked shown waiting shown done " {
		t.Errorf("there was %s", said)
	}
}

// A step that fails leaves its line, and the error has its own.
func TestProgressOfFailure(t *testing.T) {
	target := clusters.Database(t, slices.Max(pgtest.Versions()))
	pgtest.Exec(t, target, "CREATE TABLE books (id integer); INSERT INTO books VALUES (0)")
	file := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(file, []byte("CREATE TABLE books (id integer); CREATE INDEX i ON books ((1 / id));"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := Main(t.Context(), &Env{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: os.Getenv, Now: time.Now,
		Columns: func() int { return 80 }}, []string{"apply", "-d", target, "--file", file, "--auto-approve"})
	if code != 1 || !strings.Contains(errs.String(), "\x1b[K\nerror: step 1 failed: ERROR: division by zero") {
		t.Errorf("code %d, %q", code, errs.String())
	}
}

// With --json each event is a line, in the order in which things happen, and the
// last is the result.
func TestEventsAsJSON(t *testing.T) {
	var out, errs bytes.Buffer
	write := writerFunc(out.Write)
	code := contested(t, &Env{Out: writerFunc(func(b []byte) (int, error) { return write(b) }), Err: &errs}, &write, `"event":"progress"`, "--json")
	if code != 0 {
		t.Fatalf("code %d, %s", code, errs.String())
	}
	var order []string
	var last map[string]any
	lines := bufio.NewScanner(&out)
	for lines.Scan() {
		last = nil
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		name := last["event"].(string)
		if _, err := time.Parse(time.RFC3339Nano, text(last["time"])); err != nil && name != "result" {
			t.Errorf("%v: %s", err, lines.Text())
		}
		if last["step"] == nil && name != "result" || name == "progress" {
			continue
		}
		order = append(order, name)
		if sessions, _ := last["sessions"].([]any); name == "blocked" && (len(sessions) != 1 || sessions[0].(map[string]any)["application"] != "psql") {
			t.Errorf("%s", lines.Text())
		}
	}
	if want := "step-start blocked step-done result"; strings.Join(order, " ") != want {
		t.Errorf("the events are %q", order)
	}
	if last["steps"] != 1.0 || last["longest_wait_ms"].(float64) <= 0 || last["elapsed_ms"].(float64) <= 0 || last["summary"] == nil {
		t.Errorf("the result is %v", last)
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
