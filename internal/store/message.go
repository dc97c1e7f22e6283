package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// statement is one of a message.
type statement struct {
	sql  string
	args []any
}

// with returns a statement with others behind it.
func with(others []string, sql string, args ...any) []statement {
	list := []statement{{sql, args}}
	for _, other := range others {
		list = append(list, statement{sql: other})
	}
	return list
}

// send runs statements in one message, and returns the answers up to the first
// that fails. Outside of a transaction they are one.
func (j Journal) send(ctx context.Context, statements ...statement) ([]*pgconn.Result, error) {
	var batch pgconn.Batch
	for _, s := range statements {
		var q pgx.ExtendedQueryBuilder
		if err := q.Build(j.Conn.TypeMap(), nil, s.args); err != nil {
			return nil, err
		}
		batch.ExecParams(s.sql, q.ParamValues, nil, q.ParamFormats, nil)
	}
	results := j.Conn.PgConn().ExecBatch(ctx, &batch)
	var answers []*pgconn.Result
	for results.NextResult() {
		if answer := results.ResultReader().Read(); answer.Err == nil {
			answers = append(answers, answer)
		}
	}
	return answers, results.Close()
}

// query asks in one message, as its text is not sent ahead. The answer is binary: it
// does not depend on how the session prints times.
func (j Journal) query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	var q pgx.ExtendedQueryBuilder
	if err := q.Build(j.Conn.TypeMap(), nil, args); err != nil {
		return nil, err
	}
	answer := j.Conn.PgConn().ExecParams(ctx, sql, q.ParamValues, nil, q.ParamFormats, []int16{pgx.BinaryFormatCode})
	return pgx.RowsFromResultReader(j.Conn.TypeMap(), answer), nil
}
