package pgtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// finding returns the one with the code, and fails the test when there is none.
func finding(t *testing.T, findings []schema.Finding, code string) schema.Finding {
	t.Helper()
	at := slices.IndexFunc(findings, func(f schema.Finding) bool { return f.Code == code })
	if at < 0 {
		t.Fatalf("no finding is %s: %v", code, findings)
	}
	return findings[at]
}

// Large objects are named and left alone.
func TestLargeObjects(t *testing.T) {
	major := pgtest.Versions()[0]
	target := clusters.Load(t, major, "SELECT lo_create(0) FROM generate_series(1, 3)")
	request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: cairn.Empty}
	plan, err := pgtest.NewEngine(t).Plan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if f := finding(t, plan.Findings, "large-objects"); !strings.HasSuffix(f.Message, "(3)") || len(plan.Steps) > 0 {
		t.Errorf("%s, and %d steps", f.Message, len(plan.Steps))
	}
}
