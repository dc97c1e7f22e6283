package server

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent has the system shut a server down when the thread that
// started it ends.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }

// commandLine is how a process was started; empty for one that is gone.
func commandLine(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
}

// borrowName lets a process look like a named user to itself: initdb insists
// on a name, and files still belong to the account.
func borrowName(a account, attr *syscall.SysProcAttr) error {
	uid, gid, err := anyNamed()
	if err != nil {
		return err
	}
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: a.uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: a.gid, Size: 1}}
	if attr.Credential != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}
	}
	return nil
}

// anyNamed is the first user of the user database other than root.
func anyNamed() (uid, gid int, err error) {
	f, err := os.Open("/etc/passwd")
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 4 {
			continue
		}
		uid, uidErr := strconv.Atoi(fields[2])
		gid, gidErr := strconv.Atoi(fields[3])
		if uidErr == nil && gidErr == nil && uid > 0 {
			return uid, gid, nil
		}
	}
	return 0, 0, errors.New("/etc/passwd names no user but root, and initdb needs one")
}

const (
	tmpfs       = 0x01021994 // manual statfs(2)
	plentyBytes = 2 << 30    // dozens of times what a server of ours takes
)

// plenty reports whether the directory is in memory, and both it and the
// machine have a lot left.
func plenty(dir string) bool {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || int64(fs.Type) != tmpfs || fs.Bavail*uint64(fs.Bsize) < plentyBytes {
		return false
	}
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return false
	}
	_, available, _ := strings.Cut(string(text), "MemAvailable:")
	words := strings.Fields(available)
	if len(words) == 0 {
		return false
	}
	kilobytes, err := strconv.ParseInt(words[0], 10, 64)
	return err == nil && kilobytes*1024 >= plentyBytes
}

// changeTime is when anything of a file was changed last, in nanoseconds.
func changeTime(status *syscall.Stat_t) int64 { return status.Ctim.Nano() }
