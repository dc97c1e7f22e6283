package cairn

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/bench/schemas"
	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/partial"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest/generate"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/internal/snapshot"
	"github.com/cairn-db/cairn/schema"
)

var deriveFor = flag.Duration("derive", 0, "derive states of new random changes for this long")

// deriver derives states of changed scripts and builds them too.
type deriver struct {
	t                *testing.T
	engine           *Engine
	major            int
	derived, refused int
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
	content, err := s.dir.Get(s.key)
	if err != nil {
		d.t.Fatal(err)
	}
	_, state, err := readEntry(content)
	if err != nil {
		d.t.Fatal(err)
	}
	record, err := s.recalled(c.script.Pieces())
	return record, state, err
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
	_, want, err := d.build(text)
	if want == nil {
		d.t.Errorf("what cannot be built was derived: %v", err)
		return false
	}
	d.derived++
	if a, b := comparable(want), comparable(got.state); !bytes.Equal(a, b) {
		d.t.Errorf("the derived state is another one: %s", difference(want, got.state))
	}
	return true
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
	d.t.Logf("%s on %d: %d derived, %d not", what, d.major, d.derived, d.refused)
	var reasons []string
	for reason, n := range d.reasons {
		reasons = append(reasons, fmt.Sprintf("%4d %s", n, reason))
	}
	slices.Sort(reasons)
	d.t.Log(strings.Join(reasons, "\n"))
	d.derived, d.refused, d.reasons = 0, 0, map[string]int{}
}

// without is a script without one of its statements.
func without(t *testing.T, text string, n int) (string, string) {
	t.Helper()
	statements, err := pg.Split("a.sql", text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	n %= len(statements)
	for i, s := range statements {
		if i != n {
			b.WriteString(s.SQL + ";\n")
		}
	}
	return b.String(), statements[n].SQL
}

func versions(t *testing.T) []int {
	t.Helper()
	var list []int
	for _, v := range strings.Fields(os.Getenv("CAIRN_TEST_PG")) {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	if len(list) == 0 {
		return []int{14, 18}
	}
	return list
}

// rich is the museum as far as a version has it.
func rich(t *testing.T, major int) string {
	t.Helper()
	paths, err := filepath.Glob("internal/object/testdata/museum/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("CREATE ROLE museum_super SUPERUSER;\n")
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		if since, err := strconv.Atoi(name); err == nil && since > major {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		statements, err := pg.Split(path, string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			if !strings.Contains(strings.ToUpper(s.SQL), "EVENT TRIGGER") { // whatever they do is unknown
				b.WriteString(s.SQL + ";\n")
			}
		}
	}
	return b.String()
}

func TestDerivedSoak(t *testing.T) {
	if *deriveFor == 0 {
		t.Skip("SKIPPED: go test -run TestDerivedSoak -derive 10m . derives states of new changes")
	}
	for _, major := range versions(t) {
		d := newDeriver(t, major)
		seed := time.Now().Unix()
		random := rand.New(rand.NewPCG(uint64(seed), uint64(major)))
		t.Logf("seed %d", seed)
		end := time.Now().Add(*deriveFor / time.Duration(len(versions(t))))
		for time.Now().Before(end) && !t.Failed() {
			d.random(random)
		}
		d.log("soak")
	}
}

// random tries a random change of a random schema, there and back.
func (d *deriver) random(random *rand.Rand) {
	d.t.Helper()
	var a, b, what string
	switch random.IntN(3) {
	case 0:
		seed := random.Int64N(1 << 40)
		p := generate.Small(seed, d.major)
		a, b, what = p.From.SQL(), p.To.SQL(), fmt.Sprintf("generated %d", seed)
	case 1:
		a = rich(d.t, d.major)
		b, what = without(d.t, a, random.IntN(1<<30))
	default:
		a = schemas.SQL(schemas.Parameters{Tables: 60})
		b, what = without(d.t, a, random.IntN(1<<30))
	}
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		from, _, err := d.build(pair[0])
		if err != nil {
			d.reasons["from: "+strings.SplitN(err.Error(), "\n", 2)[0]]++
			return
		}
		d.try(from, pair[1])
		if d.t.Failed() {
			d.t.Logf("%s\n%s", what, "")
			return
		}
	}
}
