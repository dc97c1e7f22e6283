package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// result is one command at one size.
type result struct {
	Tables  int       `json:"tables"`
	Command string    `json:"command"`
	Runs    []figures `json:"runs"`
	Median  figures   `json:"median"`
	// CPU by that of the limits, where they were measured.
	ToDump float64 `json:"to_pg_dump,omitempty"`
	ToBoth float64 `json:"to_pg_dump_and_psql,omitempty"`
}

// report is a whole run.
type report struct {
	Version string          `json:"version"`
	CPUs    int             `json:"cpus"`
	Rounds  int             `json:"rounds"`
	Results []*result       `json:"results"`
	Remote  []*remoteResult `json:"remote"`
	Goals   []*goal         `json:"goals"`
}

// ours reports whether a command is Cairn's and no limit.
func ours(command string) bool {
	return !slices.Contains([]string{pgDump, psqlBuild, dumpTenants}, command)
}

// sizes are the numbers of tables that were measured, without those of tenants.
func (r *report) sizes() []int {
	var list []int
	for _, x := range r.Results {
		if x.Command == pgDump {
			list = append(list, x.Tables)
		}
	}
	return list
}

// find returns what a command took at a size, nil when it was not measured.
func (r *report) find(tables int, command string) *figures {
	for _, x := range r.Results {
		if x.Tables == tables && x.Command == command {
			return &x.Median
		}
	}
	return nil
}

// markdown is the tables for people.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "PostgreSQL %s, %d CPUs, medians of %d rounds.\n\n", r.Version, r.CPUs, r.Rounds)
	b.WriteString("| tables | command | CPU | of it the target's server | wall time | memory | CPU to pg_dump | CPU to pg_dump + psql |\n")
	b.WriteString("|--:|---|--:|--:|--:|--:|--:|--:|\n")
	for _, x := range r.Results {
		size, memory := fmt.Sprint(x.Tables), ""
		if x.Tables == 0 {
			size = ""
		}
		if ours(x.Command) {
			memory = megabytes(x.Median.Memory)
		}
		toDump, toBoth := r.compare(x)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", size, x.Command, short(x.Median.CPU), short(x.Median.Server),
			short(x.Median.Wall), memory, toDump, toBoth)
	}
	if len(r.Remote) > 0 {
		b.WriteString("\n| tables | command, remote server | connections | round trips to connect | round trips after that | per step | wall time |\n|--:|---|--:|--:|--:|--:|--:|\n")
	}
	for _, x := range r.Remote {
		each := ""
		if x.Steps > 0 {
			each = fmt.Sprintf("%.1f (%d steps)", x.perStep(), x.Steps)
		}
		fmt.Fprintf(&b, "| %d | %s | %d | %d | %d | %s | %s |\n", x.Tables, x.Command, x.Connections, x.Connecting, x.Working, each, short(x.Wall))
	}
	if len(r.Goals) > 0 {
		b.WriteString("\n| goal | measured | at most | |\n|---|--:|--:|---|\n")
	}
	for _, g := range r.Goals {
		verdict := "missed"
		if g.OK {
			verdict = "ok"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", g.Name, g.Says, verdict)
	}
	return b.String()
}

// compare returns the ratios of a line to the limits of its size.
func (r *report) compare(x *result) (toDump, toBoth string) {
	dump, psql := r.find(x.Tables, pgDump), r.find(x.Tables, psqlBuild)
	if x.Command == planTenants {
		dump = r.find(x.Tables, dumpTenants)
	}
	if dump == nil || !ours(x.Command) {
		return "", ""
	}
	x.ToDump, _ = ratios(&x.Median, dump)
	toDump = fmt.Sprintf("%.2f", x.ToDump)
	if psql != nil && x.Command != planTenants {
		x.ToBoth, _ = ratios(&x.Median, dump, psql)
		toBoth = fmt.Sprintf("%.2f", x.ToBoth)
	}
	return toDump, toBoth
}

func short(d time.Duration) string {
	if d >= time.Second || d <= -time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", (bytes+1<<19)>>20) }
