package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// burn is the variable that makes the test binary use so much CPU, and nothing else.
const burn = "CAIRN_LIMITS_BURN"

func TestMain(m *testing.M) {
	if text := os.Getenv(burn); text != "" {
		want, err := time.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		for used := time.Duration(0); used < want; {
			var r syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
				panic(err)
			}
			used = time.Duration(r.Utime.Nano() + r.Stime.Nano())
		}
		if err := os.WriteFile("burnt", nil, 0o644); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The benchmark runs and reports; how long things take is not looked at.
func TestSmallRun(t *testing.T) {
	major := pgtest.Versions()[len(pgtest.Versions())-1]
	report, err := run(t.Context(), config{sizes: []int{6}, rounds: 1, tenants: 2, tenantTables: 3, latency: time.Millisecond, major: major,
		only: regexp.MustCompile("help|nothing to change, cached|tenant|round trips"), log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	report.judge()
	text := report.markdown()
	for _, name := range []string{help, pgDump, psqlBuild, planCached, dumpTenants, planTenants, planNothing, planChange, applyChange} {
		if !strings.Contains(text, "| "+name+" | ") {
			t.Errorf("the table has no line for %s:\n%s", name, text)
		}
	}
	for _, x := range report.Results {
		if len(x.Runs) != 1 || x.Median.CPU <= 0 || x.Median.CPU < x.Median.Server || x.Median.Wall <= 0 || ours(x.Command) && x.Median.Memory <= 0 {
			t.Errorf("%+v", x)
		}
	}
	if len(report.Remote) != 4 || len(report.Goals) != 5 {
		t.Errorf("%d lines on a remote server and %d goals:\n%s", len(report.Remote), len(report.Goals), text)
	}
	for _, x := range report.Remote {
		if x.Connections < 1 || x.Connecting < 1 || x.Working < 1 || (x.Steps > 0) != strings.HasPrefix(x.Command, "apply") {
			t.Errorf("%+v", x)
		}
	}
}

// No CPU is lost: neither that of a process whose parent has gone, nor that of one
// that has ended before anybody looked.
func TestOrphansCount(t *testing.T) {
	if err := adopt(); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const used = 200 * time.Millisecond
	for _, script := range []string{`"$0"`, `"$0" & wait`, `("$0" &); while [ ! -e burnt ]; do sleep 0.01; done`} {
		m := &meter{postmaster: -1, dir: t.TempDir(), env: os.Environ()}
		f, err := m.run(t.Context(), runs("sh", "-c", script, program))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(m.dir, "burnt")); err != nil {
			t.Fatal(err)
		}
		// A living process shows whole ticks of each of its times.
		if f.CPU < used-4*tick {
			t.Errorf("%s: %s of CPU are seen, %s were used", script, f.CPU, used)
		}
	}
}

func runs(args ...string) program {
	return program{args: args, env: []string{burn + "=200ms"}}
}

// An orphan that has ended is waited for, a child of somebody else's is not.
func TestBury(t *testing.T) {
	if err := adopt(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		all, err := processes()
		if err != nil {
			t.Fatal(err)
		}
		if all[cmd.Process.Pid].ended {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := bury(map[int]bool{cmd.Process.Pid: true}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the child was waited for: %v", err)
	}
}

func TestParseStat(t *testing.T) {
	line := "42 (a (b) c) S 7 1 1 0 -1 4194560 1 2 3 4 10 5 200 50 20 0 1 0 100 1 1"
	p, ok := parseStat([]byte(line))
	want := process{pid: 42, parent: 7, own: 15 * tick, reaped: 250 * tick}
	if !ok || p != want {
		t.Errorf("%+v, %v", p, ok)
	}
	for _, bad := range []string{"", "42", "42 (a", "42 (a) S x 1 1 0 -1 4194560 1 2 3 4 10 5 200 50 20 0 1 0"} {
		if p, ok := parseStat([]byte(bad)); ok {
			t.Errorf("%q is read as %+v", bad, p)
		}
	}
}

// The end of connecting is found however the server's bytes are cut.
func TestStartup(t *testing.T) {
	message := func(kind byte, body string) string { return string([]byte{kind, 0, 0, 0, byte(4 + len(body))}) + body }
	stream := message('R', "\x00\x00\x00\x00") + message('S', "Z\x00Z\x00") + message('Z', "I") + message('T', "rest")
	end := strings.Index(stream, message('Z', "I")) + 5
	for size := 1; size < len(stream); size++ {
		var s startup
		for at := 0; at < len(stream); at += size {
			to := min(at+size, len(stream))
			if got := s.over([]byte(stream[at:to])); got != (to >= end) {
				t.Fatalf("pieces of %d: after %d bytes it says %v", size, to, got)
			}
		}
	}
}

func TestMedian(t *testing.T) {
	runs := []figures{{CPU: 3, Wall: 10}, {CPU: 1, Wall: 30}, {CPU: 2, Wall: 20}}
	if m := median(runs); m.CPU != 2 || m.Wall != 20 {
		t.Errorf("%+v", m)
	}
	if m := median(append(runs, figures{CPU: 100, Wall: 40})); m.CPU != 2 || m.Wall != 25 {
		t.Errorf("%+v", m)
	}
}

// A goal that is missed is told from one that is met.
func TestJudge(t *testing.T) {
	r := &report{}
	add := func(tables int, command string, cpu time.Duration) {
		f := figures{CPU: cpu, Wall: cpu}
		r.Results = append(r.Results, &result{Tables: tables, Command: command, Median: f})
	}
	add(100, pgDump, time.Second)
	add(100, psqlBuild, time.Second)
	add(100, planNothing, 2*time.Second)
	add(100, planCached, 2*time.Second)
	add(0, help, 40*time.Millisecond)
	r.judge()
	got := map[string]bool{}
	for _, g := range r.Goals {
		got[g.Name] = g.OK
	}
	want := map[string]bool{planNothing + ", 100 tables, to pg_dump + psql": true, planCached + ", 100 tables, to pg_dump": false, "cairn " + help: false}
	if len(got) != len(want) {
		t.Errorf("the goals are %v", got)
	}
	for name, ok := range want {
		if at, found := got[name]; !found || at != ok {
			t.Errorf("%s: %v, want %v", name, got, ok)
		}
	}
	if text := r.markdown(); !strings.Contains(text, "| 1.00 x (wall time 1.00 x) | 1.20 x | ok |") || !strings.Contains(text, "| missed |") {
		t.Errorf("it reads\n%s", text)
	}
}
