package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Counts is what happened in all.
type Counts struct {
	Processes atomic.Int64 // of the program
	Scenarios atomic.Int64
	Missed    atomic.Int64 // the run ended before the point
	Late      atomic.Int64 // inside, and the server had answered
	Again     atomic.Int64 // runs after a fault
	Failed    atomic.Int64 // scenarios

	mu       sync.Mutex
	injected map[string]int
	commits  int
	lost     int
}

// inject counts a fault.
func (c *Counts) inject(f Fault, w When) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.injected == nil {
		c.injected = map[string]int{}
	}
	c.injected[string(f)+" "+string(w)]++
}

// work counts what a workload did.
func (c *Counts) work(w *Workload) {
	known, lost := w.Commits()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits += known
	c.lost += lost
}

// String is the table that is printed at the end.
func (c *Counts) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := 0
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(c.injected)) {
		total += c.injected[k]
		parts = append(parts, fmt.Sprintf("%s %d", k, c.injected[k]))
	}
	return fmt.Sprintf("%d scenarios, %d faults injected (%s), %d points not reached, %d statements done before the fault came, %d processes of the program, "+
		"%d runs after a fault, %d transactions of the workload and %d with a lost answer, %d failures",
		c.Scenarios.Load(), total, strings.Join(parts, ", "), c.Missed.Load(), c.Late.Load(), c.Processes.Load(), c.Again.Load(), c.commits, c.lost, c.Failed.Load())
}
