package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// newest is the version for what does not differ between versions.
func newest() int { return slices.Max(pgtest.Versions()) }

// apply returns the arguments that run a plan.
func (h *Harness) apply(user, plan string) []string {
	return []string{"apply", "-d", h.target(user), "--plan", plan, "--auto-approve", "--allow-destructive"}
}

// planFor plans for a text and returns the files.
func (h *Harness) planFor(t testing.TB, name, sql string, flags ...string) planned {
	t.Helper()
	var p planned
	p.snapshot, p.printed = h.Snapshot(t, name, sql)
	p.plan = h.dir + "/" + name + ".json"
	h.run(t, 0, append([]string{"plan", "-d", h.target("postgres"), "--file", "snapshot:" + p.snapshot, "--output-json", p.plan, "--no-prove"}, flags...)...)
	p.steps = steps(t, p.plan)
	return p
}

// quiet is a workload that did nothing.
func quiet() *Workload {
	w := StartWorkload(context.Background(), func() string { return "" })
	_ = w.Stop() // it had no server
	return w
}

// largestFile limits the size of the files that the server's processes write,
// and 0 lifts the limit. To them it is a disk that is full: the same call fails
// at the same place. Processes inherit it from the one that starts them.
func (h *Harness) largestFile(t testing.TB, bytes int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux can limit the files of a process that runs")
	}
	pid, err := h.Server.postmaster()
	if err != nil {
		t.Fatal(err)
	}
	limit := "unlimited"
	if bytes > 0 {
		limit = itoa(bytes)
	}
	cmd := exec.CommandContext(t.Context(), "prlimit", "--pid", itoa(pid), "--fsize="+limit+":")
	cmd.Dir = "/"
	info, err := os.Stat(h.Server.data())
	if err != nil {
		t.Fatal(err)
	}
	// A container's root may not do this to a process of another user.
	if owner := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("limiting the size of files: %v\n%s", err, out)
	}
}

// The disk is full: the step says so, and the same command finishes when there
// is room.
func TestDiskFull(t *testing.T) {
	for _, change := range []struct{ name, from, to string }{
		{"full-index", "CREATE INDEX orders_email ON orders (email);", "CREATE INDEX orders_email ON orders (email);\nCREATE INDEX orders_wide ON orders (email, note, id);"},
		{"full-rewrite", "    code bigint NOT NULL,", "    code numeric NOT NULL,"},
	} {
		t.Run(change.name, func(t *testing.T) {
			h := harness(t, newest())
			h.Fresh(t)
			pgtest.Exec(t, h.url(), "INSERT INTO orders SELECT n, 1, repeat('x', 20) || n, n, 1, 'ok', repeat('y', 40) FROM generate_series(100000, 160000) n")
			p := h.planFor(t, change.name, strings.Replace(text("base"), change.from, change.to, 1))
			before := h.dump(t)
			h.largestFile(t, 2<<20)
			failed := h.any(t, h.apply("postgres", p.plan)...)
			h.largestFile(t, 0)
			if failed.Exit != 1 || !strings.Contains(failed.Said, "step 1 failed") || !strings.Contains(failed.Said, "File too large") {
				t.Errorf("the error does not say which step found the disk full:\n%s", failed)
			}
			if change.name == "full-rewrite" && h.dump(t) != before {
				t.Error("a transaction that failed has changed the database")
			}
			h.finish(t, p, "postgres")
		})
	}
}

// finish demands that the same command ends where the plan leads, and that then
// there is nothing to do.
func (h *Harness) finish(t testing.TB, p planned, user string) {
	t.Helper()
	h.run(t, 0, h.apply(user, p.plan)...)
	if again := h.run(t, 0, h.apply(user, p.plan)...); !nothing(again.Out) {
		t.Errorf("there was something to do again:\n%s", again)
	}
	conn := h.connect(t)
	defer conn.Close(context.Background())
	if p.printed != "" {
		if got := h.dump(t); got != p.printed {
			t.Errorf("pg_dump differs from that of the desired state:\n%s", got)
		}
	}
	h.checkNothingLeft(t, conn)
	checkJournal(t, conn, p, false)
}

