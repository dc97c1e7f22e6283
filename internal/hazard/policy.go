package hazard

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// Policy says by code what an environment makes of hazards. A code that it does
// not have keeps the severity of the table.
type Policy map[string]Rule

// Rule is what is made of one hazard, by the size of the table. A nil limit is
// never reached; 0 is always.
type Rule struct {
	WarnAbove, DenyAbove *int64 // bytes
}

// NewRule returns the rule of a word: allow, warn or deny.
func NewRule(word string) (Rule, error) {
	zero := int64(0)
	switch word {
	case "allow":
		return Rule{}, nil
	case "warn":
		return Rule{WarnAbove: &zero}, nil
	case "deny":
		return Rule{DenyAbove: &zero}, nil
	}
	return Rule{}, fmt.Errorf("it is allow, warn, deny, or a mapping with warn-above and deny-above, not %q", word)
}

func reached(limit *int64, bytes int64) bool { return limit != nil && bytes >= *limit }

// Denies reports whether the policy forbids the hazard.
func (p Policy) Denies(h schema.Hazard) bool {
	r, found := p[h.Code]
	return found && reached(r.DenyAbove, h.Bytes)
}

// Denied returns the hazards of a step that the policy forbids.
func (p Policy) Denied(s schema.Step) []schema.Hazard {
	var denied []schema.Hazard
	for _, h := range s.Hazards {
		if p.Denies(h) {
			denied = append(denied, h)
		}
	}
	return denied
}

// Check returns a *DeniedError when the policy forbids a hazard of an assessed plan.
func (p Policy) Check(plan *schema.Plan) error {
	e := &DeniedError{}
	for i, s := range plan.Steps {
		for _, h := range p.Denied(s) {
			e.Denied = append(e.Denied, Denied{Step: i + 1, SQL: s.SQL, Hazard: h})
		}
	}
	if len(e.Denied) == 0 {
		return nil
	}
	return e
}

// Denied is one hazard of one step that a policy forbids.
type Denied struct {
	Step   int // from 1
	SQL    string
	Hazard schema.Hazard
}

// DeniedError says that a policy forbids hazards of a plan.
type DeniedError struct {
	Denied []Denied
}

func (e *DeniedError) Error() string {
	lines := []string{"the policy of cairn.yaml denies hazards of this plan"}
	for _, d := range e.Denied {
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "\n")
}

// String names the step with its hazard.
func (d Denied) String() string {
	return fmt.Sprintf("step %d, %s %s: %s", d.Step, d.Hazard.Code, d.Hazard.Object, d.Hazard.Message)
}

// Hint says what to do instead of the first one.
func (e *DeniedError) Hint() string {
	return e.Denied[0].Hazard.Instead + ". cairn plan --only-safe plans the rest"
}

// Weigh gives the hazards of an assessed plan the severity that the policy says:
// a note for what is allowed, a warning above its limit, a danger where it is
// denied.
func (p Policy) Weigh(plan *schema.Plan) {
	lists := [][]schema.Step{plan.Steps}
	if plan.Reverse != nil {
		lists = append(lists, plan.Reverse.Steps)
	}
	for _, steps := range lists {
		for i := range steps {
			for j := range steps[i].Hazards {
				h := &steps[i].Hazards[j]
				if r, found := p[h.Code]; found {
					h.Severity = r.severity(h.Bytes)
				}
			}
		}
	}
}

func (r Rule) severity(bytes int64) schema.Severity {
	switch {
	case reached(r.DenyAbove, bytes):
		return schema.Danger
	case reached(r.WarnAbove, bytes):
		return schema.Warning
	}
	return schema.Note
}

var units = []struct {
	name  string
	bytes float64
}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}, {"B", 1}}

// ParseSize reads a size as PostgreSQL writes them: 500MB, 1GB, 1.5TB.
func ParseSize(text string) (int64, error) {
	compact := strings.ReplaceAll(text, " ", "")
	for _, u := range units {
		if len(compact) < len(u.name) || !strings.EqualFold(compact[len(compact)-len(u.name):], u.name) {
			continue
		}
		number, err := strconv.ParseFloat(compact[:len(compact)-len(u.name)], 64)
		if err != nil || !(number >= 0) || number*u.bytes >= 1<<62 {
			break
		}
		return int64(number * u.bytes), nil
	}
	return 0, fmt.Errorf("%q is no size: write a number with its unit, such as 500MB, 1GB or 2TB", text)
}
