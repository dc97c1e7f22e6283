package apply

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/schema"
)

// journalLimit is how long recording the end of a run may take after it was
// interrupted.
const journalLimit = 5 * time.Second

// findRun looks for a run of the plan that stopped. What it did stands in the
// journal, because the record of a step is committed with the step.
func (r *runner) findRun(ctx context.Context) error {
	var err error
	if r.version, err = r.journal.Version(ctx); err != nil || r.version == 0 {
		return err
	}
	open, err := r.journal.Open(ctx, r.plan.Digest)
	if err != nil || len(open) == 0 {
		return err
	}
	r.record = open[0]
	steps, err := r.journal.Steps(ctx, r.record.ID)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.Step != r.done+1 || s.Step > len(r.plan.Steps) {
			break
		}
		if s.Outcome != schema.OutcomeDone {
			r.doubt = s.Outcome == schema.OutcomeStarted
			break
		}
		r.done++
	}
	return nil
}

// resumed reports whether an earlier call of Run began the run.
func (r *runner) resumed() bool { return r.record.ID != 0 }

// begin records that steps are about to run.
func (r *runner) begin(ctx context.Context) error {
	if r.resumed() {
		r.event(schema.Event{Name: schema.Resume, Message: fmt.Sprintf("continuing run %d after %d of %d steps", r.record.ID, r.done, len(r.plan.Steps))})
		return r.journal.Continue(ctx, r.record.ID)
	}
	if err := r.journal.Prepare(ctx, r.version, r.options.LockTimeout); err != nil {
		return err
	}
	file, err := pack(func(w io.Writer) error { return plan.WriteCompact(w, r.plan) })
	if err != nil {
		return err
	}
	before, err := pack(func(w io.Writer) error { return json.NewEncoder(w).Encode(r.before) })
	if err != nil {
		return err
	}
	r.before = nil // the journal has it
	r.record = schema.Run{Digest: r.plan.Digest, From: r.plan.From, To: r.plan.To, Schemas: r.plan.Scope.Schemas, Steps: len(r.plan.Steps),
		Undoes: r.options.Undoes, Account: r.options.Account, Program: r.options.Program}
	r.record.ID, err = r.journal.Begin(ctx, r.record, file, before)
	return err
}

// Touched returns the objects that a plan names: those that are other ones at its
// end, and those of its steps.
func Touched(p *schema.Plan) map[string]bool {
	named := map[string]bool{}
	for _, pin := range p.Outcome {
		named[pin.Object] = true
	}
	for _, s := range p.Steps {
		for _, object := range append([]string{s.Object}, s.Also...) {
			named[object] = true
		}
	}
	return named
}

// stop records why a run ended before its end. What a stopped run left is said
// together with the error.
func (r *runner) stop(ctx context.Context, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
	defer cancel()
	state := schema.Failed
	if r.done > 0 || r.doubt {
		state = schema.Stopped
	}
	if !r.conn.IsClosed() {
		_ = r.journal.End(ctx, r.record.ID, state, why) // without this word, the journal shows a run that nobody is at work on
	}
	if state == schema.Failed && !r.conn.IsClosed() {
		return why
	}
	return &StoppedError{Run: r.record.ID, Done: r.done, Steps: len(r.plan.Steps), Err: why}
}

// finish records that every step ran. The pins, which are for the next verification
// of an open run, are left out of the plan that stays, where they are the most of it.
func (r *runner) finish(ctx context.Context, diverged error) error {
	if len(r.plan.Objects) < len(r.plan.Steps) {
		return r.journal.Finish(ctx, r.record, nil, diverged)
	}
	lean := *r.plan
	lean.Objects = nil
	if err := plan.Seal(&lean); err != nil {
		return err
	}
	file, err := pack(func(w io.Writer) error { return plan.WriteCompact(w, &lean) })
	if err != nil {
		return err
	}
	return r.journal.Finish(ctx, r.record, file, diverged)
}

// Stored is what the journal keeps of a run.
type Stored struct {
	Plan   *schema.Plan     // without the pins of its start once the run is done, unless they are few
	Before []*schema.Object // what the plan changes, as it was before; nil when it is no longer kept
}

// Unpack reads the files that the journal keeps of a run.
func Unpack(kinds *kind.Set, file, before []byte) (s Stored, err error) {
	err = unpack(file, func(r io.Reader) error {
		s.Plan, err = plan.Read(r)
		return err
	})
	if err != nil || before == nil {
		return s, err
	}
	if err := unpack(before, func(r io.Reader) error { return json.NewDecoder(r).Decode(&s.Before) }); err != nil {
		return s, fmt.Errorf("reading the journal: %w", err)
	}
	for _, o := range s.Before {
		k := kinds.Get(o.ID.Kind)
		if k == nil {
			return s, fmt.Errorf("reading the journal: another version of cairn wrote it: it has the kind %q", o.ID.Kind)
		}
		if err := k.Verify(o); err != nil {
			return s, fmt.Errorf("reading the journal: another version of cairn wrote it: %w", err)
		}
	}
	return s, nil
}

func pack(write func(io.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err == nil {
		err = write(z)
	}
	if err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compressing for the journal: %w", err)
	}
	return b.Bytes(), nil
}

func unpack(packed []byte, read func(io.Reader) error) error {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("reading the journal: %w", err)
	}
	return read(z)
}

// hash identifies the statement of a step in the journal.
func hash(s schema.Step) string {
	sum := sha256.Sum256([]byte(s.SQL))
	return hex.EncodeToString(sum[:])
}
