package chaos

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// Somebody changes the target by hand after the plan was made: it is refused by
// name, and nothing is changed.
func TestChangedBeforeApply(t *testing.T) {
	h := harness(t, newest())
	p := h.plan(t, "columns")
	for _, by := range []struct{ name, sql, says string }{
		{"what the plan changes", "ALTER TABLE orders ADD COLUMN surprise int", "surprise"},
		{"what it leaves alone", "CREATE INDEX surprise ON accounts (name)", "surprise"},
	} {
		t.Run(by.name, func(t *testing.T) {
			h.Fresh(t)
			pgtest.Exec(t, h.url(), by.sql)
			before := h.dump(t)
			r := h.any(t, h.apply("postgres", p.plan)...)
			if r.Exit != 3 || !strings.Contains(r.Said, by.says) {
				t.Errorf("exit %d, want 3 and the name %q:\n%s", r.Exit, by.says, r)
			}
			if diff := cmp.Diff(before, h.dump(t)); diff != "" {
				t.Errorf("the refused plan has changed the database: %s", diff)
			}
		})
	}
}

// Somebody changes the target by hand between two steps of a run: it does not end
// as if nothing had happened.
func TestChangedWhileApplied(t *testing.T) {
	h := harness(t, newest())
	p := h.plan(t, "indexes")
	for _, by := range []struct{ name, sql, says string }{
		{"what it leaves alone", "CREATE INDEX surprise ON accounts (name)", "surprise"},
		{"what a step before has made", "DROP INDEX orders_account", "orders_account"},
		{"what a step after is to drop", "DROP INDEX orders_email", "orders_email"},
	} {
		t.Run(by.name, func(t *testing.T) {
			h.Fresh(t)
			h.Proxy.Arm(&Trap{Point: At(Before, "^CREATE INDEX CONCURRENTLY orders_amount"), Act: func(*Session) bool {
				pgtest.Exec(t, h.url(), by.sql)
				return true
			}})
			defer h.Proxy.Arm(nil)
			h.notSilent(t, p, h.any(t, h.apply("postgres", p.plan)...), by.says)
		})
	}
}

// notSilent demands that a run that did not lead to the desired state says so.
func (h *Harness) notSilent(t testing.TB, p planned, r Result, says string) {
	t.Helper()
	if h.dump(t) == p.printed {
		if r.Exit != 0 {
			t.Logf("it ended in the desired state, and said:\n%s", r)
		}
		return
	}
	if r.Exit != 1 && r.Exit != 3 || !strings.Contains(r.Said, "error: ") || !strings.Contains(r.Said, says) {
		t.Errorf("the target is not in the desired state, and nothing says why (want %q):\n%s", says, r)
	}
}

// stop stops a run at a point by killing the program.
func (h *Harness) stop(t testing.TB, p planned, at Point) Result {
	t.Helper()
	return h.withFault(t, Scenario{Fault: Kill, Point: at}, h.apply("postgres", p.plan))[0]
}

// Somebody changes the target by hand between the fault and the run that goes on:
// it is refused by name with nothing changed, or the step that misses something
// fails, and it goes on when the change is taken back. What a step is to drop may
// be gone.
func TestChangedBeforeResume(t *testing.T) {
	h := harness(t, newest())
	for _, by := range []struct {
		name, of  string
		at        Point
		sql, undo string // without an undo, the run goes on as it is
		says      string
		exit      int
	}{
		{"what a step has made", "columns", AtCommit(After, "ADD COLUMN flag"), "ALTER TABLE orders DROP COLUMN flag", "ALTER TABLE orders ADD COLUMN flag boolean NOT NULL DEFAULT false", "flag", 3},
		{"what the plan leaves alone", "columns", AtCommit(After, "ADD COLUMN flag"), "CREATE INDEX surprise ON accounts (name)", "DROP INDEX surprise", "surprise", 3},
		{"what a step is to drop", "indexes", At(Before, "^CREATE INDEX CONCURRENTLY orders_amount"), "DROP INDEX orders_email", "", "", 0},
		{"what a step has made and one is to need", "keys", At(Before, "USING INDEX orders_code_key"), "DROP INDEX orders_code_key", "CREATE UNIQUE INDEX orders_code_key ON orders (code)", "orders_code_key", 1},
	} {
		t.Run(by.name, func(t *testing.T) {
			p := h.plan(t, by.of)
			h.Fresh(t)
			h.stop(t, p, by.at)
			pgtest.Exec(t, h.url(), by.sql)
			before := h.dump(t)
			r := h.any(t, h.apply("postgres", p.plan)...)
			if by.undo == "" { // what was done by hand is what the plan does
				if r.Exit != 0 || h.dump(t) != p.printed {
					t.Errorf("the run did not go on:\n%s", r)
				}
				return
			}
			if r.Exit != by.exit || !strings.Contains(r.Said, by.says) {
				t.Errorf("exit %d, want %d and the name %q:\n%s", r.Exit, by.exit, by.says, r)
			}
			if diff := cmp.Diff(before, h.dump(t)); diff != "" {
				t.Errorf("the refused run has changed the database: %s", diff)
			}
			pgtest.Exec(t, h.url(), by.undo)
			h.finish(t, p, "postgres")
		})
	}
}

// The clocks of the machines differ by years between the fault and the run that
// goes on: every time in the journal is moved, and nothing depends on it.
func TestClockMoved(t *testing.T) {
	h := harness(t, newest())
	p := h.plan(t, "indexes")
	h.Fresh(t)
	h.stop(t, p, At(Inside, "^CREATE INDEX CONCURRENTLY orders_amount"))
	if moved := h.moveClock(t, "10 years"); moved == 0 {
		t.Error("the journal holds no time")
	}
	h.finish(t, p, "postgres")
	h.moveClock(t, "-20 years")
	if again := h.run(t, 0, h.apply("postgres", p.plan)...); !nothing(again.Out) {
		t.Errorf("there was something to do again:\n%s", again)
	}
}

// moveClock moves all times of the journal, and returns how many columns hold
// one.
func (h *Harness) moveClock(t testing.TB, by string) int {
	t.Helper()
	conn := h.connect(t)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT format('UPDATE %s SET %I = %2$I + interval %L', attrelid::regclass, attname, $1::text) FROM pg_attribute
WHERE attrelid IN (to_regclass('cairn.run'), to_regclass('cairn.step')) AND atttypid = 'timestamptz'::regtype AND NOT attisdropped`, by)
	if err != nil {
		t.Fatal(err)
	}
	updates, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range updates {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(fmt.Errorf("%s: %w", sql, err))
		}
	}
	return len(updates)
}
