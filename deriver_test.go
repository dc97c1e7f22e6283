package cairn

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/partial"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/internal/snapshot"
	"github.com/cairn-db/cairn/schema"
)

// deriver derives states of changed scripts and builds them too.
type deriver struct {
	t                *testing.T
	engine           *Engine
	major            int
	derived, refused int
	ran, whole       int // statements of those that were derived
	reasons          map[string]int
}

func newDeriver(t *testing.T, major int) *deriver {
	t.Helper()
	e := New(Options{CacheDir: server.DefaultCacheDir(os.Getenv), Getenv: func(name string) string {
		if strings.HasPrefix(name, "PG") {
			return ""
		}
		return os.Getenv(name)
	}})
	e.options.CacheDir = t.TempDir()
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &deriver{t: t, engine: e, major: major, reasons: map[string]int{}}
}

// recipe is that of a text, with the place of its state.
func (d *deriver) recipe(text string) (recipe, *slot) {
	d.t.Helper()
	c := recipe{reading: reading{scratch: Scratch{Version: d.major}}}
	var err error
	if c.script, err = load.Parse([]load.Source{{Name: "a.sql", Text: text}}, load.Options{CreateRoles: true}); err != nil {
		d.t.Fatal(err)
	}
	s, err := d.engine.newSlot(d.t.Context(), c)
	if err != nil {
		d.t.Fatal(err)
	}
	s.isNew = true
	return c, s
}

// build builds a text and returns the record of it.
func (d *deriver) build(text string) (partial.Record, *schema.State, error) {
	d.t.Helper()
	c, s := d.recipe(text)
	result, err := d.engine.buildUpon(d.t.Context(), c, s)
	if err != nil {
		return partial.Record{}, nil, err
	}
	if err := result.close(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	found, err := readEntry(s.dir, s.key, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	record, err := s.recalled(c.script.Pieces())
	return record, found.state, err
}

// try derives a text from another one that was built, and demands the state that
// building it gives. It reports whether it was derived.
func (d *deriver) try(from partial.Record, text string) bool {
	d.t.Helper()
	c, s := d.recipe(text)
	pieces := c.script.Pieces()
	got, err := d.engine.deriveFrom(d.t.Context(), s, c, from, pieces, len(pieces))
	if err != nil {
		d.refused++
		reason := err.Error()
		if i := strings.IndexAny(reason, ":\n"); i > 0 && !strings.Contains(reason, "acts") {
			reason = reason[:min(i+60, len(reason))]
		}
		d.reasons[reason]++
		return false
	}
	d.demandKept(s, got.kept)
	_, want, err := d.build(text)
	if want == nil {
		d.t.Errorf("what cannot be built was derived: %v", err)
		return false
	}
	d.derived++
	d.ran, d.whole = d.ran+got.ran, d.whole+len(pieces)
	if a, b := comparable(want), comparable(got.state); !bytes.Equal(a, b) {
		d.t.Errorf("the derived state is another one: %s", difference(want, got.state))
	}
	return true
}

// demandKept demands that a state is read from the cache as it was written there.
func (d *deriver) demandKept(s *slot, k kept) {
	d.t.Helper()
	d.engine.keep(s, k)
	again, err := readEntry(s.dir, s.key, nil)
	if err != nil || again.state == nil || !bytes.Equal(snapshot.Pack(k.state), snapshot.Pack(again.state)) || !slices.Equal(k.roles, again.roles) {
		d.t.Errorf("the state that was kept is another one: %v", err)
	}
}

// comparable is all of a state but what the server has had to do before.
func comparable(s *schema.State) []byte {
	bare := unsized(s)
	bare.Roles = nil
	return snapshot.Pack(bare)
}

func difference(want, got *schema.State) string {
	var lines []string
	for id, o := range want.Objects {
		if other := got.Objects[id]; other == nil {
			lines = append(lines, "lacks "+id.String())
		} else if a, b := fmt.Sprintf("%+v", *o), fmt.Sprintf("%+v", *other); a != b {
			lines = append(lines, "has "+b+", not "+a)
		}
	}
	for id := range got.Objects {
		if want.Objects[id] == nil {
			lines = append(lines, "has too much: "+id.String())
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (d *deriver) log(what string) {
	d.t.Logf("%s on %d: %d derived by running %d of %d statements, %d not", what, d.major, d.derived, d.ran, d.whole, d.refused)
	var reasons []string
	for reason, n := range d.reasons {
		reasons = append(reasons, fmt.Sprintf("%4d %s", n, reason))
	}
	slices.Sort(reasons)
	d.t.Log(strings.Join(reasons, "\n"))
	d.derived, d.refused, d.reasons = 0, 0, map[string]int{}
}
