package chaos

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// check looks from outside at what a change that is done has left.
func (h *Harness) check(t testing.TB, p planned, w *Workload, file bool) {
	t.Helper()
	conn := h.connect(t)
	defer conn.Close(context.Background())
	if !file { // then the last run was by the next plan
		if r := h.any(t, "plan", "-d", h.target("postgres"), "--file", "snapshot:"+p.snapshot, "--no-prove", "--exit-code"); r.Exit != 0 {
			t.Errorf("the next plan is not empty:\n%s", r)
		}
	}
	if diff := cmp.Diff(p.printed, h.dump(t)); diff != "" {
		t.Errorf("pg_dump differs (-desired +target):\n%s", diff)
	}
	h.checkNothingLeft(t, conn)
	differences, err := w.Differences(t.Context(), conn)
	if err != nil {
		t.Errorf("looking at the rows: %v", err)
	}
	for i, d := range differences {
		if i == 10 {
			t.Errorf("and %d more", len(differences)-i)
			break
		}
		t.Error(d)
	}
	checkJournal(t, conn, p, file)
}

// remains are queries that yield a line for everything that a run must not leave.
const remains = `SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid OR NOT indisready OR NOT indislive
UNION ALL SELECT 'pending detachment of ' || inhrelid::regclass FROM pg_inherits WHERE inhdetachpending
UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class WHERE relname ~ '^cairn_(old|new)_|_ccnew|_ccold'
UNION ALL SELECT 'constraint ' || conname || ' of ' || conrelid::regclass FROM pg_constraint WHERE conname ~ '^cairn_(old|new)_'
UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typname ~ '^_*cairn_(old|new)_'
UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proname ~ '^cairn_(old|new)_'
UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname ~ '^cairn_(old|new)_'
UNION ALL SELECT 'constraint that was not validated: ' || conname FROM pg_constraint WHERE NOT convalidated
UNION ALL SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
UNION ALL SELECT format('lock %s %s of process %s (%s)', locktype, mode, pid, (SELECT application_name FROM pg_stat_activity a WHERE a.pid = l.pid))
	FROM pg_locks l WHERE pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT format('session of %s, process %s: %s', application_name, pid, query) FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`

// patient is how long what the server does by itself may take: a process whose
// client is gone ends with its statement.
const patient = 15 * time.Second

// checkNothingLeft demands that there is nothing half done, no helper and no
// lock.
func (h *Harness) checkNothingLeft(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(patient); ; time.Sleep(20 * time.Millisecond) {
		rows, err := conn.Query(t.Context(), remains)
		if err == nil {
			left, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			t.Errorf("looking for what is left: %v", err)
			return
		}
		if len(left) == 0 || time.Now().After(deadline) {
			break
		}
	}
	for _, l := range left {
		t.Errorf("left behind: %s", l)
	}
}

// checkJournal demands that the journal says of every step that it was done once.
func checkJournal(t testing.TB, conn *pgx.Conn, p planned, file bool) {
	t.Helper()
	text := func(sql string, args ...any) string {
		var s string
		if err := conn.QueryRow(t.Context(), sql, args...).Scan(&s); err != nil {
			t.Errorf("reading the journal: %v", err)
		}
		return s
	}
	if text("SELECT coalesce(to_regclass('cairn.run')::text, '')") == "" {
		t.Error("there is no journal")
		return
	}
	failed := false
	complain := func(format string, args ...any) {
		failed = true
		t.Errorf("the journal: "+format, args...)
	}
	// A plan that finds nothing to do is no run, so it does not end one that was
	// stopped after its last step.
	if open := text(`SELECT coalesce(string_agg(format('run %s is %s', id, state), ', '), '') FROM cairn.run r WHERE state IN ('running', 'stopped')
	AND NOT ($1 AND id = (SELECT max(id) FROM cairn.run) AND steps = (SELECT count(*) FROM cairn.step s WHERE s.run = r.id AND outcome = 'done'))`, file); open != "" {
		complain("%s", open)
	}
	done := text("SELECT coalesce(string_agg(step::text, ' ' ORDER BY step), '') FROM cairn.step WHERE outcome = 'done' AND run = (SELECT max(id) FROM cairn.run WHERE state = 'done')")
	if !file {
		var want []string
		for i := range p.steps {
			want = append(want, itoa(i+1))
		}
		if done != strings.Join(want, " ") {
			complain("steps %s are done, want each of 1 to %d once", done, p.steps)
		}
		if n := text("SELECT count(*)::text FROM cairn.run WHERE state = 'done'"); n != "1" {
			complain("%s runs are done, want 1", n)
		}
	}
	if twice := text("SELECT coalesce(string_agg(format('step %s of run %s: %s', step, run, n), ', '), '') FROM (SELECT run, step, count(*) AS n FROM cairn.step WHERE outcome = 'done' GROUP BY run, step HAVING count(*) > 1) x"); twice != "" {
		complain("done more than once: %s", twice)
	}
	if failed {
		t.Errorf("%s", journal(t, conn))
	}
}

// journal prints the rows of the journal.
func journal(t testing.TB, conn *pgx.Conn) string {
	t.Helper()
	var b strings.Builder
	for _, table := range []string{"run", "step"} {
		rows, err := conn.Query(t.Context(), "SELECT (to_jsonb(j) - 'plan' - 'before')::text FROM cairn."+table+" j")
		if err != nil {
			return fmt.Sprintf("reading the journal: %v", err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Sprintf("reading the journal: %v", err)
		}
		fmt.Fprintf(&b, "cairn.%s:\n  %s\n", table, strings.Join(all, "\n  "))
	}
	return b.String()
}
