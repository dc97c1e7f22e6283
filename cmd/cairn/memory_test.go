package main

import "testing"

// The heap grows up to the roof, and by a part of itself above.
func TestGrowth(t *testing.T) {
	for live, want := range map[uint64]int{
		1 << 20:       33500,
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
