package server

import (
	"context"
	"fmt"
	"os"
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
	program := filepath.Join(b.Bin, "initdb")
	cmd := acct.command(ctx, b.Env, program, args...)
	_, err := output(cmd)
	if err == nil || !strings.Contains(err.Error(), "could not look up effective user ID") {
		return err
	}
	cmd = acct.command(ctx, b.Env, program, args...)
	if err := borrowName(acct, cmd.SysProcAttr); err != nil {
		return err
	}
	if _, err := output(cmd); err != nil {
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
