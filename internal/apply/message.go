package apply

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// together is how many steps go to the server in one message at most.
const together = 32

// messageEnd returns the step after the last one that shares a message with a
// step. What the plan makes anew nobody else sees: such steps wait for nobody and
// are through in no time, so they need not be told of while they run.
func (r *runner) messageEnd(first, last int) int {
	end := first
	for end < min(last, first+together) && makesNew(r.plan.Steps[end]) {
		end++
	}
	return max(end, first+1)
}

// makesNew reports whether a step makes an object, and neither locks nor reads
// what other sessions see.
func makesNew(s schema.Step) bool {
	return s.Verb == schema.Add && s.Lock == "" && len(s.Locks) == 0 && !s.Rewrite && !s.Scan && !s.NoTx && s.Violating == ""
}

// runMessage runs the steps [first, last) and returns those that ran, the one
// that failed being the last. Whether its error is about a lock is for the caller
// to say.
func (r *runner) runMessage(ctx context.Context, first, last int) (ran []timed, err error) {
	r.event(schema.Event{Name: schema.StepStart, Step: first + 1, Message: r.plan.Steps[first].SQL})
	start := time.Now()
	done, err := r.send(ctx, first, last)
	if err != nil {
		done = min(done, last-first-1) // the last answer is that the message is through
	}
	ran = share(first, min(first+done+1, last), start, time.Now())
	for i, t := range ran {
		step := r.plan.Steps[t.step]
		if i > 0 {
			r.event(schema.Event{Name: schema.StepStart, Step: t.step + 1, Message: step.SQL, More: i != done})
		}
		if i == done {
			return ran, &StepError{Step: t.step + 1, SQL: step.SQL, Undone: r.done == 0, Unknown: step.NoTx && pg.Code(err) == "", Err: err,
				Late: r.options.StatementTimeout > 0 && pg.IsCanceled(err) && ctx.Err() == nil}
		}
		r.event(schema.Event{Name: schema.StepDone, Step: t.step + 1, Message: step.SQL, Elapsed: t.ended.Sub(t.began), More: i+1 < len(ran)})
	}
	return ran, nil
}

// share divides the time of a message among its steps.
func share(first, last int, start, end time.Time) []timed {
	each := end.Sub(start) / time.Duration(last-first)
	list := make([]timed, last-first)
	for i := range list {
		list[i] = timed{step: first + i, began: start.Add(time.Duration(i) * each), ended: start.Add(time.Duration(i+1) * each)}
	}
	list[len(list)-1].ended = end
	return list
}

// send runs the statements of steps in a session that is named after the first of
// them, and returns how many were done. The server takes one statement at a time in
// this protocol, whatever the text holds, and none after one that failed. What
// runs outside of a transaction cannot share a message with the name, which the
// session has then.
func (r *runner) send(ctx context.Context, first, last int) (done int, err error) {
	defer r.watch.during(first, last-first)()
	var batch pgconn.Batch
	names := 0
	if !r.plan.Steps[first].NoTx {
		batch.ExecParams(r.nameSession(first), nil, nil, nil, nil)
		names = 1
	}
	for _, s := range r.plan.Steps[first:last] {
		batch.ExecParams(s.SQL, nil, nil, nil, nil)
	}
	results := r.conn.PgConn().ExecBatch(ctx, &batch)
	answers := 0
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err == nil {
			answers++
		}
	}
	return max(answers-names, 0), results.Close()
}
