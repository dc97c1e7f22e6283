package generate_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/internal/pgtest/generate"
)

var (
	clusters pgtest.Clusters
	soak     = flag.Duration("soak", 0, "run new seeds for this long instead of the fixed ones")
	seed     = flag.Int64("seed", 0, "run this seed, or begin a soak with it")
	shrink   = flag.Duration("shrink", time.Minute, "how long to make a failing pair smaller")
	verbose  = flag.Bool("pairs", false, "print every pair")
)

func TestMain(m *testing.M) { os.Exit(clusters.Main(m)) }

// fixedSeeds is how many seeds, from 1 on, run on each version every time.
const fixedSeeds = 3

// Generated pairs: there and back, with an empty second plan, equal pg_dumps,
// and the rows that both sides keep.
func TestPairs(t *testing.T) {
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
				t.Parallel()
				if failure := run(t, generate.New(s, major)); failure != "" {
					t.Error(report(t, generate.New(s, major), failure))
				}
			})
		}
	}
}

// New seeds until the time is over. It prints what ran and what failed, each
// way to fail once.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("SKIPPED: make soak FOR=10m runs new seeds")
	}
	start, next := time.Now(), *seed
	if next == 0 {
		next = start.Unix() << 10
	}
	first, ran, failed := next, map[int]int{}, map[string][]string{}
	for _, major := range pgtest.Versions() {
		prepare(t, major)
	}
	for ; time.Since(start) < *soak; next++ {
		for _, major := range pgtest.Versions() {
			p := generate.New(next, major)
			ran[major]++
			failure := run(t, p)
			if failure == "" {
				continue
			}
			way := signature(failure)
			failed[way] = append(failed[way], fmt.Sprintf("%d on %d", next, major))
			if len(failed[way]) == 1 {
				t.Error(report(t, p, failure))
			}
		}
	}
	for _, major := range pgtest.Versions() {
		t.Logf("%d pairs ran on PostgreSQL %d", ran[major], major)
	}
	t.Logf("seeds %d to %d in %s", first, next-1, time.Since(start).Round(time.Second))
	for way, seeds := range failed {
		t.Logf("%d pairs failed: %s (seeds %s)", len(seeds), way, strings.Join(seeds, ", "))
	}
}

// The same seed gives the same SQL.
func TestReproducible(t *testing.T) {
	for s := range int64(50) {
		a, b := generate.New(s, 18), generate.New(s, 18)
		if diff := cmp.Diff(a.Archive(""), b.Archive("")); diff != "" {
			t.Fatalf("seed %d: %s", s, diff)
		}
	}
}

func prepare(t *testing.T, major int) {
	clusters.Roles(t, major, generate.Roles...)
}

// run returns how a pair fails, "" when it does not.
func run(t testing.TB, p generate.Pair) string {
	t.Helper()
	if *verbose {
		t.Log(p.Archive("seed " + strconv.FormatInt(p.Seed, 10)))
	}
	major, from, to := p.From.Major, p.From.SQL(), p.To.SQL()
	inserts, kept := p.Rows()
	level := ""
	if strings.Contains(from+to, " INHERITS (") {
		level = declared
	}
	return pgtest.Try(t, func(t testing.TB) {
		var target string
		var before map[string][]string
		converge := func(to string) func(testing.TB) {
			return func(t testing.TB) {
				clusters.Converge(t, pgtest.Pair{Major: major, To: to, Target: target, Selection: everything, Level: level})
				if diff := cmp.Diff(before, results(t, target, kept)); diff != "" {
					t.Errorf("rows that both sides keep changed: %s", diff)
				}
			}
		}
		for _, step := range []struct {
			name string
			do   func(testing.TB)
		}{
			{"loading", func(testing.TB) { target = clusters.LoadPrinted(t, major, "", from) }},
			{"loading", func(t testing.TB) { clusters.Printed(t, major, to) }},
			{"inserting", func(t testing.TB) { pgtest.Exec(t, target, inserts); before = results(t, target, kept) }},
			{"there", converge(to)},
			{"back", converge(from)},
			{"from empty", func(t testing.TB) {
				if p.Seed%4 == 0 {
					clusters.Converge(t, pgtest.Pair{Major: major, To: from, Selection: everything, Level: level})
				}
			}},
		} {
			if failure := pgtest.Try(t, step.do); failure != "" || t.Failed() {
				t.Fatalf("%s: %s", step.name, failure)
			}
		}
	})
}

// declared makes children declare what they inherit: it is not compared, and
// pg_dump prints it.
const declared = `UPDATE pg_attribute SET attislocal = true WHERE attinhcount > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE NOT relispartition);
UPDATE pg_constraint SET conislocal = true WHERE coninhcount > 0 AND contype IN ('c', 'n') AND conrelid IN (SELECT oid FROM pg_class WHERE NOT relispartition);
`

var everything = cairn.Selection{Owners: cairn.Auto, Privileges: cairn.All}

// results runs queries and returns their rows.
func results(t testing.TB, url string, queries []string) map[string][]string {
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	found := map[string][]string{}
	for _, q := range queries {
		rows, err := conn.Query(t.Context(), q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if found[q], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return found
}

var (
	printed = regexp.MustCompile(`"[^"]*"+|'[^']*'|[\w.$]*\d[\w.$]*|\([^()]*\)`)
	pending = regexp.MustCompile(`SQLSTATE \w+`)
)

// signature is how a pair fails, without names.
func signature(failure string) string {
	first, rest, _ := strings.Cut(failure, "\n")
	if first == "" {
		first = rest
	}
	for _, line := range strings.Split(rest, "\n") {
		if word := strings.Fields(strings.TrimLeft(line, "-+\u00a0 \t")); (strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-")) && len(word) > 0 {
			first += " " + word[0]
			break
		}
	}
	state := pending.FindString(first)
	return printed.ReplaceAllString(first, "_") + " " + state
}

// report makes a failing pair smaller and prints it.
func report(t *testing.T, p generate.Pair, failure string) string {
	way, end := signature(failure), time.Now().Add(*shrink)
	small := generate.Shrink(p, func(p generate.Pair) bool {
		return time.Now().Before(end) && signature(run(t, p)) == way
	})
	last := run(t, small)
	if last == "" {
		last = "(the small pair does not fail again)\n" + failure
	}
	return fmt.Sprintf("seed %d on %d: %s\n%s\n%s", p.Seed, p.From.Major, way, small.Archive("A generated pair, seed "+strconv.FormatInt(p.Seed, 10)+"."), last)
}
