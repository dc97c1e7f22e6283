package load

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

var testServer string // connection string of the tests' own server

func TestMain(m *testing.M) {
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withServer(run func() int) (int, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "load")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	server := func(name string, args ...string) error {
		command := exec.Command(filepath.Join(bin, name), args...)
		command.Dir = dir
		if account, err := user.Lookup("postgres"); os.Getuid() == 0 && err == nil {
			uid, _ := strconv.Atoi(account.Uid)
			gid, _ := strconv.Atoi(account.Gid)
			if err := os.Chown(dir, uid, gid); err != nil {
				return err
			}
			command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		}
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		return nil
	}
	data := filepath.Join(dir, "data")
	if err := server("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C"); err != nil {
		return 0, err
	}
	if err := server("pg_ctl", "-w", "-D", data, "-l", filepath.Join(dir, "log"), "-o", "-F -h '' -k "+dir, "start"); err != nil {
		return 0, err
	}
	defer server("pg_ctl", "-w", "-D", data, "-m", "immediate", "stop")
	testServer = "host=" + dir + " user=postgres dbname="
	return run(), nil
}

func postgresBinaries() (string, error) {
	if bin := os.Getenv("CAIRN_POSTGRES_BIN"); bin != "" {
		return bin, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", fmt.Errorf("no initdb found; set CAIRN_POSTGRES_BIN")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

var databases atomic.Int32

// newDatabase returns a connection to an empty database.
func newDatabase(t testing.TB) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, testServer+"postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx)
	name := fmt.Sprintf("t%d", databases.Add(1))
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, testServer+name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}
