package main

import (
	"fmt"
	"time"
)

// goal is what a figure is held to.
type goal struct {
	Name     string  `json:"name"`
	Limit    float64 `json:"limit"`
	Measured float64 `json:"measured"`
	OK       bool    `json:"ok"`
	Says     string  `json:"says"` // for people: what was measured, and what it may be
}

const (
	onceSmall   = 100                    // tables of the schema that growth is held against
	enough      = 1000                   // tables from which on the plan of a change is held to the limits
	mostMemory  = 400 << 20              // at the largest size that is built
	mostProof   = 200 * time.Millisecond // above planning
	mostStart   = 30 * time.Millisecond
	mostTrips   = 6
	mostGrowth  = 1.3
	mostTenants = 3
)

// judge holds the figures to the goals that they are there for. Where a goal is
// a ratio, it is one of CPU: that of all processes, so it does not depend on what
// else the machine does.
func (r *report) judge() {
	for _, size := range r.sizes() {
		r.judgePlans(size)
	}
	r.judgeGrowth()
	for _, name := range []string{help, version} {
		if x := r.find(0, name); x != nil {
			r.hold("cairn "+name, x.Wall.Seconds(), mostStart.Seconds(), short(x.Wall), short(mostStart))
		}
	}
	for _, x := range r.Results {
		if dump := r.find(x.Tables, dumpTenants); x.Command == planTenants && dump != nil {
			r.ratio(fmt.Sprintf("%s, %d tables in all, to one pg_dump", planTenants, x.Tables), &x.Median, mostTenants, dump)
		}
	}
	for _, x := range r.Remote {
		if x.Steps == 0 {
			r.hold(fmt.Sprintf("%s, %d tables: round trips after connecting", x.Command, x.Tables), float64(x.Working), mostTrips, fmt.Sprint(x.Working), fmt.Sprint(mostTrips))
		}
	}
}

// judgePlans holds the plans of a size to its limits.
func (r *report) judgePlans(size int) {
	dump, psql := r.find(size, pgDump), r.find(size, psqlBuild)
	if dump == nil || psql == nil {
		return
	}
	for _, g := range []struct {
		command string
		from    int // tables
		limit   float64
		to      []*figures
		name    string
	}{
		{planNothing, 0, 1.2, []*figures{dump, psql}, "to pg_dump + psql"},
		{planCached, 0, 1.0, []*figures{dump}, "to pg_dump"},
		{planChange, enough, 1.25, []*figures{dump, psql}, "to pg_dump + psql"},
		{changeFresh, enough, 1.1, []*figures{dump}, "to pg_dump"},
		{applyEmpty, 0, 1.3, []*figures{psql}, "to psql"},
	} {
		if x := r.find(size, g.command); x != nil && size >= g.from {
			r.ratio(fmt.Sprintf("%s, %d tables, %s", g.command, size, g.name), x, g.limit, g.to...)
		}
	}
	if proven, bare := r.find(size, changeCached), r.find(size, changeBare); proven != nil && bare != nil {
		above := proven.Wall - bare.Wall
		r.hold(fmt.Sprintf("proof of a column and an index, %d tables: above planning", size), above.Seconds(), mostProof.Seconds(), short(above), short(mostProof))
	}
	if most := r.memory(size); size == largestBuilt && most > 0 {
		r.hold(fmt.Sprintf("memory, %d tables", size), float64(most), mostMemory, megabytes(most), megabytes(mostMemory))
	}
}

// memory is the most that the program held at a size.
func (r *report) memory(size int) int64 {
	var most int64
	for _, x := range r.Results {
		if x.Tables == size && ours(x.Command) {
			most = max(most, x.Median.Memory)
		}
	}
	return most
}

// judgeGrowth holds the time per table of the largest size that is built to that
// of the small one.
func (r *report) judgeGrowth() {
	small, large := r.find(onceSmall, planNothing), 0
	for _, size := range r.sizes() {
		if size <= largestBuilt {
			large = max(large, size)
		}
	}
	x := r.find(large, planNothing)
	if small == nil || x == nil || large <= onceSmall {
		return
	}
	each := func(f *figures, tables int) time.Duration { return f.CPU / time.Duration(tables) }
	got := float64(each(x, large)) / float64(max(1, each(small, onceSmall)))
	r.hold(fmt.Sprintf("growth: %s, per table at %d tables to that at %d", planNothing, large, onceSmall), got, mostGrowth, fmt.Sprintf("%.2f x", got), fmt.Sprintf("%.2f x", mostGrowth))
}

func (r *report) ratio(name string, x *figures, limit float64, to ...*figures) {
	cpu, wall := ratios(x, to...)
	r.hold(name, cpu, limit, fmt.Sprintf("%.2f x (wall time %.2f x)", cpu, wall), fmt.Sprintf("%.2f x", limit))
}

func (r *report) hold(name string, measured, limit float64, says, may string) {
	r.Goals = append(r.Goals, &goal{Name: name, Limit: limit, Measured: measured, OK: measured <= limit, Says: says + " | " + may})
}

// ratios compares CPU and wall time with those of others together.
func ratios(x *figures, to ...*figures) (cpu, wall float64) {
	var sum figures
	for _, f := range to {
		sum.CPU += f.CPU
		sum.Wall += f.Wall
	}
	// Less than can be seen is as much as can be seen.
	return float64(x.CPU) / float64(max(tick, sum.CPU)), float64(x.Wall) / float64(max(time.Millisecond, sum.Wall))
}
