package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// runner is one trial at work.
type runner struct {
	Trial
	result    *Result
	relations map[int64]*relation // by oid
	byID      map[string]*relation
	list      string // see watched
	before    view   // outside a transaction, before the next segment
	counts    map[counted]int64
	touched   map[int64]bool // tables that have rows made by the trial
	emptied   map[string]bool
	names     map[string]bool // objects that the plan is about
	skip      map[int]bool    // steps that cannot be tried here
	extra     []*pgx.Conn     // further sessions
	ahead     chan opened     // receives one that is being opened, nil when none is
}

// opened is a session, or why there is none.
type opened struct {
	conn *pgx.Conn
	err  error
}

// close ends the further sessions.
func (r *runner) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if r.ahead != nil {
		_, _ = r.connect(ctx) // to be closed, too
	}
	for _, c := range r.extra {
		_ = c.Close(ctx) // they hold nothing that counts
	}
	r.extra = nil
}

// connect opens another session of the same database.
func (r *runner) connect(ctx context.Context) (*pgx.Conn, error) {
	if r.ahead == nil {
		r.openAhead(ctx)
	}
	o := <-r.ahead
	if r.ahead = nil; o.err != nil {
		return nil, fmt.Errorf("opening another session of the shadow: %w", o.err)
	}
	r.extra = append(r.extra, o.conn)
	return o.conn, nil
}

// openAhead begins to open another session, while the first does other work.
func (r *runner) openAhead(ctx context.Context) {
	config, done := r.Conn.Config().Copy(), make(chan opened, 1)
	r.ahead = done
	go func() {
		conn, err := pgx.ConnectConfig(ctx, config)
		done <- opened{conn, err}
	}()
}

// segment runs the steps [first, last) until they succeed, or fail for what the
// scratch database is not to blame for.
func (r *runner) segment(ctx context.Context, first, last int) error {
	for {
		err := r.try(ctx, first, last)
		if err == nil {
			return nil
		}
		var refused *StepError
		if !errors.As(err, &refused) || ctx.Err() != nil {
			return err
		}
		again, mendErr := r.mend(ctx, refused)
		if mendErr != nil {
			return mendErr
		}
		if !again {
			return err
		}
	}
}

