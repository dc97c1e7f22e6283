package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc, the same on all that Go runs on.
const tick = 10 * time.Millisecond

// process is what /proc says of one.
type process struct {
	pid, parent int
	ended       bool          // and its parent has not asked for it yet
	own         time.Duration // CPU of the process
	reaped      time.Duration // CPU of its children that have ended, with theirs
}

// processes reads all processes of the machine. One that ends meanwhile is left out.
func processes() (map[int]process, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("reading the processes: %w", err)
	}
	all := map[int]process{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if p, ok := parseStat(text); ok {
			all[p.pid] = p
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("reading the processes: /proc names none")
	}
	return all, nil
}

// parseStat reads the line of a process. Its name, the second field, can have
// spaces and parentheses in it.
func parseStat(text []byte) (p process, ok bool) {
	end := bytes.LastIndexByte(text, ')')
	begin := bytes.IndexByte(text, ' ')
	if begin < 0 || end < 0 {
		return p, false
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 15 {
		return p, false
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		ok = ok && err == nil
		return n
	}
	ok = true
	p.pid, p.parent = number(string(text[:begin])), number(fields[1])
	p.ended = fields[0] == "Z" || fields[0] == "X"
	p.own = time.Duration(number(fields[11])+number(fields[12])) * tick
	p.reaped = time.Duration(number(fields[13])+number(fields[14])) * tick
	return p, ok
}

// below returns the processes that descend from one, without itself.
func below(all map[int]process, root int) []process {
	var list []process
	for pid, p := range all {
		for at, steps := p.parent, 0; steps < 64; steps++ {
			if at == root && pid != root {
				list = append(list, p)
			}
			parent, ok := all[at]
			if !ok || at == root {
				break
			}
			at = parent.parent
		}
	}
	return list
}

// look is the CPU that has been used up to a moment.
type look struct {
	all    time.Duration // by every process that this one has started, and what they have started
	server time.Duration // by the target's server of it
}

// now adds up the CPU of living processes and of those that have ended. What a
// process has used when it ends moves to its parent's account with the call that
// waits for it, and orphans are children of this process: nothing is lost, and
// nothing counts twice, whenever processes end between two looks.
func now(postmaster int) (look, error) {
	all, err := processes()
	if err != nil {
		return look{}, err
	}
	var l look
	for _, p := range below(all, os.Getpid()) {
		l.all += p.own + p.reaped
	}
	l.server = all[postmaster].own + all[postmaster].reaped
	for _, p := range below(all, postmaster) {
		l.server += p.own + p.reaped
	}
	var ended syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &ended); err != nil {
		return look{}, fmt.Errorf("reading what children have used: %w", err)
	}
	l.all += time.Duration(ended.Utime.Nano() + ended.Stime.Nano())
	return l, nil
}

// bury waits for orphans that have ended, but not for children of this process's
// own, for which somebody else waits.
func bury(own map[int]bool) error {
	all, err := processes()
	if err != nil {
		return err
	}
	for pid, p := range all {
		if p.ended && p.parent == os.Getpid() && !own[pid] {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // somebody else may have
		}
	}
	return nil
}

// children returns the processes that one has started and that have not ended.
func children(pid int) (map[int]bool, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	list := map[int]bool{}
	for id, p := range all {
		if p.parent == pid {
			list[id] = true
		}
	}
	return list, nil
}

// highest returns the most memory that a process has held so far, 0 when it is
// gone. The figure that wait4 gives is of no use here: it is the largest of the
// process and its children, of which servers are some, and it begins with the
// memory of the process that started it.
func highest(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	if !found {
		return 0
	}
	kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
