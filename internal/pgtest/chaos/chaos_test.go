package chaos

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/pgtest"
)

var (
	clusters pgtest.Clusters
	counts   Counts
	soak     = flag.Duration("chaos", 0, "inject faults at all points for this long, in the order of the seed")
	seed     = flag.Int64("seed", 0, "of the order; 0: a new one")
)

// started is what the tests of this package share.
var started struct {
	program   *Program
	dir       string
	harnesses map[int]*Harness
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := clusters.Main(m)
	for _, h := range started.harnesses {
		if err := h.Close(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	if started.dir != "" {
		_ = os.RemoveAll(started.dir) // below the directory for temporary files
	}
	os.Exit(code)
}

// harness returns the harness of a version, with the program that is built once.
func harness(t *testing.T, major int) *Harness {
	t.Helper()
	if h := started.harnesses[major]; h != nil {
		return h
	}
	if started.program == nil {
		dir, err := os.MkdirTemp("", "chaos-program-")
		if err != nil {
			t.Fatal(err)
		}
		started.dir, started.harnesses = dir, map[int]*Harness{}
		if started.program, err = Build(t.Context(), dir, pgtest.ServerOptions().CacheDir); err != nil {
			t.Fatal(err)
		}
	}
	h := New(t, &clusters, started.program, &counts, major)
	started.harnesses[major] = h
	return h
}

// fixed are the faults of every run of the tests: each fault, each moment and
// each sort of statement at least once.
func fixed() []Scenario {
	return []Scenario{
		{Case: "columns", Fault: Kill, Point: At(Before, "^ALTER TABLE public.orders DROP COLUMN note")},
		{Case: "columns", Fault: Cut, Point: At(Inside, "ADD COLUMN flag"), Waiting: true},
		{Case: "columns", Fault: Kill, Point: AtCommit(After, "ADD COLUMN flag")},
		{Case: "columns", Fault: CutClient, Point: AtCommit(Before, "ADD COLUMN flag")},
		{Case: "columns", Fault: Restart, Point: AtCommit(Inside, "CREATE VIEW")},
		{Case: "columns", Fault: CutServer, Point: At(Before, "VALIDATE CONSTRAINT")},
		{Case: "keys", Fault: Kill, Point: At(After, "^commit$")}, // of the tables of the journal
		{Case: "keys", Fault: Kill, Point: At(Inside, "^CREATE UNIQUE INDEX CONCURRENTLY"), Waiting: true},
		{Case: "keys", Fault: Restart, Point: At(Inside, "VALIDATE CONSTRAINT orders_account_id_fkey"), Delay: 3 * time.Millisecond},
		{Case: "keys", Fault: Cut, Point: AtCommit(After, "ALTER TABLE public.events.* ADD CONSTRAINT .* FOREIGN KEY")},
		{Case: "indexes", Fault: Restart, Point: At(Inside, "^CREATE INDEX CONCURRENTLY orders_account"), Waiting: true},
		{Case: "indexes", Fault: Kill, Point: At(After, "^CREATE INDEX CONCURRENTLY orders_amount")},
		{Case: "indexes", Fault: Kill, Point: At(Inside, "^DROP INDEX CONCURRENTLY"), Waiting: true},
		{Case: "indexes", Fault: Kill, Point: Point{Since: regexp.MustCompile("^DROP INDEX CONCURRENTLY public.orders_email"), Statement: regexp.MustCompile("UPDATE cairn.run SET state = 'done'"), When: After}},
		{Case: "partitions", Fault: Kill, Point: At(Inside, "DETACH PARTITION public.events_old CONCURRENTLY"), Waiting: true},
		{Case: "partitions", Fault: Restart, Point: At(Inside, "DETACH PARTITION public.events_old CONCURRENTLY"), Waiting: true},
		{Case: "partitions", Fault: CutClient, Point: At(After, "ADD VALUE")},
		{Case: "partitions", Fault: Restart, Point: At(Before, "ATTACH PARTITION public.events_new")},
		{Case: "indexes", File: true, Fault: Restart, Point: At(Inside, "^CREATE INDEX CONCURRENTLY orders_account"), Waiting: true},
		{Case: "partitions", File: true, Fault: Restart, Point: At(Inside, "DETACH PARTITION public.events_old CONCURRENTLY"), Waiting: true},
		{Case: "partitions", File: true, Fault: Kill, Point: AtCommit(After, "ADD CONSTRAINT cairn_new_events_old")},
		{Case: "keys", Fault: Cut, Point: At(After, "^CREATE UNIQUE INDEX CONCURRENTLY")},
	}
}

// The program is stopped at chosen points, and the same command, run again, ends
// where the plan leads.
func TestFaults(t *testing.T) {
	if *soak > 0 {
		t.Skip("SKIPPED: TestChaos runs instead")
	}
	for _, major := range pgtest.Versions() {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			h := harness(t, major)
			for i, s := range fixed() {
				if major != newest() && i%3 != 0 {
					continue // a part is enough: the program is the same
				}
				t.Run(s.Name(), func(t *testing.T) {
					h.Run(t, s)
					if t.Failed() {
						counts.Failed.Add(1)
					}
				})
			}
		})
	}
	t.Log(counts.String())
}

// All points of all changes, with every fault, for a while.
func TestChaos(t *testing.T) {
	if *soak == 0 {
		t.Skip("SKIPPED: make chaos FOR=10m injects faults at all points")
	}
	start := time.Now()
	if *seed == 0 {
		*seed = start.Unix()
	}
	t.Logf("seed %d", *seed)
	random := rand.New(rand.NewPCG(uint64(*seed), 0))
	type job struct {
		h *Harness
		s Scenario
	}
	var jobs []job
	for _, major := range pgtest.Versions() {
		h := harness(t, major)
		for _, s := range h.Everything(t, random) {
			jobs = append(jobs, job{h, s})
		}
	}
	random.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	ran := 0
	for _, j := range jobs {
		if time.Since(start) > *soak {
			break
		}
		ran++
		if failure := pgtest.Try(t, func(t testing.TB) { j.h.Run(t, j.s) }); failure != "" {
			counts.Failed.Add(1)
			t.Errorf("%d: %s\n%s", j.h.Major, j.s.Name(), failure)
		}
	}
	t.Logf("%d of the %d faults of one pass, in %s, seed %d", ran, len(jobs), time.Since(start).Round(time.Second), *seed)
	t.Log(counts.String())
}
