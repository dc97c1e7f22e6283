// The program limits compares Cairn with what cannot be done faster: pg_dump,
// which reads the catalog of a database once, and psql -f, which builds it once.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cairn-db/cairn/internal/pg"
)

func main() {
	c := config{log: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	sizes := flag.String("sizes", "100,1000,5000,20000", "numbers of tables, with commas between them")
	flag.IntVar(&c.rounds, "rounds", 5, "how often each command is measured")
	flag.IntVar(&c.major, "pg", pg.Newest, "major version of the server")
	only := flag.String("only", "", "measure only the limits and the commands whose name this regular expression matches, or \"round trips\"")
	flag.IntVar(&c.tenants, "tenants", 500, "schemas of 40 tables that are planned with one file, 0 for none")
	flag.DurationVar(&c.latency, "latency", 20*time.Millisecond, "what a message takes to the remote server, and from it, where round trips are counted")
	flag.StringVar(&c.cairn, "cairn", "", "measure this binary instead of one that is built from the source around")
	markdown := flag.String("markdown", "", "write the tables to this file as well")
	asJSON := flag.String("json", "", "write all figures to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := 0
	if err := measure(ctx, c, *sizes, *only, *markdown, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		code = 1
	}
	stop()
	os.Exit(code)
}

// measure runs the benchmark and writes its report, also when it came to an end
// early. A goal that is missed is no error.
func measure(ctx context.Context, c config, sizes, only, markdown, asJSON string) (err error) {
	if c.only, err = regexp.Compile(only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	for word := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return fmt.Errorf("-sizes: %q is no number of tables", word)
		}
		c.sizes = append(c.sizes, n)
	}
	if c.rounds < 1 || c.tenants < 0 {
		return errors.New("-rounds has to be at least 1, and -tenants at least 0")
	}
	report, failed := run(ctx, c)
	if report == nil || len(report.Results) == 0 {
		return failed
	}
	report.CPUs = runtime.NumCPU()
	report.judge()
	text := report.markdown()
	fmt.Print(text)
	if markdown != "" {
		if err := os.WriteFile(markdown, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the tables: %w", err)
		}
	}
	if asJSON != "" {
		figures, err := json.MarshalIndent(report, "", "  ")
		if err == nil {
			err = os.WriteFile(asJSON, append(figures, '\n'), 0o644)
		}
		if err != nil {
			return fmt.Errorf("writing the figures: %w", err)
		}
	}
	return failed
}
