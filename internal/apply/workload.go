package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// longTransaction is the age from which a transaction that a statement has to
// wait for is worth a word.
const longTransaction = 3 * time.Second

// longTransactions tells of the transactions that a step outside of a transaction
// will wait for, when one of them has been there for long. Such a step waits for
// those that hold a lock on its tables which conflicts with its own; one that
// builds an index then waits for every older snapshot in the database; manual,
// CREATE INDEX. What reads the table builds. What cannot be read is left out.
func (r *runner) longTransactions(ctx context.Context, i int) {
	step := r.plan.Steps[i]
	if len(step.Locks) == 0 {
		return
	}
	relations := "'{}'::oid[]"
	for _, l := range step.Locks {
		if ref, known := r.refs[l.Relation]; known {
			relations += " || to_regclass(" + pg.QuoteLiteral(ref) + ")::oid"
		}
	}
	list, err := r.older(ctx, relations, !step.Scan)
	if err != nil || len(list) == 0 || list[0].Age < longTransaction {
		return
	}
	text := fmt.Sprintf("step %d has to wait for a transaction to end", i+1)
	if len(list) > 1 {
		text = fmt.Sprintf("step %d has to wait for %d transactions to end", i+1, len(list))
	}
	r.event(schema.Event{Name: schema.LongTransactions, Step: i + 1, Sessions: list, Message: text + ": " + named(list, "; ")})
}

// older returns the transactions of the database that hold a lock on one of the
// relations or, unless only their users count, have a snapshot; the oldest first.
func (r *runner) older(ctx context.Context, relations string, users bool) ([]schema.Session, error) {
	rows, err := r.conn.Query(ctx, fmt.Sprintf(`WITH l AS MATERIALIZED (SELECT * FROM pg_locks),
	held AS MATERIALIZED (SELECT l.pid, l.virtualtransaction FROM l WHERE l.locktype = 'relation' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND l.relation = ANY (%[1]s) AND (%[2]t OR l.mode NOT IN ('AccessShareLock', 'RowShareLock')) AND l.mode <> 'SIReadLock')
SELECT a.pid, '' AS gid, %[3]s FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND (a.pid IN (SELECT pid FROM held)
	OR NOT %[2]t AND a.backend_xmin IS NOT NULL AND a.backend_type NOT IN ('autovacuum worker', 'parallel worker'))
UNION ALL SELECT 0, p.gid, p.owner, '', '', '', '', extract(epoch FROM clock_timestamp() - p.prepared)::float8, '' FROM pg_prepared_xacts p
WHERE p.database = current_database() AND p.transaction IN (SELECT l.transactionid FROM l JOIN held USING (virtualtransaction)
	WHERE l.pid IS NULL AND held.pid IS NULL AND l.locktype = 'transactionid')
ORDER BY 8 DESC, 1, 2`, relations, users, sessionColumns), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, fmt.Errorf("looking for long transactions: %w", err)
	}
	var found []schema.Session
	var pid int
	var gid string
	columns, session := scanned()
	_, err = pgx.ForEachRow(rows, append([]any{&pid, &gid}, columns...), func() error {
		s := session()
		s.PID, s.Prepared = pid, gid
		found = append(found, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for long transactions: %w", err)
	}
	return found, nil
}
