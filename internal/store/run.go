package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/schema"
)

// kept is how many of the last runs keep what is needed to take them back.
const kept = 3

const runColumns = `SELECT r.id, r.state, r.digest, r.from_fingerprint, r.to_fingerprint, r.schemas, r.steps,
	(SELECT count(*) FROM cairn.step s WHERE s.run = r.id AND s.outcome = 'done'), coalesce(r.undoes, 0),
	r.role, r.account, r.client, r.program, r.started, r.ended, r.error FROM cairn.run r `

func (j Journal) runs(ctx context.Context, rest string, arguments ...any) ([]schema.Run, error) {
	rows, err := j.query(ctx, runColumns+rest, arguments...)
	if err != nil {
		return nil, j.wrap("reading the journal", err)
	}
	runs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r schema.Run, err error) {
		err = row.Scan(&r.ID, &r.State, &r.Digest, &r.From, &r.To, &r.Schemas, &r.Steps, &r.Done, &r.Undoes,
			&r.Role, &r.Account, &r.Client, &r.Program, &r.Started, &r.Ended, &r.Error)
		return r, err
	})
	return runs, j.wrap("reading the journal", err)
}

// Runs returns the last runs, newest first; all with a limit of 0.
func (j Journal) Runs(ctx context.Context, limit int) ([]schema.Run, error) {
	if limit == 0 {
		return j.runs(ctx, "ORDER BY r.id DESC")
	}
	return j.runs(ctx, "ORDER BY r.id DESC LIMIT $1", limit)
}

// Open returns the runs that can be resumed, newest first: those of one plan
// when a digest is given.
func (j Journal) Open(ctx context.Context, digest string) ([]schema.Run, error) {
	return j.runs(ctx, "WHERE r.state IN ('running', 'stopped') AND $1 IN ('', r.digest) ORDER BY r.id DESC", digest)
}

// Run returns the run with the given number, and whether there is one.
func (j Journal) Run(ctx context.Context, id int64) (schema.Run, bool, error) {
	runs, err := j.runs(ctx, "WHERE r.id = $1", id)
	if err != nil || len(runs) == 0 {
		return schema.Run{}, false, err
	}
	return runs[0], true, nil
}

// Steps returns what is recorded of the steps of a run, in their order.
func (j Journal) Steps(ctx context.Context, run int64) ([]schema.RunStep, error) {
	rows, err := j.query(ctx, "SELECT step, outcome, hash, tries, started, ended, error FROM cairn.step WHERE run = $1 ORDER BY step", run)
	if err != nil {
		return nil, j.wrap("reading the journal", err)
	}
	steps, err := pgx.CollectRows(rows, pgx.RowToStructByPos[schema.RunStep])
	return steps, j.wrap("reading the journal", err)
}

// Files returns the plan of a run and the snapshot of what it changes, both
// compressed. The snapshot is nil when it is no longer kept.
func (j Journal) Files(ctx context.Context, run int64) (plan, before []byte, err error) {
	err = j.Conn.QueryRow(ctx, "SELECT plan, before FROM cairn.run WHERE id = $1", run).Scan(&plan, &before)
	return plan, before, j.wrap("reading the journal", err)
}

// Begin records a new run and returns its number. Other runs that still count as
// running have ended without a word, because the caller holds the lock.
func (j Journal) Begin(ctx context.Context, r schema.Run, plan, before []byte) (id int64, err error) {
	answers, err := j.send(ctx, statement{sql: settle},
		statement{`INSERT INTO cairn.run (state, digest, from_fingerprint, to_fingerprint, schemas, steps, undoes, role, account, client, program, plan, before)
VALUES ('running', $1, $2, $3, $4, $5, nullif($6, 0), session_user, $7, coalesce(host(inet_client_addr()), ''), $8, $9, $10) RETURNING id`,
			[]any{r.Digest, r.From, r.To, append([]string{}, r.Schemas...), r.Steps, r.Undoes, r.Account, r.Program, plan, before}})
	if err == nil {
		id, err = strconv.ParseInt(string(answers[1].Rows[0][0]), 10, 64)
	}
	return id, j.wrap("recording the run", err)
}

// settle ends the runs that nobody is at work on any more.
const settle = `UPDATE cairn.run r SET state = CASE WHEN EXISTS (SELECT FROM cairn.step s WHERE s.run = r.id AND s.outcome <> 'failed') THEN 'stopped' ELSE 'failed' END
WHERE state = 'running'`

// Continue records that a run is at work again.
func (j Journal) Continue(ctx context.Context, run int64) error {
	_, err := j.send(ctx, statement{"UPDATE cairn.run SET state = 'running', ended = NULL, error = '' WHERE id = $1", []any{run}})
	return j.wrap("recording the run", err)
}

