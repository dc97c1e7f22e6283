package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// firstCollection is the size in bytes to which the memory grows before garbage is
// collected for the first time. Most runs end below it.
const firstCollection = 256 << 20

// laterGrowth is by how many percent the heap grows between later collections.
// The states of large databases are nearly all of it, and stay.
const laterGrowth = 30

// softLimit is the size in bytes that the memory keeps to by more collections,
// as long as what stays leaves enough of it to put them off.
const softLimit = 352 << 20

// collectLate puts off the first garbage collection, and tunes the later ones. The
// user's own settings (GOGC, GOMEMLIMIT) go before.
func collectLate() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(firstCollection)
	afterCollections(func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		limit := int64(softLimit)
		if live[0].Value.Uint64() > softLimit/10*9 {
			limit = math.MaxInt64
		}
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(laterGrowth)
	})
}

// afterCollections calls a function after each collection.
func afterCollections(f func()) {
	sign := new([16]byte) // goes with the next collection
	runtime.AddCleanup(sign, func(struct{}) {
		f()
		afterCollections(f)
	}, struct{}{})
}
