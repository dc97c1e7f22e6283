package server

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent does nothing: the next sweep removes what a killed run left.
func dieWithParent(*syscall.SysProcAttr) {}

// commandLine is how a process was started; empty for one that is gone.
func commandLine(pid int) []string {
	text, err := exec.Command("/bin/ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

// borrowName refuses an account without a name, which initdb insists on.
func borrowName(a account, _ *syscall.SysProcAttr) error {
	return fmt.Errorf("uid %d has no name, and initdb needs one", a.uid)
}

// plenty is false: there is no directory in memory.
func plenty(string) bool { return false }

// changeTime is when anything of a file was changed last, in nanoseconds.
func changeTime(status *syscall.Stat_t) int64 { return status.Ctimespec.Nano() }
