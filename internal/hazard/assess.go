package hazard

import (
	"maps"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// derived are the codes that follow from the facts of a step. They are found
// anew each time, because facts can change between two assessments.
var derived = map[string]bool{"rewrite-table": true, "full-scan": true, "blocks-reads": true, "blocks-writes": true,
	"non-transactional": true, "irreversible": true}

// Assess completes the hazards of a plan and of its reverse: what the table says
// of each code, the size of the table, and what follows from locks, rewrites and
// transactions. A second assessment changes nothing.
func Assess(p *schema.Plan) {
	assess(p.Steps)
	if p.Reverse != nil {
		assess(p.Reverse.Steps)
	}
}

// assess goes through the steps with the locks that their transaction holds.
func assess(steps []schema.Step) {
	held := map[string]kind.Lock{}
	for i := range steps {
		s := &steps[i]
		if i == 0 || s.Segment != steps[i-1].Segment {
			held = map[string]kind.Lock{}
		}
		for _, l := range s.Locks {
			if lock := kind.Lock(l.Lock); lock.Strength() > held[l.Relation].Strength() {
				held[l.Relation] = lock
			}
		}
		s.Hazards = slices.DeleteFunc(s.Hazards, func(h schema.Hazard) bool { return derived[h.Code] && h.Severity != "" })
		add(s, s.Loses, s.Why)
		follow(s, held)
		for j := range s.Hazards {
			complete(s, &s.Hazards[j])
		}
		if len(s.Hazards) == 0 {
			s.Hazards = nil
		}
	}
}

// follow adds what the facts of a step mean.
func follow(s *schema.Step, held map[string]kind.Lock) {
	if s.Rewrite {
		add(s, "rewrite-table", "")
	}
	if s.Scan && !s.Rewrite && kind.Lock(s.Lock).BlocksWrites() {
		add(s, "full-scan", "")
	}
	if workOf(s) != noWork {
		add(s, "blocks-reads", waiting(held, "reads of", kind.Lock.BlocksReads))
		add(s, "blocks-writes", waiting(held, "writes to", func(l kind.Lock) bool { return l.BlocksWrites() && !l.BlocksReads() }))
	}
	if s.NoTx {
		add(s, "non-transactional", "")
	}
	if s.Loses != "" {
		add(s, "irreversible", "")
	}
}

// waiting says which relations others wait for; "" when there is none.
func waiting(held map[string]kind.Lock, what string, waits func(kind.Lock) bool) string {
	var names []string
	for _, relation := range slices.Sorted(maps.Keys(held)) {
		if waits(held[relation]) {
			_, name, _ := strings.Cut(relation, ":")
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return what + " " + strings.Join(names, ", ") + " wait until the transaction ends"
}

// add adds a hazard that the step does not have yet. What is said of locks has
// to be said: without a message there is no such hazard.
func add(s *schema.Step, code, message string) {
	if code == "" || message == "" && strings.HasPrefix(code, "blocks-") {
		return
	}
	if !slices.ContainsFunc(s.Hazards, func(h schema.Hazard) bool { return h.Code == code && h.Object == s.Object }) {
		s.Hazards = append(s.Hazards, schema.Hazard{Code: code, Object: s.Object, Message: message})
	}
}

// workOf is the work that the step does while it holds its locks.
func workOf(s *schema.Step) work {
	switch {
	case s.Rewrite:
		return rewrites
	case len(s.Builds) > 0, s.Scan && (kind.Lock(s.Lock) == kind.Share || s.NoTx): // of an index, also CONCURRENTLY
		return builds
	case s.Scan:
		return scans
	}
	return noWork
}

// complete fills in what the table and the step say of a hazard. A code that the
// table lacks is taken for the worst.
func complete(s *schema.Step, h *schema.Hazard) {
	e, found := Get(h.Code)
	if !found {
		e = Entry{Code: h.Code, Severity: schema.Danger, Title: "unknown"}
	}
	if h.Message == "" {
		h.Message = e.Title
	}
	h.Severity, h.Instead, h.Compatible = e.Severity, e.Instead, e.Compatible
	h.Rows, h.Bytes, h.Duration = s.Rows, s.Bytes, ""
	if s.Relation == "" {
		return
	}
	h.Duration = duration(workOf(s), s.Bytes, s.Rows >= 0 || s.Bytes > 0)
	if derived[h.Code] && h.Severity == schema.Warning && h.Duration == durations[0].name {
		h.Severity = schema.Note // nobody notices the wait
	}
}
