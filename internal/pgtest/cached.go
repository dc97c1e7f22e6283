package pgtest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

// Cached plans without the cache, with it and with what is in it by then, and
// demands the same plans each time. The last time so many states have to come from
// the cache, and so many shadows are filled, -1 for any number. The desired state has to be one that
// no test before has used.
func Cached(t *testing.T, request cairn.PlanRequest, taken, filled int) {
	t.Helper()
	without := request
	without.Scratch.NoCache = true
	want, events := planTexts(t, without)
	if events["build"] != 1 || events["cache"] != 0 {
		t.Errorf("without the cache: %v", events)
	}
	for _, step := range []struct {
		name          string
		filled, taken int
	}{{"first", 1, 0}, {"second", filled, taken}} {
		got, events := planTexts(t, request)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the %s plan differs (-without the cache +with it):\n%s", step.name, diff)
		}
		if step.filled >= 0 && events["build"] != step.filled || events["cache"] != step.taken {
			t.Errorf("the %s plan filled %d shadows and took %d states from the cache", step.name, events["build"], events["cache"])
		}
	}
}

// Derived plans without the cache, and with one in which there is the state of
// another file only, and demands the same plans and that the state is derived.
func Derived(t *testing.T, request cairn.PlanRequest, before string) {
	t.Helper()
	without, first := request, request
	without.Scratch.NoCache, first.Desired = true, before
	want, _ := planTexts(t, without)
	if _, events := planTexts(t, first); events["build"] != 1 || events["derive"] != 0 {
		t.Errorf("the state before: %v", events)
	}
	got, events := planTexts(t, request)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the plan differs (-built +derived):\n%s", diff)
	}
	if events["derive"] != 1 || events["build"] != 0 {
		t.Errorf("the changed state: %v", events)
	}
}

// planTexts returns the plans of a request as text, without when they were made, and
// how often each event was told.
func planTexts(t *testing.T, request cairn.PlanRequest) (string, map[string]int) {
	t.Helper()
	events := map[string]int{}
	engine := NewListeningEngine(t, func(e schema.Event) { events[e.Name]++ })
	var plans []cairn.SchemaPlan
	var err error
	if s := request.Selection.Schemas; len(s) == 1 && cairn.IsPattern(s[0]) {
		plans, err = engine.PlanEach(t.Context(), request)
	} else {
		var plan *schema.Plan
		plan, err = engine.Plan(t.Context(), request)
		plans = append(plans, cairn.SchemaPlan{Plan: plan})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		p.Plan.Created, p.Plan.Digest = time.Time{}, ""
	}
	text, err := json.MarshalIndent(plans, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text), events
}
