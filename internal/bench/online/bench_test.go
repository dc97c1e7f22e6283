package main

import (
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// The benchmark runs and reports; how long things take is not looked at.
func TestSmallRun(t *testing.T) {
	major := pgtest.Versions()[len(pgtest.Versions())-1]
	for _, only := range []string{"a nullable column", "detach a partition, with a long-running reader"} {
		report, err := run(t.Context(), config{rows: 2000, major: major, only: only, lockTimeout: 200 * time.Millisecond,
			quiet: 50 * time.Millisecond, reader: time.Second, log: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range report.Results {
			if r.Plain.Error != "" || r.Ours.Error != "" || len(r.Steps) == 0 || r.Ours.During.Statements == 0 {
				t.Errorf("%s: %+v", r.Change, r)
			}
			if !strings.Contains(report.markdown(), "| "+r.Change+" | ") {
				t.Errorf("the table has no line for %s", r.Change)
			}
		}
		if len(report.Results) == 0 {
			t.Errorf("nothing is called %q", only)
		}
	}
}

// A change that is missed is an error with the steps of the plan.
func TestMissed(t *testing.T) {
	slow := &result{Change: "slow", Steps: []string{"1: LOCK TABLE t"}}
	slow.Ours.During.Longest = 5 * time.Second
	broken := &result{Change: "broken"}
	broken.Ours.During = phase{Failed: 1, Errors: []string{"it is gone"}}
	fine := &result{Change: "fine"}
	err := (&report{LockTimeout: time.Second, Results: []*result{slow, broken, fine}}).missed()
	if err == nil || !strings.Contains(err.Error(), "LOCK TABLE") || !strings.Contains(err.Error(), "it is gone") || strings.Contains(err.Error(), "fine") {
		t.Errorf("missed says %v", err)
	}
	if err := (&report{Results: []*result{fine}}).missed(); err != nil {
		t.Error(err)
	}
}
