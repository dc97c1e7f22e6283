package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// clientBackend is the type of a session that a client has.
const clientBackend = "client backend"

// terminate ends the sessions that hold the lock which the run has been kept
// from. Sessions that only wait before it are not ended when others hold it:
// they go on when those are gone. Then everybody has as long again.
func (w *watcher) terminate(t *task, s sight, kept time.Duration) {
	list := s.blockers
	if slices.ContainsFunc(list, func(b blocker) bool { return b.holds }) {
		list = slices.DeleteFunc(slices.Clone(list), func(b blocker) bool { return !b.holds })
	}
	var ended []schema.Session
	for _, b := range list {
		done, refusal := w.end(b)
		if done {
			ended = append(ended, b.Session)
		}
		if refusal == "" || w.refused[b.key()] {
			continue
		}
		w.refused[b.key()] = true
		w.tell(schema.Event{Name: schema.NotTerminated, Step: t.step + 1, Sessions: []schema.Session{b.Session},
			Message: fmt.Sprintf("not terminated, %s: %s", refusal, describe(b.Session))})
	}
	if len(ended) > 0 {
		delete(w.kept, s.lock)
		w.tell(schema.Event{Name: schema.Terminated, Step: t.step + 1, Waited: s.waited, Sessions: ended,
			Message: fmt.Sprintf("terminated after step %d was kept from a lock for %s: %s", t.step+1, round(kept), named(ended, "; and "))})
	}
}

// end ends a session, unless it went or made way meanwhile. The refusal says why
// it may not.
func (w *watcher) end(b blocker) (done bool, refusal string) {
	switch {
	case b.Prepared != "":
		return false, "as ROLLBACK PREPARED is for a person to decide"
	case b.cairn || b.Application == "cairn" || strings.HasPrefix(b.Application, "cairn "):
		return false, "as it is a run of cairn"
	case b.Type == "":
		return false, "as this role may not see what sort of session it is (pg_read_all_stats lets it)"
	case b.Type != clientBackend:
		return false, "as it is no client's session"
	}
	err := w.conn.QueryRow(w.ctx, fmt.Sprintf(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = %d AND backend_start::text = %s AND pid = ANY (pg_blocking_pids(%d))`, b.PID, pg.QuoteLiteral(b.started), w.pid),
		pgx.QueryExecModeSimpleProtocol).Scan(&done)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, ""
	case err != nil && !pg.IsCanceled(err): // who may end which session is for the server to say
		return false, "as the server says " + plain(err.Error()+pg.Detail(err), 3*mostQuery)
	}
	return done, ""
}