// Started records that a step is about to run outside of a transaction, and runs
// other statements in the same message.
func (j Journal) Started(ctx context.Context, run int64, step int, hash string, others ...string) error {
	_, err := j.send(ctx, with(others, `INSERT INTO cairn.step AS s (run, step, outcome, hash, started) VALUES ($1, $2, 'started', $3, clock_timestamp())
ON CONFLICT (run, step) DO UPDATE SET outcome = 'started', tries = s.tries + 1, started = clock_timestamp(), ended = NULL, error = ''`, run, step, hash)...)
	return j.wrap("recording step "+fmt.Sprint(step), err)
}

// StepTime is one step and how long ago it began and ended.
type StepTime struct {
	Step         int // from 1
	Hash         string
	Began, Ended time.Duration // before now
}

// Finished records steps that have had their effect, and runs other statements in
// the same message. Inside a transaction of the connection, the record is committed
// with that. It reports whether the server took the record, be it that one of the
// others then failed.
func (j Journal) Finished(ctx context.Context, run int64, steps []StepTime, others ...string) (recorded bool, err error) {
	var numbers []int32
	var hashes []string
	var began, ended []float64
	for _, s := range steps {
		numbers, hashes = append(numbers, int32(s.Step)), append(hashes, s.Hash)
		began, ended = append(began, s.Began.Seconds()), append(ended, s.Ended.Seconds())
	}
	answers, err := j.send(ctx, with(others, `INSERT INTO cairn.step AS s (run, step, outcome, hash, started, ended)
SELECT $1, u.step, 'done', u.hash, clock_timestamp() - make_interval(secs => u.began), clock_timestamp() - make_interval(secs => u.ended)
FROM unnest($2::integer[], $3::text[], $4::double precision[], $5::double precision[]) AS u(step, hash, began, ended)
ON CONFLICT (run, step) DO UPDATE SET outcome = 'done', tries = s.tries + CASE WHEN s.outcome = 'started' THEN 0 ELSE 1 END,
	started = excluded.started, ended = excluded.ended, error = ''`, run, numbers, hashes, began, ended)...)
	return len(answers) > 0, j.wrap("recording steps", err)
}

// Failed records that a step did not have its effect.
func (j Journal) Failed(ctx context.Context, run int64, s StepTime, why error) error {
	_, err := j.send(ctx, statement{`INSERT INTO cairn.step AS s (run, step, outcome, hash, started, ended, error)
VALUES ($1, $2, 'failed', $3, clock_timestamp() - make_interval(secs => $4), clock_timestamp(), $5)
ON CONFLICT (run, step) DO UPDATE SET outcome = 'failed', tries = s.tries + CASE WHEN s.outcome = 'started' THEN 0 ELSE 1 END,
	started = excluded.started, ended = excluded.ended, error = excluded.error`, []any{run, s.Step, s.Hash, s.Began.Seconds(), oneLine(why)}})
	return j.wrap("recording the failure", err)
}

// End records that a run ended before its end, and why. What takes it back is
// kept only of one that stopped.
func (j Journal) End(ctx context.Context, run int64, state schema.RunState, why error) error {
	_, err := j.send(ctx, statement{`UPDATE cairn.run SET state = $2, ended = clock_timestamp(), error = $3, before = CASE WHEN $2 = 'stopped' THEN before END WHERE id = $1`,
		[]any{run, string(state), oneLine(why)}})
	return j.wrap("recording the end of the run", err)
}

// Finish records that a run came to its end: stopped runs of the same schemas are
// superseded, and one that it takes back is undone. The plan is kept in a form
// for readers, where one is given.
func (j Journal) Finish(ctx context.Context, run schema.Run, plan []byte, why error) error {
	_, err := j.send(ctx,
		statement{settle + " AND id <> $1", []any{run.ID}},
		statement{"UPDATE cairn.run SET state = 'done', ended = clock_timestamp(), plan = coalesce($2, plan), error = $3 WHERE id = $1", []any{run.ID, plan, oneLine(why)}},
		statement{"UPDATE cairn.run SET state = 'undone' WHERE id = $1", []any{run.Undoes}},
		statement{"UPDATE cairn.run SET state = 'superseded' WHERE state = 'stopped' AND schemas = $1 AND id < $2", []any{append([]string{}, run.Schemas...), run.ID}},
		statement{"UPDATE cairn.run SET before = NULL WHERE before IS NOT NULL AND id <= $1", []any{run.ID - kept}},
	)
	return j.wrap("recording the end of the run", err)
}