// occupy takes all connections of the server, and returns what gives them back.
func (h *Harness) occupy(t testing.TB) (free func()) {
	t.Helper()
	var all []*pgx.Conn
	for {
		conn, err := pgx.Connect(context.Background(), h.url())
		if err != nil {
			break
		}
		all = append(all, conn)
		if len(all) > connections {
			t.Fatalf("the server takes more than %d connections", connections)
		}
	}
	return func() {
		for _, conn := range all {
			_ = conn.Close(context.Background()) // nothing depends on it
		}
	}
}

// No connection is left: before the run, and for every other one while it runs.
func TestConnectionsTaken(t *testing.T) {
	h := harness(t, newest())
	p := h.plan(t, "indexes")
	h.Fresh(t)
	before := h.dump(t)
	free := h.occupy(t)
	failed := h.any(t, h.apply("postgres", p.plan)...)
	free()
	if failed.Exit != 1 || !strings.Contains(failed.Said, "too many clients") {
		t.Errorf("the error does not say that there are too many clients:\n%s", failed)
	}
	if h.dump(t) != before {
		t.Error("a run without a connection has changed the database")
	}
	h.finish(t, p, "postgres")

	h.Fresh(t)
	free = func() {}
	trap := &Trap{Point: At(Before, "^CREATE INDEX CONCURRENTLY orders_amount"), Act: func(*Session) bool {
		free = h.occupy(t)
		return true
	}}
	h.Proxy.Arm(trap)
	defer h.Proxy.Arm(nil)
	middle := h.any(t, h.apply("postgres", p.plan)...)
	if reached, _, _ := trap.Finish(); !reached {
		t.Error("the run ended before the connections were taken")
	}
	free()
	if middle.Exit != 0 && (middle.Exit != 1 || !strings.Contains(middle.Said, "too many clients")) {
		t.Errorf("a run that finds all connections taken says neither that it is done nor why not:\n%s", middle)
	}
	h.finish(t, p, "postgres")
}

// The role loses a privilege between two steps: the step says so, and the same
// command finishes when the role has it again.
func TestPrivilegeLost(t *testing.T) {
	h := harness(t, newest())
	h.Fresh(t)
	pgtest.Exec(t, h.url(), fmt.Sprintf(`DO $$ BEGIN CREATE ROLE deployer LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT CREATE ON DATABASE %s TO deployer; GRANT CREATE ON SCHEMA public TO deployer;
ALTER TABLE accounts OWNER TO deployer; ALTER TABLE orders OWNER TO deployer; ALTER TABLE events OWNER TO deployer; ALTER TABLE events_old OWNER TO deployer;
ALTER TABLE events_new OWNER TO deployer; ALTER VIEW bills OWNER TO deployer; ALTER FUNCTION rate OWNER TO deployer; ALTER TYPE mood OWNER TO deployer`, database))
	p := h.planFor(t, "privilege", text("indexes"), "--owners", "none", "--privileges", "none")
	p.printed = ""
	h.Proxy.Arm(&Trap{Point: At(Before, "^CREATE INDEX CONCURRENTLY orders_amount"), Act: func(*Session) bool {
		pgtest.Exec(t, h.url(), "REVOKE CREATE ON SCHEMA public FROM deployer")
		return true
	}})
	defer h.Proxy.Arm(nil)
	failed := h.any(t, h.apply("deployer", p.plan)...)
	if failed.Exit != 1 || !strings.Contains(failed.Said, "permission denied for schema public") || !strings.Contains(failed.Said, "orders_amount") {
		t.Errorf("the error does not say what was not permitted:\n%s", failed)
	}
	pgtest.Exec(t, h.url(), "GRANT CREATE ON SCHEMA public TO deployer")
	h.finish(t, p, "deployer")
	h.run(t, 0, "plan", "-d", h.target("deployer"), "--file", "snapshot:"+p.snapshot, "--owners", "none", "--privileges", "none", "--no-prove", "--exit-code")
}
