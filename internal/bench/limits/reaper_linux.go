package main

import (
	"fmt"
	"syscall"
)

const setChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER

// adopt makes the processes whose parents end before them children of this one,
// so that no process that a child has started gets out of sight.
func adopt() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		return fmt.Errorf("adopting the children of children: %w", errno)
	}
	return nil
}
