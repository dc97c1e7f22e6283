package main

import (
	"math"
	"testing"
)

// The heap grows up to the roof, and by a part of itself above.
func TestGrowth(t *testing.T) {
	for live, want := range map[uint64]int{
		1 << 20:       31900,
		roof / 2:      100,
		roof * 4 / 5:  25,
		roof:          growthAbove,
		10 * roof:     growthAbove,
		roof/10*9 + 1: growthAbove,
	} {
		if got := growthFrom(live); got != want {
			t.Errorf("%d MB stay: growth by %d %%, want %d", live>>20, got, want)
		}
	}
}

// The limit holds as long as what stays leaves room for something.
func TestLimit(t *testing.T) {
	for live, want := range map[uint64]int64{1 << 20: limit, limit / 2: limit, limit: math.MaxInt64, 10 * limit: math.MaxInt64} {
		if got := limitFor(live); got != want {
			t.Errorf("%d MB stay: the limit is %d, want %d", live>>20, got, want)
		}
	}
}
