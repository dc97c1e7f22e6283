package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// The colours, as ANSI codes.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// painter returns a function that colours a text, or leaves it alone.
func painter(color bool) func(code, text string) string {
	return func(code, text string) string {
		if !color || text == "" {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
}

func redact(s string) string { return pg.Redact(s) }

// clean replaces the control characters that a name or a value may hold, so
// that a schema cannot drive the terminal or break out of a comment.
func clean(s string) string {
	if isPrintable(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return '\ufffd'
		}
		return r
	}, s)
}

// isPrintable reports whether a text is of ASCII that is shown as it is.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// printer writes a plan for people. It keeps the first error of its writer.
type printer struct {
	w     io.Writer
	paint func(code, text string) string
	err   error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// writeHuman writes a plan for people: the counts, the objects, the statements
// with what they cost, and what else has to be known.
func writeHuman(w io.Writer, p *schema.Plan, color bool) error {
	lines := bufio.NewWriter(w)
	out := &printer{w: lines, paint: painter(color)}
	if !hasChanges(p) {
		out.printf("No changes. The database matches the desired state.\n")
	} else {
		out.printf("%s\n", out.paint(bold, summaryLine(p.Summary)))
		out.changes(p.Changes)
		out.statements(p)
		out.losses(p)
		out.reverse(p.Reverse)
	}
	out.findings(p.Findings)
	if hasChanges(p) && p.Database.Name != "" { // a plan between two states is for no target
		out.proof(p)
	}
	return errors.Join(out.err, lines.Flush())
}

func summaryLine(s schema.Summary) string {
	return fmt.Sprintf("Plan: %d to add, %d to change, %d to drop.", s.Add, s.Change, s.Drop)
}

// changes prints the objects, parts and satellites below the object they
// belong to.
func (p *printer) changes(changes []schema.Change) {
	owners := make(map[string]string, len(changes)) // of each object that changes
	for i := range changes {
		owners[changes[i].Object] = ownerOf(&changes[i])
	}
	children := map[string][]*schema.Change{}
	tops := map[string]*schema.Change{} // nil for an owner that does not change itself
	for i := range changes {
		c := &changes[i]
		owner := owners[c.Object]
		if owner == "" {
			tops[c.Object] = c
			continue
		}
		children[owner] = append(children[owner], c)
		if _, listed := owners[owner]; !listed {
			tops[owner] = nil
		}
	}
	order := slices.SortedFunc(maps.Keys(tops), compareNames)
	for _, top := range order {
		p.printf("\n")
		if c := tops[top]; c != nil {
			p.change(*c, "  ")
		} else {
			p.change(schema.Change{Verb: schema.Alter, Object: top, Title: titleOf(top)}, "  ")
		}
		p.below(children, top, "    ")
	}
}

// below prints what belongs to an object, once.
func (p *printer) below(children map[string][]*schema.Change, owner, indent string) {
	list := children[owner]
	delete(children, owner)
	for _, c := range list {
		titled := *c
		titled.Title = titleBelow(c, owner)
		p.change(titled, indent)
		p.below(children, c.Object, indent+"  ")
	}
}

// ownerOf is the object below which a change is printed, or "".
func ownerOf(c *schema.Change) string {
	if c.Parent != "" {
		return c.Parent
	}
	_, rest, _ := strings.Cut(c.Object, ":")
	kind, _, satellite := strings.Cut(rest, ":")
	if !satellite || strings.ContainsAny(kind, `."(/ `) {
		return ""
	}
	return withoutRole(rest)
}

// withoutRole cuts the role off the text of a satellite's subject.
func withoutRole(object string) string {
	quoted := false
	for i, r := range object {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '/' && !quoted:
			return object[:i]
		}
	}
	return object
}

// compareNames orders objects by name, then by kind.
func compareNames(a, b string) int {
	kindA, nameA, _ := strings.Cut(a, ":")
	kindB, nameB, _ := strings.Cut(b, ":")
	return cmp.Or(strings.Compare(nameA, nameB), strings.Compare(kindA, kindB))
}

// titleOf describes an object by its identity, as schema.ID.Describe does.
func titleOf(object string) string {
	kind, name, _ := strings.Cut(object, ":")
	kind = strings.ReplaceAll(kind, "_", " ")
	if of, subject, found := strings.Cut(name, ":"); found && !strings.ContainsAny(of, `."(/ `) {
		return kind + " on " + strings.ReplaceAll(of, "_", " ") + " " + subject
	}
	return kind + " " + name
}

