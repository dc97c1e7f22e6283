package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// roof is the size in bytes that the heap keeps below by collecting garbage, as long
// as what stays leaves a tenth of it. Most runs end below it.
const roof = 320 << 20

// limit is the size in bytes that all memory keeps below meanwhile, with what the heap
// has between its objects: it is given back, or garbage is collected earlier.
const limit = roof + 16<<20

// growthAbove is by how many percent the heap grows between collections when what
// stays leaves no room below the roof. The states of large databases are nearly all
// of it.
const growthAbove = 30

// collectLate puts off the first garbage collection, and each further one for as
// long as the heap stays below the roof. The user's own settings (GOGC, GOMEMLIMIT)
// go before.
func collectLate() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(roof)
	afterCollections()
}

// afterCollections lets the heap grow as it should after each collection.
func afterCollections() {
	sentinel := new([16]byte) // goes with the next collection
	runtime.AddCleanup(sentinel, func(struct{}) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetGCPercent(growthFrom(live[0].Value.Uint64()))
		debug.SetMemoryLimit(limitFor(live[0].Value.Uint64()))
		afterCollections()
	}, struct{}{})
}

// growthFrom is by how many percent the heap may grow from what the last collection
// left.
func growthFrom(live uint64) int {
	if live == 0 || live > roof/10*9 {
		return growthAbove
	}
	return int((roof - live) * 100 / live)
}

// limitFor is the limit for what the last collection left, none where that leaves
// hardly anything below: the program would collect garbage all of the time.
func limitFor(live uint64) int64 {
	if live > limit/100*97 {
		return math.MaxInt64
	}
	return limit
}
