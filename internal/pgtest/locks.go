package pgtest

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// lockWatch looks at the locks of a run from a second session, each time that a
// statement is done and its transaction still open.
type lockWatch struct {
	t      testing.TB
	conn   *pgx.Conn
	before []uint32                  // relations that were there when the run began
	held   map[int]map[string]string // step, relation without quotes, strongest mode
}

func newLockWatch(t testing.TB, url string) *lockWatch {
	return &lockWatch{t: t, conn: Connect(t, url), held: map[int]map[string]string{}}
}

// event is a listener of the engine.
func (w *lockWatch) event(e schema.Event) {
	ctx := w.t.Context()
	switch e.Name {
	case "step-start":
		if e.Step == 1 {
			if err := w.conn.QueryRow(ctx, "SELECT array_agg(oid) FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'f', 'v', 'S')").Scan(&w.before); err != nil {
				w.t.Errorf("listing relations: %v", err)
			}
		}
	case "step-done":
		rows, err := w.conn.Query(ctx, `SELECT replace(n.nspname || '.' || c.relname, '"', ''), l.mode
FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.locktype = 'relation' AND l.granted AND a.datname = current_database() AND l.database = a.datid AND a.application_name ~ '^cairn [0-9]+/'
	AND c.oid = ANY ($1) AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i' AND c.relkind = 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`, w.before)
		if err != nil {
			w.t.Errorf("looking at locks: %v", err)
			return
		}
		w.held[e.Step] = map[string]string{}
		var relation, mode string
		_, err = pgx.ForEachRow(rows, []any{&relation, &mode}, func() error {
			if known := w.held[e.Step][relation]; strength(words(mode)) > strength(known) {
				w.held[e.Step][relation] = words(mode)
			}
			return nil
		})
		if err != nil {
			w.t.Errorf("looking at locks: %v", err)
		}
	}
}

func strength(mode string) int { return kind.Lock(mode).Strength() }

// strong reports whether the lock keeps others from more than taking the same.
func strong(mode string) bool { return strength(mode) > kind.RowExclusive.Strength() }

// words turns ShareUpdateExclusiveLock into SHARE UPDATE EXCLUSIVE.
func words(mode string) string {
	var b strings.Builder
	for i, r := range strings.TrimSuffix(mode, "Lock") {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// compare demands that what the steps of a transaction held is what they
// promised because it was observed on the shadow, for every lock that keeps
// others from changing the relation's rows or its definition.
func (w *lockWatch) compare(p *schema.Plan) {
	w.t.Helper()
	promised := map[string]string{}
	for i, s := range p.Steps {
		if i == 0 || s.Segment != p.Steps[i-1].Segment {
			promised = map[string]string{}
		}
		for _, l := range s.Locks {
			_, name, _ := strings.Cut(strings.ReplaceAll(l.Relation, `"`, ""), ":")
			if strong(l.Lock) && strength(l.Lock) > strength(promised[name]) {
				promised[name] = l.Lock
			}
		}
		if s.NoTx || !s.Observed {
			continue // the locks of the first are gone when it is done
		}
		for name, mode := range w.held[i+1] {
			if strong(mode) && mode != promised[name] {
				w.t.Errorf("step %d held %s on %s, and %q was promised: %s", i+1, mode, name, promised[name], s.SQL)
			}
		}
		for name, mode := range promised {
			if held := w.held[i+1][name]; strength(held) < strength(mode) {
				w.t.Errorf("step %d promised %s on %s, and %q was held: %s", i+1, mode, name, held, s.SQL)
			}
		}
	}
}
