package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
)

// firstCollection is the size in bytes to which the heap grows before garbage is
// collected for the first time. Most runs end below it.
const firstCollection = 256 << 20

// laterGrowth is by how many percent the heap grows between later collections.
// The states of large databases are nearly all of it, and stay.
const laterGrowth = 30

// collectLate puts off the first garbage collection. The user's own settings
// (GOGC, GOMEMLIMIT) go before.
func collectLate() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(firstCollection)
	first := new([16]byte) // goes with the first collection
	runtime.AddCleanup(first, func(struct{}) {
		debug.SetMemoryLimit(math.MaxInt64)
		debug.SetGCPercent(laterGrowth)
	}, struct{}{})
}
