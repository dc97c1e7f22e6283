package pgtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// pend interrupts the detachment of a partition between its two transactions.
func pend(t *testing.T, url, table, partition string) {
	t.Helper()
	other, conn := pgtest.Connect(t, url), pgtest.Connect(t, url)
	if _, err := other.Exec(t.Context(), "BEGIN; LOCK TABLE ONLY "+table+" IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SET statement_timeout = '300ms'"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "ALTER TABLE "+table+" DETACH PARTITION "+partition+" CONCURRENTLY"); !pg.IsCanceled(err) {
		t.Fatalf("the detachment was not interrupted: %v", err)
	}
	if _, err := other.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	for pending := false; !pending; time.Sleep(10 * time.Millisecond) {
		if err := other.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhdetachpending)").Scan(&pending); err != nil {
			t.Fatal(err)
		}
	}
}

// What an interrupted DETACH PARTITION CONCURRENTLY has left, which PostgreSQL lets
// nobody alter, is detached to the end by whatever plan comes next.
func TestPendingDetach(t *testing.T) {
	const parent = `CREATE TABLE p (id integer NOT NULL, note text) PARTITION BY RANGE (id); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);`
	const before = parent + `CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE INDEX ON p (id); INSERT INTO p VALUES (1), (11);`
	eachVersion(t, func(t *testing.T, major int) {
		for name, to := range map[string]string{
			"detached":             "CREATE INDEX ON p (id); CREATE TABLE p1 (id integer NOT NULL, note text); CREATE INDEX p1_id_idx ON p1 (id)",
			"detached and changed": "CREATE INDEX ON p (id); CREATE TABLE p1 (id bigint NOT NULL, note text, more text); CREATE INDEX p1_id_idx ON p1 (id)",
			"dropped":              "CREATE INDEX ON p (id)",
			"dropped offline":      "CREATE INDEX ON p (id)",
		} {
			offline := name == "dropped offline"
			t.Run(name, func(t *testing.T) {
				url := clusters.Load(t, major, before)
				pgtest.Exec(t, url, "ALTER TABLE p1 ADD CONSTRAINT cairn_new_p1 CHECK (id >= 0 AND id < 10)")
				pend(t, url, "p", "p1")
				plan := pgtest.ApplyWhole(t, pgtest.NewEngine(t), cairn.PlanRequest{Target: cairn.Connection{Database: url},
					Desired: desiredFile(t, parent+to), Prove: cairn.Full, Offline: offline})
				if !offline && !strings.HasSuffix(plan.Steps[0].SQL, " DETACH PARTITION public.p1 FINALIZE") {
					t.Errorf("the first step is %s", plan.Steps[0].SQL)
				}
			})
		}
	})
}
