package apply

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// countLimit is how long counting for one step may take, and countMost the
// number at which it stops.
const (
	countLimit = 5 * time.Second
	countMost  = 1000
)

// Violation is a step that rows of the target make fail, or may make fail.
type Violation struct {
	Step   int    // from 1
	Rows   int    // how many there are
	More   bool   // counting stopped there
	What   string // "without a value in public.t.a"
	Object string // text of the ID
	Failed error  // why the rows could not be counted, nil when they were
}

// String says how many rows of what sort there are.
func (v Violation) String() string {
	switch {
	case v.More:
		return fmt.Sprintf("more than %d rows %s", v.Rows, v.What)
	case v.Rows == 1:
		return "1 row " + v.What
	}
	return fmt.Sprintf("%d rows %s", v.Rows, v.What)
}

// ViolationError says that the plan would fail on rows, before its first
// statement.
type ViolationError struct {
	Violations []Violation
}

func (e *ViolationError) Error() string {
	lines := []string{"rows of the database violate what the plan adds (nothing was changed)"}
	for _, v := range e.Violations {
		lines = append(lines, fmt.Sprintf("step %d would fail on %s", v.Step, v))
	}
	return strings.Join(lines, "\n")
}

// Hint returns what to do about it.
func (e *ViolationError) Hint() string { return "change the rows, then apply the same plan" }

// Violations counts the rows that make steps fail. A count that the server
// refuses because an earlier step makes what it needs is left out; one that
// fails for another reason, such as the time it takes, says so.
func Violations(ctx context.Context, conn *pgx.Conn, p *schema.Plan) ([]Violation, error) {
	var found []Violation
	for i, s := range p.Steps {
		if s.Violating == "" {
			continue
		}
		n, err := count(ctx, conn, s.Violating)
		code := pg.Code(err)
		switch {
		case err != nil && (code == "" || ctx.Err() != nil):
			return nil, fmt.Errorf("counting rows: %w", err)
		case strings.HasPrefix(code, "42") && code != "42501": // not there, or of another type yet
		case err != nil || n > 0:
			found = append(found, Violation{Step: i + 1, Rows: min(n, countMost), More: n > countMost, What: s.Violation, Object: s.Object, Failed: err})
		}
	}
	return found, nil
}

// count counts the rows in one message, which is a transaction of its own.
func count(ctx context.Context, conn *pgx.Conn, from string) (int, error) {
	results, err := conn.PgConn().Exec(ctx, fmt.Sprintf(`SET LOCAL transaction_read_only = on;
SET LOCAL statement_timeout = %d;
SET LOCAL lock_timeout = %d;
SET LOCAL row_security = off;
SET LOCAL search_path = '';
SELECT count(*) FROM (SELECT 1 %s LIMIT %d) AS violations`,
		countLimit.Milliseconds(), (countLimit/5).Milliseconds(), from, countMost+1)).ReadAll()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(results[len(results)-1].Rows[0][0]))
}
