package cli

import (
	"fmt"
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// plain are the hazards that the line on locks and work says already, when they
// are no more than notes.
var plain = []string{"rewrite-table", "full-scan", "blocks-reads", "blocks-writes", "non-transactional", "irreversible"}

// hazardLines are the hazards of a step, each with what to do instead, and
// whether the running application goes on.
func hazardLines(s schema.Step) []string {
	var lines []string
	advised := false // what is said of the change itself is better than what is said of its locks
	for _, h := range s.Hazards {
		if h.Severity == schema.Note && slices.Contains(plain, h.Code) {
			continue
		}
		line := fmt.Sprintf("%s %s", h.Severity, h.Code)
		if h.Code != s.Loses || h.Object != s.Object { // else that line says it
			line += ": " + h.Message
		}
		if !h.Compatible {
			line += "; breaks the running application"
		}
		lines = append(lines, line)
		if h.Severity != schema.Note && h.Instead != "" && !(advised && slices.Contains(plain, h.Code)) {
			lines = append(lines, "instead: "+h.Instead)
			advised = true
		}
	}
	return lines
}

// takes is the class of the time that a step works, where it is worth a word.
func takes(s schema.Step) string {
	for _, h := range s.Hazards {
		if h.Duration != "" && h.Duration != "instant" {
			return "takes " + h.Duration
		}
	}
	return ""
}

// reverse says how the plan can be undone.
func (p *printer) reverse(r *schema.Reverse) {
	if r == nil {
		return
	}
	p.printf("\n%s\n", p.paint(bold, "Reverse"))
	if len(r.Steps) > 0 {
		line := fmt.Sprintf("%s back to the start", count(len(r.Steps), "statement"))
		losing := 0
		for i := range r.Steps {
			if r.Steps[i].Loses != "" {
				losing++
			}
		}
		if losing > 0 {
			line += fmt.Sprintf(", of which %d can lose what is written until then", losing)
		}
		p.printf("  %s\n", line)
	}
	for _, what := range r.Irreversible {
		p.printf("  %s\n", p.paint(red, "cannot be brought back: "+clean(what)))
	}
}
