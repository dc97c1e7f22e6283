// The program online measures how long statements of other sessions wait while
// a table is changed: by the plain statement that a person would type, and by a
// plan of Cairn.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/cairn-db/cairn/internal/pg"
)

func main() {
	c := config{}
	flag.IntVar(&c.rows, "rows", 2_000_000, "rows of the table that is changed")
	flag.IntVar(&c.major, "pg", pg.Newest, "major version of the server")
	flag.StringVar(&c.only, "only", "", "measure only the changes whose name has this in it")
	flag.DurationVar(&c.lockTimeout, "lock-timeout", time.Second, "lock_timeout of the plans")
	flag.DurationVar(&c.quiet, "quiet", time.Second, "how long the workload is watched before each change")
	flag.DurationVar(&c.reader, "reader", 8*time.Second, "how long the long-running reader keeps its transaction open")
	markdown := flag.String("markdown", "", "write the table to this file as well")
	asJSON := flag.String("json", "", "write all figures to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := 0
	if err := measure(ctx, c, *markdown, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		code = 1
	}
	stop()
	os.Exit(code)
}

// measure runs the benchmark and writes its report. Its error says which changes
// missed the goal.
func measure(ctx context.Context, c config, markdown, asJSON string) error {
	c.log = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	report, failed := run(ctx, c)
	if report == nil || len(report.Results) == 0 {
		return failed
	}
	report.CPUs = runtime.NumCPU()
	text := report.markdown()
	fmt.Print(text)
	if markdown != "" {
		if err := os.WriteFile(markdown, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the table: %w", err)
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
	return errors.Join(failed, report.missed())
}
