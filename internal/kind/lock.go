package kind

import "slices"

// Lock is a table-level lock mode, manual chapter 13.3.1.
type Lock string

// The lock modes.
const (
	NoLock               Lock = ""
	AccessShare          Lock = "ACCESS SHARE"
	RowShare             Lock = "ROW SHARE"
	RowExclusive         Lock = "ROW EXCLUSIVE"
	ShareUpdateExclusive Lock = "SHARE UPDATE EXCLUSIVE"
	Share                Lock = "SHARE"
	ShareRowExclusive    Lock = "SHARE ROW EXCLUSIVE"
	Exclusive            Lock = "EXCLUSIVE"
	AccessExclusive      Lock = "ACCESS EXCLUSIVE"
)

var locks = []Lock{NoLock, AccessShare, RowShare, RowExclusive, ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive}

// Strength orders the modes: a stronger one conflicts with all that a weaker
// one conflicts with, but for SHARE, which does not conflict with itself.
func (l Lock) Strength() int { return slices.Index(locks, l) }

// BlocksWrites reports whether INSERT, UPDATE and DELETE wait for the lock.
func (l Lock) BlocksWrites() bool { return l.Strength() >= Share.Strength() }

// BlocksReads reports whether SELECT waits for the lock.
func (l Lock) BlocksReads() bool { return l == AccessExclusive }
