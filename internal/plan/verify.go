package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// verbs are the words that statements of plans start with. Others could end the
// transaction of a segment, or change the session in which apply runs the rest.
var verbs = []string{"ALTER", "COMMENT", "CREATE", "DO", "DROP", "GRANT", "REFRESH", "REVOKE", "SECURITY", "SELECT"}

// Verify reports what no plan of this program is: steps that are not one
// statement each, and segments that are not transactions in their order. The
// digest says nothing about that, as whoever writes a plan can compute it.
func Verify(p *schema.Plan) error {
	if err := verifySteps(p.Steps); err != nil || p.Reverse == nil {
		return err
	}
	if err := verifySteps(p.Reverse.Steps); err != nil {
		return fmt.Errorf("in the reverse, %w", err)
	}
	return nil
}

func verifySteps(steps []schema.Step) error {
	for i, s := range steps {
		if err := verifyStatement(s.SQL); err != nil {
			return fmt.Errorf("step %d %w", i+1, err)
		}
		if s.Violating != "" {
			if err := verifyStatement("SELECT " + s.Violating); err != nil {
				return fmt.Errorf("what step %d counts %w", i+1, err)
			}
		}
		if err := verifyRecover(s.Recover); err != nil {
			return fmt.Errorf("how step %d goes on %w", i+1, err)
		}
		last := 0
		if i > 0 {
			last = steps[i-1].Segment
		}
		switch {
		case s.Segment != last+1 && (s.Segment != last || i == 0):
			return fmt.Errorf("step %d is of segment %d, which does not follow segment %d", i+1, s.Segment, last)
		case s.Segment == last && (s.NoTx || steps[i-1].NoTx):
			return fmt.Errorf("step %d shares segment %d with one that runs outside a transaction", i+1, s.Segment)
		}
	}
	return nil
}

// verifyRecover demands conditions and a statement.
func verifyRecover(r *schema.Recover) error {
	if r == nil {
		return nil
	}
	for _, condition := range []string{r.Done, r.Half} {
		if condition == "" {
			continue
		}
		if err := verifyStatement("SELECT " + condition); err != nil {
			return err
		}
	}
	if (r.Mend == "") != (r.Half == "") || r.Done == "" {
		return errors.New("is not complete")
	}
	if r.Mend == "" {
		return nil
	}
	return verifyStatement(r.Mend)
}

// verifyStatement demands one statement that changes the schema. PostgreSQL runs
// all that a text holds, also what ends the transaction it is in.
func verifyStatement(sql string) error {
	statements, err := pg.Split("sql", sql)
	switch {
	case err != nil:
		return fmt.Errorf("is not SQL: %w", err)
	case len(statements) != 1:
		return fmt.Errorf("holds %d statements, not one", len(statements))
	case statements[0].Meta != "" || statements[0].Copy:
		return fmt.Errorf("is not a statement of a plan")
	}
	if words := pg.Words(sql, 1); len(words) == 0 || !slices.Contains(verbs, words[0]) {
		return fmt.Errorf("is not a statement of a plan: those begin with one of %v", verbs)
	}
	return nil
}