// titleBelow is the title of a part or a satellite without the name of the
// object that it is printed below.
func titleBelow(c *schema.Change, owner string) string {
	kind, name, _ := strings.Cut(c.Object, ":")
	kind = strings.ReplaceAll(kind, "_", " ")
	_, ownerName, _ := strings.Cut(owner, ":")
	if name == ownerName {
		return kind
	}
	if part, found := strings.CutPrefix(name, ownerName+"."); found {
		return kind + " " + part
	}
	if role, found := strings.CutPrefix(name, owner); found {
		if role == "" {
			return kind
		}
		return kind + " to " + strings.TrimPrefix(role, "/")
	}
	return c.Title
}

// change prints one object with what changes in it.
func (p *printer) change(c schema.Change, indent string) {
	sign, code := signOf(c.Verb)
	line := fmt.Sprintf("%s%s %s", indent, sign, clean(c.Title))
	if c.Cause != "" {
		line += "  (because " + clean(c.Cause) + " changes)"
	}
	p.printf("%s\n", p.paint(code, line))
	if c.Verb != schema.Alter && c.Verb != schema.Replace {
		return
	}
	width := 0
	for _, f := range c.Fields {
		width = max(width, len(f.Name))
	}
	for _, f := range c.Fields {
		label := fmt.Sprintf("%s    %-*s", indent, width, strings.ReplaceAll(f.Name, "_", " "))
		if strings.Contains(f.Old, "\n") || strings.Contains(f.New, "\n") {
			p.printf("%s  changed\n", strings.TrimRight(label, " "))
			for _, line := range lineDiff(f.Old, f.New) {
				p.printf("%s      %s\n", indent, p.paint(lineColor(line), line))
			}
			continue
		}
		p.printf("%s  %s -> %s\n", label, shown(f.Old), shown(f.New))
	}
}

func signOf(v schema.Verb) (sign, color string) {
	switch v {
	case schema.Add:
		return "+", green
	case schema.Drop:
		return "-", red
	case schema.Replace:
		return "-/+", yellow
	}
	return "~", yellow
}

// shown is a value in one line.
func shown(value string) string {
	if value == "" {
		return "(none)"
	}
	if runes := []rune(value); len(runes) > 160 {
		return clean(string(runes[:157])) + "..."
	}
	return clean(value)
}

func lineColor(line string) string {
	switch line[0] {
	case '+':
		return green
	case '-':
		return red
	}
	return dim
}

// lineDiff marks the lines that differ between the first and the last one that
// do; two lines of context stay on each side.
func lineDiff(old, new string) []string {
	const context = 2
	a, b := strings.Split(strings.Trim(old, "\n"), "\n"), strings.Split(strings.Trim(new, "\n"), "\n")
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var lines []string
	for _, l := range a[max(0, head-context):head] {
		lines = append(lines, "  "+l)
	}
	for _, l := range a[head : len(a)-tail] {
		lines = append(lines, "- "+l)
	}
	for _, l := range b[head : len(b)-tail] {
		lines = append(lines, "+ "+l)
	}
	for _, l := range a[len(a)-tail : min(len(a), len(a)-tail+context)] {
		lines = append(lines, "  "+l)
	}
	for i, l := range lines {
		lines[i] = clean(strings.TrimRight(l, " \t\r"))
		if lines[i] == "" {
			lines[i] = " "
		}
	}
	return lines
}

// writeFindings prints findings where the result itself goes elsewhere.
func writeFindings(env *Env, findings []schema.Finding) {
	out := &printer{w: env.Err, paint: painter(false)}
	out.findings(findings)
}

// findings prints what a reader has to know beside the statements.
func (p *printer) findings(findings []schema.Finding) {
	if len(findings) == 0 {
		return
	}
	p.printf("\n%s\n", p.paint(bold, "Findings"))
	for _, f := range findings {
		where := ""
		if f.File != "" {
			where = f.File
			if f.Line > 0 {
				where += fmt.Sprintf(":%d", f.Line)
				if f.Column > 0 {
					where += fmt.Sprintf(":%d", f.Column)
				}
			}
			where += ": "
		}
		p.printf("  %s%s %s\n", where, clean(redact(f.Message)), p.paint(dim, "["+f.Code+"]"))
		if f.Hint != "" {
			p.printf("    hint: %s\n", clean(redact(f.Hint)))
		}
	}
}
