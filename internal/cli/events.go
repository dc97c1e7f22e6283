package cli

import (
	"encoding/json"
	"time"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

// progressEvery is how often an event says how far a step is that has not come
// to another phase.
const progressEvery = time.Second

// eventWriter writes events as lines of JSON to stdout.
type eventWriter struct {
	encoder *json.Encoder
	last    schema.Event // of progress
	err     error        // the first of writing
}

func newEventWriter(env *Env) *eventWriter {
	encoder := json.NewEncoder(env.Out)
	encoder.SetEscapeHTML(false)
	return &eventWriter{encoder: encoder}
}

// event writes an event.
func (w *eventWriter) event(e schema.Event) {
	if e.Name == schema.StepProgress {
		if e.Step == w.last.Step && phase(e) == phase(w.last) && e.Time.Sub(w.last.Time) < progressEvery {
			return
		}
		w.last = e
	}
	e.Message = redact(e.Message)
	w.line(e)
}

func phase(e schema.Event) string {
	if e.Progress == nil {
		return ""
	}
	return e.Progress.Phase
}

// line writes a value as a line.
func (w *eventWriter) line(v any) {
	if w.err == nil {
		w.err = w.encoder.Encode(v)
	}
}

// schema says which schema the events that follow are about.
func (w *eventWriter) schema(name string) {
	w.line(struct {
		Time  time.Time `json:"time"`
		Event string    `json:"event"`
		Name  string    `json:"schema"`
	}{time.Now(), "schema", name})
}

// outcome is what a run did, as the last line says it.
type outcome struct {
	*cairn.ApplyResult
	ElapsedMS     float64         `json:"elapsed_ms"`
	LongestWaitMS float64         `json:"longest_wait_ms"`
	Summary       *schema.Summary `json:"summary,omitempty"`
}

func newOutcome(r *cairn.ApplyResult) outcome {
	return outcome{ApplyResult: r, ElapsedMS: milliseconds(r.Elapsed), LongestWaitMS: milliseconds(r.LongestWait)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// result writes the last line.
func (w *eventWriter) result(r *cairn.ApplyResult, summary schema.Summary) error {
	o := newOutcome(r)
	o.Summary = &summary
	w.line(struct {
		Event string `json:"event"`
		outcome
	}{"result", o})
	return writing("the result", w.err)
}

// results writes the last line of a run on many schemas.
func (w *eventWriter) results(schemas map[string]*cairn.ApplyResult) error {
	all := map[string]outcome{}
	for name, r := range schemas {
		all[name] = newOutcome(r)
	}
	w.line(struct {
		Event   string             `json:"event"`
		Schemas map[string]outcome `json:"schemas"`
	}{"result", all})
	return writing("the result", w.err)
}
