package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// tolerance is what a statement may wait beyond lock_timeout.
const tolerance = 100 * time.Millisecond

// measurement is what the workload saw of one way to make a change.
type measurement struct {
	Quiet  phase         `json:"quiet"`  // before the change
	During phase         `json:"during"` // while it was made
	Took   time.Duration `json:"took"`   // with planning
	Error  string        `json:"error,omitempty"`
}

// result compares the two ways.
type result struct {
	Change string        `json:"change"`
	Plain  measurement   `json:"plain"`
	Ours   measurement   `json:"ours"`
	Apply  time.Duration `json:"apply"` // of the plan, without planning
	Tries  int           `json:"tries"` // those that did not get their locks
	Steps  []string      `json:"steps"` // of the plan, each with its transaction and its duration
}

// String is one line on the result.
func (r *result) String() string {
	return fmt.Sprintf("plain %s, ours %s in %s, quiet %s, failed %d and %d %s%s", short(r.Plain.During.Longest), short(r.Ours.During.Longest),
		short(r.Apply), short(r.noise()), r.Plain.During.Failed, r.Ours.During.Failed, r.Plain.Error, r.Ours.Error)
}

// noise is the longest statement while nothing was changed.
func (r *result) noise() time.Duration { return max(r.Plain.Quiet.Longest, r.Ours.Quiet.Longest) }

// report is a whole run.
type report struct {
	Version     string        `json:"version"`
	CPUs        int           `json:"cpus"`
	Rows        int           `json:"rows"`
	LockTimeout time.Duration `json:"lock_timeout"`
	Results     []*result     `json:"results"`
}

// markdown is the table for people.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "PostgreSQL %s, %d CPUs, %d rows, lock_timeout %s.\n\n", r.Version, r.CPUs, r.Rows, r.LockTimeout)
	b.WriteString("| change | no change: longest | plain: longest wait | ours: longest wait | ours: duration | tries without the lock | failed statements, plain / ours |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|\n")
	for _, x := range r.Results {
		plain := short(x.Plain.During.Longest)
		if x.Plain.Error != "" {
			plain += " (it failed)"
		}
		duration := short(x.Apply)
		if x.Ours.Error != "" {
			duration = "failed"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | %d / %d |\n", x.Change, short(x.noise()), plain,
			short(x.Ours.During.Longest), duration, x.Tries, x.Plain.During.Failed, x.Ours.During.Failed)
	}
	return b.String()
}

// missed returns an error that names every plan that kept a statement waiting
// too long, or made one fail.
func (r *report) missed() error {
	var problems []error
	for _, x := range r.Results {
		limit := r.LockTimeout + tolerance + x.noise()
		switch {
		case x.Ours.Error != "":
			problems = append(problems, fmt.Errorf("%s: the plan failed: %s", x.Change, x.Ours.Error))
		case x.Ours.During.Failed > 0:
			problems = append(problems, fmt.Errorf("%s: %d statements of the workload failed: %s", x.Change, x.Ours.During.Failed, x.Ours.During.Errors[0]))
		case x.Ours.During.Longest > limit:
			problems = append(problems, fmt.Errorf("%s: a statement waited %s, longer than %s: %s\n  %s", x.Change,
				short(x.Ours.During.Longest), short(limit), x.Ours.During.Statement, strings.Join(x.Steps, "\n  ")))
		}
	}
	return errors.Join(problems...)
}

func short(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
