package pgtest_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// The plans of many schemas are applied one after the other. What others do to a
// schema while one before it is changed is noticed before its own steps, and what
// they do after that at its end.
func TestApplyEach(t *testing.T) {
	for _, test := range []struct {
		name  string
		event bool // the change is made while the first schema is changed, and otherwise right before the third
		sql   string
		done  []string
		stale bool
		fails string
	}{
		{name: "undisturbed", done: []string{"t_1", "t_2", "t_3"}},
		{name: "the third is changed early", event: true, sql: "ALTER TABLE t_3.a ADD d integer", done: []string{"t_1", "t_2"}, stale: true, fails: "t_3.a.d"},
		{name: "another one is changed early", event: true, sql: "CREATE TABLE other.b ()", done: []string{"t_1", "t_2", "t_3"}},
		{name: "the third is changed late", sql: "ALTER TABLE t_3.a ADD d integer", done: []string{"t_1", "t_2"}, fails: "t_3.a.d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			major := slices.Max(pgtest.Versions())
			url := clusters.Load(t, major, "CREATE SCHEMA other; CREATE SCHEMA t_1; CREATE SCHEMA t_2; CREATE SCHEMA t_3; "+
				"CREATE TABLE t_1.a (b integer); CREATE TABLE t_2.a (b integer); CREATE TABLE t_3.a (b integer)")
			conn := pgtest.Connect(t, url)
			change := func() {
				if _, err := conn.Exec(t.Context(), test.sql); err != nil {
					t.Error(err)
				}
				test.sql = ""
			}
			engine := cairn.New(cairn.Options{Getenv: os.Getenv, CacheDir: pgtest.ServerOptions().CacheDir, Events: func(e schema.Event) {
				if e.Name == schema.StepStart && test.event && test.sql != "" {
					change()
				}
			}})
			defer func() {
				if err := engine.Close(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			}()
			target := cairn.Connection{Database: url}
			plans, err := engine.PlanEach(t.Context(), cairn.PlanRequest{Target: target, Desired: desiredFile(t, "CREATE TABLE a (b integer, c text)"),
				Selection: cairn.Selection{Schemas: []string{"t_*"}}, Prove: cairn.NoProof, Scratch: cairn.Scratch{NoCache: true}})
			if err != nil {
				t.Fatal(err)
			}
			results, err := engine.ApplyEach(t.Context(), cairn.ApplyRequest{Target: target}, plans, func(p cairn.SchemaPlan) {
				if p.Schema == "t_3" && !test.event && test.sql != "" {
					change()
				}
			})
			var done []string
			for i, r := range results {
				if done = append(done, plans[i].Schema); r.Fingerprint != plans[i].Plan.To || r.Run == 0 || r.Steps == 0 || r.Elapsed <= 0 {
					t.Errorf("the result of %s is %+v", plans[i].Schema, r)
				}
			}
			var stale *cairn.StaleError
			if !slices.Equal(done, test.done) || errors.As(err, &stale) != test.stale || (err == nil) != (test.fails == "") {
				t.Fatalf("applied %q: %v", done, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("the error does not name %s: %v", test.fails, err)
			}
			runs, err := engine.History(t.Context(), target, 0)
			if err != nil {
				t.Fatal(err)
			}
			want := len(done)
			if test.fails != "" && !test.stale {
				want++ // the run that came to its end and led elsewhere
			}
			if len(runs) != want || slices.ContainsFunc(runs, func(r schema.Run) bool { return r.State != schema.Done }) {
				t.Errorf("the journal has %+v", runs)
			}
		})
	}
}
