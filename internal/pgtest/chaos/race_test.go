package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// racers is how many processes race, and raced how many plans in each run of the
// tests; a soak runs more.
const (
	racers    = 8
	raced     = 16
	racedMost = 200
)

// race is what racing processes share.
type race struct {
	h       *Harness
	files   []string // desired states
	next    atomic.Int64
	last    int64
	mu      sync.Mutex
	exits   map[int]int
	steps   map[string]int // of a plan, by its digest
	failure []string
}

// Many processes plan for one of two desired states and apply, again and again:
// each either does its plan, or finds it stale, or does not get its turn.
func TestRace(t *testing.T) {
	h := harness(t, newest())
	one, printedOne := h.Snapshot(t, "race-one", text("base"))
	two, printedTwo := h.Snapshot(t, "race-two", strings.NewReplacer("    note text\n", "    note text,\n    extra integer\n",
		"CREATE INDEX orders_email ON orders (email);", "CREATE INDEX orders_amount ON orders (amount);").Replace(text("base")))
	h.Fresh(t)
	h.Proxy.Arm(nil)
	r := &race{h: h, files: []string{one, two}, last: raced, exits: map[int]int{}, steps: map[string]int{}}
	if *soak > 0 {
		r.last = racedMost
	}
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() { r.run(t.Context(), i) })
	}
	all.Wait()
	for _, f := range r.failure {
		t.Error(f)
	}
	t.Logf("%d plans by %d processes: %d done, %d stale, %d without their turn", r.last, racers, r.exits[0], r.exits[3], r.exits[5])
	if got := h.dump(t); got != printedOne && got != printedTwo {
		t.Errorf("the target is neither of the two desired states:\n%s", got)
	}
	conn := h.connect(t)
	defer conn.Close(context.Background())
	h.checkNothingLeft(t, conn)
	r.journal(t, conn)
}

// run is one process after the other.
func (r *race) run(ctx context.Context, racer int) {
	plan := filepath.Join(r.h.dir, fmt.Sprintf("race-%d.json", racer))
	for n := r.next.Add(1); n <= r.last && ctx.Err() == nil; n = r.next.Add(1) {
		file := r.files[int(n)%len(r.files)]
		made, err := r.h.Program.Run(limit, "plan", "-d", r.h.target("postgres"), "--file", "snapshot:"+file, "--output-json", plan, "--no-prove")
		if err != nil || made.Exit != 0 {
			r.fail(fmt.Sprintf("planning: %v\n%s", err, made))
			continue
		}
		applied, err := r.h.Program.Run(limit, r.h.apply("postgres", plan)...)
		r.h.Counts.Processes.Add(2)
		if err != nil || applied.Exit != 0 && applied.Exit != 3 && applied.Exit != 5 {
			r.fail(fmt.Sprintf("applying: %v\n%s", err, applied))
		}
		r.note(plan, applied.Exit)
	}
}

func (r *race) fail(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = append(r.failure, what)
}

// note remembers a plan and how it ended.
func (r *race) note(file string, exit int) {
	content, err := os.ReadFile(file)
	var plan struct {
		Digest string
		Steps  []json.RawMessage
	}
	if err == nil {
		err = json.Unmarshal(content, &plan)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failure = append(r.failure, err.Error())
	}
	r.exits[exit]++
	r.steps[plan.Digest] = len(plan.Steps)
}

// journal demands that no two runs were at work at one time, and that each that
// is done did each of its steps once.
func (r *race) journal(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	var overlaps int
	err := conn.QueryRow(t.Context(), `WITH runs AS (SELECT run, min(started) AS first, max(coalesce(ended, started)) AS last FROM cairn.step GROUP BY run)
SELECT count(*) FROM runs a JOIN runs b ON a.run < b.run AND a.first < b.last AND b.first < a.last`).Scan(&overlaps)
	if err != nil {
		t.Errorf("reading the journal: %v", err)
		return
	}
	if overlaps > 0 {
		t.Errorf("%d pairs of runs were at work at one time\n%s", overlaps, journal(t, conn))
	}
	rows, err := conn.Query(t.Context(), `SELECT r.id, r.digest, r.state, count(s.step) FILTER (WHERE s.outcome = 'done'), count(DISTINCT s.step) FILTER (WHERE s.outcome = 'done')
FROM cairn.run r LEFT JOIN cairn.step s ON s.run = r.id GROUP BY r.id, r.digest, r.state ORDER BY r.id`)
	if err != nil {
		t.Errorf("reading the journal: %v", err)
		return
	}
	var id, done, different int64
	var digest, state string
	if _, err := pgx.ForEachRow(rows, []any{&id, &digest, &state, &done, &different}, func() error {
		want, known := r.steps[digest]
		if !known || state != "done" || done != int64(want) || different != done {
			t.Errorf("run %d is %s with %d steps done, %d different ones of %d", id, state, done, different, want)
		}
		return nil
	}); err != nil {
		t.Errorf("reading the journal: %v", err)
	}
}