// try runs the steps [first, last) in one transaction, or the one that cannot
// have one without.
func (r *runner) try(ctx context.Context, first, last int) error {
	if r.Plan.Steps[first].NoTx {
		if r.skip[first] {
			return nil
		}
		return r.alone(ctx, first)
	}
	tx, err := r.Conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("beginning a transaction on the shadow: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it does nothing
	counts := r.counts
	held, err := r.look(ctx, r.Conn) // reads of earlier transactions can still be counted
	if err != nil {
		return err
	}
	for i := first; i < last; i++ {
		if r.skip[i] {
			continue
		}
		if held, err = r.step(ctx, i, held); err != nil {
			r.counts = counts
			return err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		r.counts = counts
		return &StepError{Step: last, SQL: r.Plan.Steps[last-1].SQL, Err: err}
	}
	held.locks, held.scans = nil, nil
	r.before = held
	return nil
}

// step runs one statement inside a transaction and returns the view after it.
func (r *runner) step(ctx context.Context, i int, held view) (view, error) {
	step := r.Plan.Steps[i]
	elapsed, err := r.exec(ctx, i)
	if err != nil {
		return held, err
	}
	now, err := r.look(ctx, r.Conn)
	if err != nil {
		return held, err
	}
	o := r.observe(step, held, now)
	o.Elapsed = elapsed
	if r.canLose(o) {
		lost, err := r.lost(ctx)
		if err != nil {
			return held, err
		}
		o.Lost = lost
		again, err := r.look(ctx, r.Conn) // counting has read the tables
		if err != nil {
			return held, err
		}
		now.scans = again.scans
	}
	r.result.Steps[i] = o
	return now, nil
}

// exec runs the statement of a step.
func (r *runner) exec(ctx context.Context, i int) (time.Duration, error) {
	start := time.Now()
	if _, err := r.Conn.Exec(ctx, r.Plan.Steps[i].SQL); err != nil {
		return 0, &StepError{Step: i + 1, SQL: r.Plan.Steps[i].SQL, Err: err}
	}
	elapsed := time.Since(start)
	if r.Events != nil {
		r.Events(i+1, r.Plan.Steps[i].SQL, elapsed)
	}
	return elapsed, nil
}

// mend removes the cause of a refusal that lies in the scratch database and not
// in the step: what its server lacks, or the rows that the trial made. It
// reports whether the segment is worth another try.
func (r *runner) mend(ctx context.Context, refused *StepError) (again bool, err error) {
	i := refused.Step - 1
	step := r.Plan.Steps[i]
	code := pg.Code(refused.Err)
	switch {
	case code == "" || pg.IsConnection(refused.Err):
		return false, nil
	case r.Supply != nil && r.Supply(refused.Err):
		return true, nil
	case load.LacksProvider(step.SQL, refused.Err), pg.IsMissingRole(refused.Err), r.Lacks:
		r.skip[i] = true
		r.result.Omitted = append(r.result.Omitted, fmt.Sprintf("step %d was not tried: %s", refused.Step, reason(refused.Err)))
		return true, nil
	case r.Seed && isAboutRows(code):
		return r.discard(ctx, step, refused)
	}
	return false, nil
}

// isAboutRows reports whether other rows could have made the statement succeed:
// a constraint that they violate, a value that cannot be converted, an exception
// that a function raised, more or less rows than one.
func isAboutRows(code string) bool {
	switch code[:2] {
	case "23", "22", "P0", "21":
		return true
	}
	return false
}

// discard empties the tables whose rows a step fails on: the one that the server
// names, the one that the step is for, or all.
func (r *runner) discard(ctx context.Context, step schema.Step, refused *StepError) (again bool, err error) {
	var guilty []*relation
	schemaName, table := pg.Table(refused.Err)
	for _, w := range r.relations {
		if w.name == schemaName+"."+table || w.id.String() == step.Relation {
			guilty = append(guilty, w)
		}
	}
	var refs []string
	for _, candidates := range [][]*relation{guilty, r.allTouched()} {
		for _, w := range candidates {
			if (w.kind == "r" || w.kind == "p") && !r.emptied[w.ref] {
				refs = append(refs, w.ref)
				r.emptied[w.ref] = true
			}
		}
		if len(refs) > 0 {
			break
		}
	}
	if len(refs) == 0 {
		return false, nil
	}
	slices.Sort(refs)
	if err := r.dropInvalid(ctx); err != nil {
		return false, err
	}
	if _, err := r.Conn.Exec(ctx, "TRUNCATE "+strings.Join(refs, ", ")+" CASCADE"); err != nil {
		return false, nil // the refusal of the step says more
	}
	r.result.Omitted = append(r.result.Omitted,
		fmt.Sprintf("step %d was tried without rows in %s, because those made for the proof do not fit it: %s", refused.Step, strings.Join(refs, ", "), reason(refused.Err)))
	if r.before, err = r.look(ctx, r.Conn); err != nil {
		return false, err
	}
	r.before.locks, r.before.scans = nil, nil
	return true, r.countRows(ctx)
}

func (r *runner) allTouched() []*relation {
	var all []*relation
	for oid := range r.touched {
		all = append(all, r.relations[oid])
	}
	return all
}

// dropInvalid drops what an index build that failed has left behind.
func (r *runner) dropInvalid(ctx context.Context) error {
	rows, err := r.Conn.Query(ctx, `SELECT i.indexrelid::int8, i.indexrelid::regclass::text FROM pg_index i WHERE NOT i.indisvalid AND i.indrelid = ANY (`+r.watched()+`)`,
		pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return fmt.Errorf("looking for invalid indexes: %w", err)
	}
	var oid int64
	var name string
	var drops []string
	_, err = pgx.ForEachRow(rows, []any{&oid, &name}, func() error {
		if _, old := r.before.indexes[oid]; !old {
			drops = append(drops, "DROP INDEX "+name)
		}
		return nil
	})
	if err == nil && len(drops) > 0 {
		_, err = r.Conn.Exec(ctx, strings.Join(drops, ";"))
	}
	if err != nil {
		return fmt.Errorf("dropping invalid indexes: %w", err)
	}
	return nil
}

// reason is the server's message in one line.
func reason(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
