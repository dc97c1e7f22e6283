package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// How often a statement is looked at. A transaction that waits for its locks
// only shortly is looked at more often while it begins, so that who keeps it
// from them is known when it gives up.
const (
	firstLook = 200 * time.Millisecond
	nextLook  = 250 * time.Millisecond
	leastLook = 20 * time.Millisecond
	beginning = 2 * time.Second
)

// connectLimit is how long the watcher may take to connect.
const connectLimit = 5 * time.Second

// watchSettings are those of the session that watches. It acts as the role that
// logged in, as the server shows a session to the role that it belongs to.
const watchSettings = "SET ROLE NONE; SET search_path = ''; SET statement_timeout = '1s'; SET lock_timeout = '200ms'; SET idle_session_timeout = 0"

// watcher looks at the run from a session of its own while a statement runs, and
// tells how far it is and who is in its way. It connects when the first statement takes
// long enough to be looked at. Between two looks its session has no transaction, so
// that nothing waits for it.
type watcher struct {
	plan    *schema.Plan
	options Options
	ctx     context.Context // of the looks, ends with the run
	cancel  context.CancelFunc
	running sync.WaitGroup

	looking sync.Mutex // held during a look, guards these
	conn    *pgx.Conn  // nil before the first look, and when there is none
	pid     int        // of the run
	off     bool       // there will be no look
	refused map[string]bool

	mu      sync.Mutex // held while an event is told, guards these
	task    *task      // nil between two statements
	last    *task      // the same, or the one before
	segment int
	kept    map[string]time.Time // when the run began to be kept from each lock, over the tries of a segment
	told    string               // who was said to be in the way
	patient time.Duration        // how long the statements of the transaction wait for a lock, 0 for any time
	longest time.Duration        // that the run waited for one lock
}

// task is one statement while it runs.
type task struct {
	step     int // from 0
	start    time.Time
	done     chan struct{}
	blockers []schema.Session // whom the last look found in its way
}

func newWatcher(ctx context.Context, p *schema.Plan, o Options) *watcher {
	w := &watcher{plan: p, options: o, refused: map[string]bool{}, segment: -1}
	w.ctx, w.cancel = context.WithCancel(ctx)
	return w
}

// close ends the looks and the session.
func (w *watcher) close() {
	w.cancel()
	w.running.Wait()
	w.disconnect()
}

func (w *watcher) disconnect() {
	if w.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = w.conn.Close(ctx) // it holds nothing
	}
	w.conn, w.off = nil, true
}

// longestWait returns how long the run waited for one lock at most.
func (w *watcher) longestWait() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.longest
}

// patience says how long the statements that follow wait for a lock.
func (w *watcher) patience(limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patient = limit
}

// during looks at a message of so many steps, the first of which is given, until
// the function that it returns is called.
func (w *watcher) during(step, steps int) (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if segment := w.plan.Steps[step].Segment; segment != w.segment {
		w.segment, w.kept, w.told = segment, map[string]time.Time{}, ""
	}
	t := &task{step: step, start: time.Now(), done: make(chan struct{})}
	w.task, w.last = t, t
	w.running.Add(1)
	go w.follow(t, steps, w.patient)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.task = nil
		close(t.done)
	}
}

// gaveUp returns who kept the last statement from its lock, after it ended with
// an error.
func (w *watcher) gaveUp(limit time.Duration, err error) []schema.Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	if pg.IsLockTimeout(err) {
		w.longest = max(w.longest, limit)
	}
	return w.last.blockers
}

func (w *watcher) follow(t *task, steps int, patient time.Duration) {
	defer w.running.Done()
	pause := pace(firstLook, patient)
	if steps > 1 { // such steps wait for nobody
		pause = min(time.Duration(steps)*firstLook, beginning)
	}
	for {
		select {
		case <-t.done:
			return
		case <-w.ctx.Done():
			return
		case <-time.After(pause):
		}
		w.look(t)
		if pause = nextLook; time.Since(t.start) < beginning {
			pause = pace(nextLook, patient)
		}
	}
}

func pace(most, patient time.Duration) time.Duration {
	if patient <= 0 {
		return most
	}
	return max(min(most, patient/2), leastLook)
}

