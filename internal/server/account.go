package server

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	anyUID     = 65534
	killedWait = 2 * time.Second
)

// account is the user a server runs as. PostgreSQL refuses to run as root.
type account struct {
	uid, gid int
	name     string // empty when the uid has no entry in the user database
	switched bool   // differs from the user of this process
}

// serverAccount is this user or, for root, an unprivileged one.
func serverAccount() account {
	if uid := os.Geteuid(); uid != 0 {
		return account{uid: uid, gid: os.Getegid(), name: nameOf(uid)}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 31)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 31)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{uid: int(uid), gid: int(gid), name: name, switched: true}
		}
	}
	return account{uid: anyUID, gid: anyUID, name: nameOf(anyUID), switched: true}
}

// accountOf is the account an existing data directory belongs to.
func accountOf(dir string) (account, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return account{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}, fmt.Errorf("%s: unknown owner", dir)
	}
	uid := int(st.Uid)
	switch euid := os.Geteuid(); {
	case uid == 0:
		return account{}, fmt.Errorf("%s belongs to root, and PostgreSQL does not run as root", dir)
	case uid == euid:
		return serverAccount(), nil
	case euid != 0:
		return account{}, fmt.Errorf("%s belongs to another user (uid %d)", dir, uid)
	}
	return account{uid: uid, gid: int(st.Gid), name: nameOf(uid), switched: true}, nil
}

func nameOf(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return ""
	}
	return u.Username
}

func (a account) String() string {
	if a.name != "" {
		return a.name
	}
	return "uid " + strconv.Itoa(a.uid)
}

// attr starts a process as the account, out of reach of the terminal's
// signals.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// own gives a file to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// command prepares a short-lived program to run as the account.
func (a account) command(ctx context.Context, env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/"
	cmd.Env = programEnv(env)
	cmd.SysProcAttr = a.attr()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killedWait
	return cmd
}

// output runs a program and returns what it printed; its complaints are in
// the error.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if said := lastLines(stderr.String(), 6); said != "" {
			return stdout.String(), fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, said)
		}
		return stdout.String(), fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return stdout.String(), nil
}

// programEnv is the whole environment of a PostgreSQL program.
func programEnv(extra []string) []string {
	return append([]string{"PATH=/usr/bin:/bin", "HOME=/", "LC_ALL=C", "TZ=UTC"}, extra...)
}

// checkEnter tests, as the account, that it can reach dir.
func (a account) checkEnter(ctx context.Context, dir string) error {
	if !a.switched || open(dir) {
		return nil
	}
	cmd := a.command(ctx, nil, "/bin/sh", "-c", ":")
	cmd.Dir = dir
	if _, err := output(cmd); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the account %s, which the server runs as, cannot enter %s", a, dir)
	}
	return nil
}

// open reports whether everybody can enter a directory, whoever owns it and those
// above it.
func open(dir string) bool {
	const everybody = 0o111
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || !filepath.IsAbs(real) {
		return false
	}
	for {
		info, err := os.Stat(real)
		if err != nil || !info.IsDir() || info.Mode()&everybody != everybody {
			return false
		}
		if real == filepath.Dir(real) {
			return true
		}
		real = filepath.Dir(real)
	}
}

// publicEnv is the environment for programs that are not PostgreSQL's: what they
// may need, such as a proxy, without what belongs to databases.
func publicEnv(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(setting string) bool {
		name, value, _ := strings.Cut(setting, "=")
		upper := strings.ToUpper(name)
		if strings.HasPrefix(upper, "NPM_CONFIG_") {
			return false
		}
		return strings.HasPrefix(upper, "PG") || strings.HasPrefix(upper, "CAIRN_") || strings.Contains(upper, "PASSWORD") ||
			strings.Contains(upper, "SECRET") || strings.Contains(value, "postgres://") || strings.Contains(value, "postgresql://")
	})
}

// lastLines is the end of a text on one line.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], " / ")
}
