package prove

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/kind"
)

// counted is a table, with column 0, or one of its columns.
type counted struct {
	table  int64
	column int64
}

// canLose reports whether a step may have changed rows: it writes nothing
// without a lock against other writers or a table written anew.
func (r *runner) canLose(o Observation) bool {
	if len(r.counts) == 0 {
		return false
	}
	for _, l := range o.Locks {
		lock := kind.Lock(l.Lock)
		if lock == kind.AccessExclusive || lock == kind.RowExclusive || lock == kind.Exclusive {
			return true
		}
	}
	return o.Rewrite
}

// countRows counts the rows and values of the watched tables.
func (r *runner) countRows(ctx context.Context) error {
	counts, err := r.count(ctx)
	if err != nil {
		return fmt.Errorf("counting the rows of the shadow: %w", err)
	}
	r.counts = counts
	return nil
}

// lost counts again inside the transaction and returns how many rows and values
// are gone. A row that is gone is counted once and not with its values. The
// locks of counting are given back with its savepoint.
func (r *runner) lost(ctx context.Context) (int64, error) {
	if _, err := r.Conn.Exec(ctx, "SAVEPOINT cairn_count"); err != nil {
		return 0, fmt.Errorf("counting the rows of the shadow: %w", err)
	}
	now, err := r.count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting the rows of the shadow: %w", err)
	}
	if _, err := r.Conn.Exec(ctx, "ROLLBACK TO cairn_count; RELEASE cairn_count"); err != nil {
		return 0, fmt.Errorf("counting the rows of the shadow: %w", err)
	}
	var lost int64
	for what, before := range r.counts {
		rows := counted{what.table, 0}
		gone := r.counts[rows] - now[rows]
		if what.column == 0 {
			lost += max(0, gone)
		} else if now[rows] > 0 {
			lost += max(0, before-now[what]-gone)
		}
	}
	r.counts = now
	return lost, nil
}

// count counts rows, and values of columns that are no computed ones, in tables
// that exist, each without its children.
func (r *runner) count(ctx context.Context) (map[counted]int64, error) {
	counts := map[counted]int64{}
	var oids []string
	for oid := range r.touched {
		oids = append(oids, strconv.FormatInt(oid, 10))
	}
	if len(oids) == 0 {
		return counts, nil
	}
	rows, err := r.Conn.Query(ctx, `SELECT c.oid::int8, 'SELECT ' || c.oid || '::int8, ' || 'ARRAY[0' || coalesce(string_agg(',' || a.attnum, '' ORDER BY a.attnum), '') || ']::int8[], ARRAY[count(*)'
	|| coalesce(string_agg(', count(' || quote_ident(a.attname) || ')', '' ORDER BY a.attnum), '') || '] FROM ONLY ' || c.oid::regclass
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relkind = 'r' AND c.oid = ANY ('{`+strings.Join(oids, ",")+`}'::oid[]) GROUP BY c.oid`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	var queries []string
	var oid int64
	var query string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &query}, func() error { queries = append(queries, query); return nil }); err != nil {
		return nil, err
	}
	if len(queries) == 0 {
		return counts, nil
	}
	rows, err = r.Conn.Query(ctx, strings.Join(queries, " UNION ALL "), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	var columns, values []int64
	_, err = pgx.ForEachRow(rows, []any{&oid, &columns, &values}, func() error {
		for i, column := range columns {
			counts[counted{oid, column}] = values[i]
		}
		return nil
	})
	return counts, err
}