// look tells what the server says of a statement. Without a session of its own,
// it tells how long the statement has been running.
func (w *watcher) look(t *task) {
	w.looking.Lock()
	defer w.looking.Unlock()
	s, err := w.read()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		return
	}
	if late := pg.IsCanceled(err) || pg.IsLockTimeout(err); err != nil && (w.conn == nil || w.conn.IsClosed() || !late) {
		w.disconnect()
		w.tell(schema.Event{Name: schema.Unwatched, Message: "no second session watches this run: " + err.Error()})
	}
	if w.task != t {
		return
	}
	now := time.Now()
	w.longest = max(w.longest, s.waited)
	if len(s.blockers) > 0 {
		t.blockers = sessions(s.blockers)
		w.block(t, s)
	}
	if s.progress == nil && s.lock == "" {
		s.progress = unreported(w.plan.Steps[t.step])
	}
	w.tell(schema.Event{Name: schema.StepProgress, Step: t.step + 1, Elapsed: now.Sub(t.start), Waited: s.waited, Progress: s.progress})
	if first, known := w.kept[s.lock]; s.lock != "" && !known {
		w.kept[s.lock] = now.Add(-s.waited)
	} else if s.lock != "" && w.options.TerminateAfter > 0 && now.Sub(first) >= w.options.TerminateAfter {
		w.terminate(t, s, now.Sub(first))
	}
}

// block tells of sessions that are in the way, unless the same were told of.
func (w *watcher) block(t *task, s sight) {
	who := ""
	for _, b := range s.blockers {
		who += b.key() + "\n"
	}
	if who == w.told {
		return
	}
	w.told = who
	w.tell(schema.Event{Name: schema.Blocked, Step: t.step + 1, Elapsed: time.Since(t.start), Waited: s.waited, Sessions: t.blockers,
		Message: fmt.Sprintf("step %d waits for a lock%s", t.step+1, blockedBy(", ", t.blockers))})
}

// event tells an event of the run itself.
func (w *watcher) event(e schema.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell(e)
}

// tell hands an event to the listener. The lock is held, so that events of both
// sessions come one after the other.
func (w *watcher) tell(e schema.Event) {
	if w.options.Events == nil {
		return
	}
	e.Time, e.Steps = time.Now(), len(w.plan.Steps)
	w.options.Events(e)
}

// unreported is what is known of a step that PostgreSQL reports no progress of:
// how much it has to read or write.
func unreported(s schema.Step) *schema.Progress {
	switch {
	case s.Bytes <= 0:
	case s.Rewrite:
		return &schema.Progress{Phase: "writing the table anew", Done: -1, Total: s.Bytes, Unit: "bytes"}
	case s.Scan:
		return &schema.Progress{Phase: "reading the table", Done: -1, Total: s.Bytes, Unit: "bytes"}
	}
	return nil
}

// connect opens the session, and finds that of the run by the advisory lock that
// it holds: behind a pooler, the client does not know the server's number of it.
func (w *watcher) connect() error {
	if w.options.Connect == nil {
		return errors.New("there is no way to connect")
	}
	ctx, cancel := context.WithTimeout(w.ctx, connectLimit)
	defer cancel()
	conn, err := w.options.Connect(ctx)
	if err != nil {
		return err
	}
	_, err = conn.PgConn().Exec(ctx, watchSettings).ReadAll()
	if err == nil {
		err = conn.QueryRow(ctx, `SELECT pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE d.datname = current_database() AND l.granted AND `+advisory("l"), pgx.QueryExecModeSimpleProtocol).Scan(&w.pid)
	}
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx)) // it holds nothing
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errors.New("it does not reach the server of the run")
	case err != nil:
		return fmt.Errorf("finding the session of the run: %w", err)
	}
	w.conn = conn
	return nil
}

// advisory is the condition on a row of pg_locks that it is the lock of runs.
func advisory(alias string) string {
	return fmt.Sprintf("%[1]s.locktype = 'advisory' AND %[1]s.classid = %[2]d AND %[1]s.objid = %[3]d AND %[1]s.objsubid = 1",
		alias, lockKey>>32, lockKey&0xffffffff)
}
