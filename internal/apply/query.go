package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/schema"
)

// Query is a question to the target that has to be answered with true when a
// plan has run.
type Query struct {
	Name       string   // for the reader: the expression, or the file
	Statements []string // each returns rows of which the first column is true, and at least one
}

// VerifyError says that a query does not hold when the plan has run.
type VerifyError struct {
	Name   string
	Answer string // what the server said instead of true
	Undone bool   // the last transaction was rolled back
	All    bool   // and with it the whole plan
	Err    error  // the server's, when it refused the query
}

func (e *VerifyError) Error() string {
	after := " (every step stays)"
	if e.Undone {
		after = undone(e.All)
	}
	if e.Err != nil {
		return fmt.Sprintf("verifying %s: %v%s", e.Name, e.Err, after)
	}
	return fmt.Sprintf("verifying %s: the answer is %s, not true%s", e.Name, e.Answer, after)
}

// Unwrap returns the server's error.
func (e *VerifyError) Unwrap() error { return e.Err }

// verifyWithin asks the queries inside the last transaction of the plan, so that
// one that does not hold rolls it back.
func (r *runner) verifyWithin(ctx context.Context) error {
	if len(r.options.Verify) == 0 {
		return nil
	}
	err := r.ask(ctx)
	if failed, ok := err.(*VerifyError); ok {
		failed.Undone, failed.All = true, r.done == 0
	}
	r.asked = true
	return err
}

// verifyAfter asks the queries when the last step had no transaction.
func (r *runner) verifyAfter(ctx context.Context) error {
	if len(r.options.Verify) == 0 || r.asked {
		return nil
	}
	tx, err := r.conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // questions change nothing
	return r.ask(ctx)
}

// ask asks every query. They are the user's own, so their names are looked up as
// in any other session of the role.
func (r *runner) ask(ctx context.Context) error {
	start := time.Now()
	if _, err := r.conn.Exec(ctx, "SET LOCAL search_path TO DEFAULT"); err != nil {
		return fmt.Errorf("preparing to verify: %w", err)
	}
	for _, q := range r.options.Verify {
		for _, statement := range q.Statements {
			answer, err := answerOf(r.conn.PgConn().ExecParams(ctx, statement, nil, nil, nil, nil))
			if err != nil {
				return &VerifyError{Name: q.Name, Err: err}
			}
			if answer != "true" {
				return &VerifyError{Name: q.Name, Answer: answer}
			}
		}
	}
	if _, err := r.conn.Exec(ctx, "SET LOCAL search_path = ''"); err != nil {
		return fmt.Errorf("ending to verify: %w", err)
	}
	r.event(schema.Event{Name: schema.Verified, Message: fmt.Sprintf("verified %d queries", len(r.options.Verify)), Elapsed: time.Since(start)})
	return nil
}

// answerOf returns "true" when every row begins with true and there is one.
func answerOf(rr *pgconn.ResultReader) (string, error) {
	answer := "no row"
	for rr.NextRow() {
		value := "null"
		if values := rr.Values(); len(values) > 0 && values[0] != nil {
			value = string(values[0])
		}
		if word, ok := map[string]string{"t": "true", "f": "false"}[value]; ok {
			value = word
		}
		if answer == "no row" || answer == "true" {
			answer = value
		}
	}
	_, err := rr.Close()
	return answer, err
}
