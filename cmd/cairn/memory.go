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
const roof = 336 << 20

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
	afterCollection(func() { debug.SetMemoryLimit(math.MaxInt64) })
}

// afterCollection calls a function when garbage was collected, and from then on lets
// the heap grow as it should after each collection.
func afterCollection(then func()) {
	sentinel := new([16]byte) // goes with the next collection
	runtime.AddCleanup(sentinel, func(struct{}) {
		debug.SetGCPercent(growth())
		then()
		afterCollection(func() {})
	}, struct{}{})
}

// growth is by how many percent the heap may grow from what the last collection left.
func growth() int {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return growthFrom(live[0].Value.Uint64())
}

func growthFrom(live uint64) int {
	if live == 0 || live > roof/10*9 {
		return growthAbove
	}
	return int((roof - live) * 100 / live)
}
