package generate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/internal/pgtest/generate"
	"github.com/cairn-db/cairn/schema"
)

// Of generated pairs, the reverse of the plan leads back, the safe part applies by
// itself, and the whole plan afterwards leads to the desired state.
func TestSafePairs(t *testing.T) {
	if *soak > 0 {
		t.Skip("SKIPPED: TestSoak runs instead")
	}
	first, last := int64(1), int64(fixedSeeds)
	if *seed != 0 {
		first, last = *seed, *seed
	}
	for _, major := range pgtest.Versions() {
		prepare(t, major)
		for s := first; s <= last; s++ {
			t.Run(fmt.Sprintf("%d/%d", major, s), func(t *testing.T) {
				p := generate.New(s, major)
				safely(t, major, p.From.SQL(), p.To.SQL())
			})
		}
	}
}

func safely(t *testing.T, major int, from, to string) {
	engine, target := pgtest.NewEngine(t), clusters.Load(t, major, from)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "state.sql")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: file(to), Selection: everything,
		Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}}
	whole := pgtest.Apply(t, engine, request)
	if whole.Reverse == nil {
		return // the pair is no change
	}
	conn := pgtest.Connect(t, target)
	for _, s := range whole.Reverse.Steps {
		if _, err := conn.Exec(t.Context(), s.SQL); err != nil {
			t.Fatalf("the way back: %v\n%s\nof:\n%s", err, s.SQL, statements(whole.Reverse.Steps))
		}
	}
	request.Desired = file(from)
	start, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if len(start.Steps) > 0 {
		t.Errorf("the way back leads elsewhere; from there to the start:\n%s", statements(start.Steps))
	}
	request.Desired, request.OnlySafe = file(to), true
	safe, err := engine.Plan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Apply(t.Context(), cairn.ApplyRequest{Target: request.Target, Plan: safe}); err != nil {
		t.Fatalf("the safe part: %v\n%s\nleft out:\n%s", err, statements(safe.Steps), findings(safe.Findings))
	}
	request.OnlySafe = false
	pgtest.ApplyWhole(t, engine, request)
}

func statements(steps []schema.Step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(s.SQL + ";\n")
	}
	return b.String()
}

func findings(list []schema.Finding) string {
	var b strings.Builder
	for _, f := range list {
		if f.Code == "left-out" {
			b.WriteString(f.Object + " " + f.Message + "\n")
		}
	}
	return b.String()
}
