package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// statements prints the SQL, each statement below a line that says what it
// costs.
func (p *printer) statements(plan *schema.Plan) {
	p.printf("\n%s\n", p.paint(bold, "SQL"))
	segments := lastSegment(plan)
	for i, s := range plan.Steps {
		if i == 0 || s.Segment != plan.Steps[i-1].Segment {
			p.printf("\n")
			if segments > 1 || s.NoTx {
				p.printf("  %s\n\n", p.paint(dim, segmentLine(s, segments)))
			}
		} else {
			p.printf("\n")
		}
		code := dim
		if s.Loses != "" {
			code = red
		}
		for _, line := range costLines(s) {
			p.printf("  %s\n", p.paint(code, "-- "+line))
		}
		for line := range strings.Lines(terminated(s.SQL)) {
			p.printf("  %s\n", clean(strings.TrimRight(line, " \r\n")))
		}
	}
}

func lastSegment(plan *schema.Plan) int {
	if len(plan.Steps) == 0 {
		return 0
	}
	return plan.Steps[len(plan.Steps)-1].Segment
}

func segmentLine(s schema.Step, segments int) string {
	line := fmt.Sprintf("-- transaction %d of %d", s.Segment, segments)
	if s.NoTx {
		line = fmt.Sprintf("-- %d of %d, outside a transaction", s.Segment, segments)
	}
	return line
}

// costLines says what a statement locks, reads, writes and can lose.
func costLines(s schema.Step) []string {
	var lines []string
	var parts []string
	if s.Lock != "" {
		parts = append(parts, s.Lock+" on "+relationName(s.Relation)+otherLocks(s), blocks(s.Lock))
	}
	if s.Rewrite {
		parts = append(parts, "rewrites the table")
	}
	if s.Scan {
		parts = append(parts, "scans the table")
	}
	if size := sizeOf(s); size != "" {
		parts = append(parts, size)
	}
	if class := takes(s); class != "" {
		parts = append(parts, class)
	}
	if len(parts) > 0 {
		lines = append(lines, strings.Join(parts, "; "))
	}
	if s.Loses != "" {
		lines = append(lines, "can lose data: "+strings.Join(strings.Fields(loss(s)), " "), "permit with --allow "+shellWord(s.Allowance()))
	}
	lines = append(lines, hazardLines(s)...)
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return lines
}

// otherLocks names the other relations whose writers wait for the statement.
func otherLocks(s schema.Step) string {
	var others string
	for _, l := range s.Locks {
		switch {
		case l.Relation == s.Relation || strings.HasPrefix(blocks(l.Lock), "blocks neither"):
		case l.Lock == s.Lock:
			others += ", " + relationName(l.Relation)
		default:
			others += ", " + l.Lock + " on " + relationName(l.Relation)
		}
	}
	return others
}

func relationName(object string) string {
	_, name, found := strings.Cut(object, ":")
	if !found {
		return object
	}
	return name
}

// blocks says what a table lock keeps other sessions from, as the conflict
// table in the chapter on explicit locking has it.
func blocks(lock string) string {
	switch lock {
	case "ACCESS EXCLUSIVE":
		return "blocks reads and writes"
	case "EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE":
		return "blocks writes"
	}
	return "blocks neither reads nor writes"
}

// sizeOf is the estimate of the table, where it matters.
func sizeOf(s schema.Step) string {
	if s.Lock == "" || s.Rows == 0 && s.Bytes == 0 {
		return ""
	}
	size := bytesText(s.Bytes)
	switch {
	case s.Rows < 0 && s.Bytes == 0:
		return "" // a partitioned table, or one that was never analysed
	case s.Rows < 0:
		return "unknown number of rows, " + size
	case s.Rows == 1:
		return "about 1 row, " + size
	}
	return "about " + grouped(s.Rows) + " rows, " + size
}

// grouped prints a number with a comma between thousands.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func bytesText(n int64) string {
	size, unit := float64(n), "bytes"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, next
	}
	if unit == "bytes" || size >= 10 {
		return fmt.Sprintf("%.0f %s", size, unit)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}

// losses sums up what needs a permission.
func (p *printer) losses(plan *schema.Plan) {
	losing := 0
	var allow []string
	for _, s := range plan.Steps {
		if s.Loses == "" {
			continue
		}
		losing++
		if flag := "--allow " + shellWord(s.Allowance()); !slices.Contains(allow, flag) {
			allow = append(allow, flag)
		}
	}
	if losing == 0 {
		return
	}
	verb := "can lose data and needs"
	if losing > 1 {
		verb = "can lose data and need"
	}
	p.printf("\n%s\n", p.paint(red, fmt.Sprintf("%s %s to be allowed: cairn apply ... %s",
		count(losing, "statement"), verb, clean(strings.Join(allow, " ")))))
}

// terminated ends a statement with a semicolon. A statement that ends in a
// line comment gets it on a line of its own.
func terminated(sql string) string {
	sql = strings.TrimRight(sql, " \t\r\n")
	last := sql[strings.LastIndexByte(sql, '\n')+1:]
	if strings.Contains(last, "--") {
		return sql + "\n;\n"
	}
	return sql + ";\n"
}

// sessionSettings begin every script: the text is UTF-8, and bodies of
// functions may name what comes later.
const sessionSettings = "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET check_function_bodies = off;\n"

// planSettings begin the script of a plan: its statements mean what they mean in
// a session of apply, whatever the role or the database sets.
const planSettings = sessionSettings + "SET transform_null_equals = off;\nSET IntervalStyle = postgres;\nSET xmloption = content;\n" +
	"SET default_tablespace = '';\nSET default_table_access_method = heap;\n"

// writeSQL writes the plan as a script for psql -v ON_ERROR_STOP=1: each
// segment is a transaction.
func writeSQL(w io.Writer, plan *schema.Plan) error {
	var b strings.Builder
	fmt.Fprintf(&b, "-- %s\n", summaryLine(plan.Summary))
	fmt.Fprintf(&b, "-- from %s\n-- to   %s\n", plan.From, plan.To)
	if hasChanges(plan) {
		b.WriteString("-- run with: psql -X -v ON_ERROR_STOP=1 -f FILE\n\n" + planSettings)
	}
	open := false
	end := func() {
		if open {
			b.WriteString("\nCOMMIT;\n")
			open = false
		}
	}
	segments := lastSegment(plan)
	for i, s := range plan.Steps {
		if i == 0 || s.Segment != plan.Steps[i-1].Segment {
			end()
			fmt.Fprintf(&b, "\n%s\n", segmentLine(s, segments))
			if !s.NoTx {
				b.WriteString("BEGIN;\n")
				open = true
			}
		}
		b.WriteByte('\n')
		for _, line := range costLines(s) {
			fmt.Fprintf(&b, "-- %s\n", line)
		}
		b.WriteString(terminated(s.SQL))
	}
	end()
	_, err := io.WriteString(w, b.String())
	return err
}
