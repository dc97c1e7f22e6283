package chaos

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// mostRuns is how often a command is run again after one fault.
const mostRuns = 3

// Run runs a scenario and demands that the command, run again, ends where the
// plan leads, with every row that was committed.
func (h *Harness) Run(t testing.TB, s Scenario) {
	t.Helper()
	h.Counts.Scenarios.Add(1)
	p := h.plan(t, s.Case)
	h.Fresh(t)
	workload := StartWorkload(context.Background(), h.url)
	stopped := false
	defer func() {
		if !stopped {
			_ = workload.Stop() // the test has failed already
		}
	}()
	results := h.withFault(t, s, h.command(p, s.File))
	if r := results[0]; strings.Contains(r.Said, "nothing was changed") && h.dump(t) != h.base {
		t.Errorf("something was changed, and the program says otherwise:\n%s", r)
	}
	results = h.untilDone(t, results, h.command(p, s.File))
	for _, r := range results {
		if strings.Contains(r.Said, "panic: ") {
			t.Errorf("the program has panicked:\n%s", r)
		}
	}
	last := results[len(results)-1]
	if again := h.any(t, h.command(p, s.File)...); again.Exit != 0 || !nothing(again.Out) {
		t.Errorf("run after it was done, it does not say that there is nothing to do:\n%s", again)
	}
	stopped = true
	if err := workload.Stop(); err != nil {
		t.Errorf("the workload failed: %v", err)
	}
	h.Counts.work(workload)
	h.notes(t)
	if last.Exit == 0 {
		h.check(t, p, workload, s.File)
	}
	if t.Failed() {
		t.Errorf("%s", lines(results))
	}
}

// nothing reports whether the program says that there was nothing to do.
func nothing(out string) bool {
	return strings.Contains(out, "Nothing to do") || strings.Contains(out, "No changes")
}

// command returns the arguments of the command that is run again and again.
func (h *Harness) command(p planned, file bool) []string {
	args := []string{"apply", "-d", h.target("postgres"), "--auto-approve", "--allow-destructive"}
	if file {
		return append(args, "--file", "snapshot:"+p.snapshot, "--no-prove")
	}
	return append(args, "--plan", p.plan)
}

// withFault runs the command with the trap of the scenario.
func (h *Harness) withFault(t testing.TB, s Scenario, args []string) []Result {
	t.Helper()
	var process *Process
	started := make(chan struct{})
	trap := h.trap(s, func() *Process { <-started; return process })
	h.Proxy.Arm(trap)
	defer h.Proxy.Arm(nil)
	h.Counts.Processes.Add(1)
	process, err := h.Program.Start(args...)
	close(started)
	if err != nil {
		t.Fatal(err)
	}
	result, err := process.Wait(limit)
	if err != nil {
		t.Fatal(err)
	}
	reached, late, _ := trap.Finish()
	switch {
	case !reached:
		h.Counts.Missed.Add(1)
		if s.Point.Number == 0 {
			t.Errorf("the run ended before its fault:\n%s", result)
		}
	default:
		h.Counts.inject(s.Fault, s.Point.When)
	}
	if late {
		h.Counts.Late.Add(1)
	}
	return []Result{result}
}

// untilDone runs the command again until it succeeds.
func (h *Harness) untilDone(t testing.TB, results []Result, args []string) []Result {
	t.Helper()
	for range mostRuns {
		if results[len(results)-1].Exit == 0 {
			return results
		}
		h.Counts.Again.Add(1)
		results = append(results, h.any(t, args...))
	}
	if results[len(results)-1].Exit != 0 {
		t.Errorf("%d more runs did not end it", mostRuns)
	}
	return results
}

// Everything returns every scenario of the changes: each request of the session
// that runs the steps, each moment, and each of a kill, a cut and a restart. How
// the cut is noticed, by which command, and what the server does meanwhile is
// chosen by chance.
func (h *Harness) Everything(t testing.TB, random *rand.Rand) []Scenario {
	t.Helper()
	var all []Scenario
	for _, name := range Cases {
		for number := range h.requests(t, name) {
			for _, when := range []When{Before, Inside, After} {
				for _, f := range []Fault{Kill, Cut, Restart} {
					if f == Cut {
						f = []Fault{Cut, CutClient, CutServer}[random.IntN(3)]
					}
					all = append(all, Scenario{Case: name, File: random.IntN(4) == 0, Fault: f, Point: Point{Number: number + 1, When: when},
						Waiting: random.IntN(2) == 0, Delay: time.Duration(max(0, random.IntN(3000)-2000)) * time.Microsecond})
				}
			}
		}
	}
	return all
}

// requests returns how many requests the session that runs the steps sends when
// nothing goes wrong.
func (h *Harness) requests(t testing.TB, name string) int {
	t.Helper()
	p := h.plan(t, name)
	h.Fresh(t)
	h.Proxy.Arm(nil)
	h.run(t, 0, h.command(p, false)...)
	return h.Proxy.Requests()
}
