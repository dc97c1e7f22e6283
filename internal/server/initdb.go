package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// initData makes a new data directory as the account. What is not durable is
// also made smaller, so that copying it is quick.
func initData(ctx context.Context, b Binaries, acct account, data, superuser string, durable bool) error {
	if err := makeOwned(data, acct); err != nil {
		return err
	}
	args := []string{"-D", data, "-U", superuser, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-instructions"}
	if !durable {
		args = append(args, "--no-sync", "--wal-segsize=1")
		if b.Major >= 18 {
			args = append(args, "--no-data-checksums")
		}
	}
	return runNamed(ctx, b, acct, "", "initdb", args...)
}

// segments is how many files of the log initdb makes ready at most, the least
// min_wal_size (manual chapter 19.5).
const segments = 5

// makeOnly makes an empty database in a new data directory, in place of the one
// that initdb makes for users.
//
// The log of initdb is left behind: its segments, used ones and those made ready, are
// more than a third of what a server starts with.
func makeOnly(ctx context.Context, b Binaries, acct account, data, name string) error {
	statements := CreateDatabase(b.Major, name) + "\nDROP DATABASE postgres\n" + strings.Repeat("CHECKPOINT\nSELECT pg_switch_wal()\n", segments) // a line each
	err := runNamed(ctx, b, acct, statements, "postgres", "--single", "-F", "-D", data,
		"-c", "exit_on_error=on", "-c", "wal_recycle=off", "-c", "min_wal_size=2MB", "-c", "log_checkpoints=off", "-c", "dynamic_shared_memory_type=mmap", systemDatabase)
	if err != nil {
		return fmt.Errorf("making database %s: %w", name, err)
	}
	return nil
}

// runNamed runs a program of the server as the account, which looks like a named
// user to it where it insists on a name.
func runNamed(ctx context.Context, b Binaries, acct account, stdin, program string, args ...string) error {
	run := func(borrow func(*exec.Cmd) error) error {
		cmd := acct.command(ctx, b.Env, filepath.Join(b.Bin, program), args...)
		cmd.Stdin = strings.NewReader(stdin)
		if err := borrow(cmd); err != nil {
			return err
		}
		_, err := output(cmd)
		return err
	}
	err := run(func(*exec.Cmd) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "could not look up effective user ID") {
		return err
	}
	if err := run(func(cmd *exec.Cmd) error { return borrowName(acct, cmd.SysProcAttr) }); err != nil {
		return fmt.Errorf("%w (uid %d has no name: add it to the user database)", err, acct.uid)
	}
	return nil
}

// makeOwned creates a directory that only the account and root can enter.
func makeOwned(dir string, acct account) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return acct.own(dir)
}
