package pg

import "strings"

// meta reads a psql command, which ends with its line or at \\.
func (s *splitter) meta(start int) {
	end := start + 1
	for end < len(s.text) && s.text[end] != '\n' && s.text[end] != '\r' && !strings.HasPrefix(s.text[end:], `\\`) {
		end++
	}
	after := end
	if strings.HasPrefix(s.text[end:], `\\`) {
		after += 2
	}
	s.pos = after
	line := strings.TrimRight(s.text[start:end], " \t")
	fields := metaFields(line[1:])
	statement := Statement{SQL: line, Offset: start, end: after}
	if len(fields) > 0 {
		statement.Meta, statement.Args = fields[0], fields[1:]
	}
	if statement.Meta == "" {
		statement.Meta = `\`
	}
	s.keep(statement)
}

// metaFields splits at white space; quotes of either kind hold a field
// together, and a doubled quote stands for itself.
func metaFields(line string) []string {
	var fields []string
	var field strings.Builder
	inField := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case isSpace(c):
			if inField {
				fields = append(fields, field.String())
				field.Reset()
				inField = false
			}
			continue
		case c == '\'' || c == '"':
			i = metaQuoted(line, i, &field)
		default:
			field.WriteByte(c)
		}
		inField = true
	}
	if inField {
		fields = append(fields, field.String())
	}
	return fields
}

// metaQuoted writes what stands between the quote at i and its partner, and
// returns the partner's index.
func metaQuoted(line string, i int, field *strings.Builder) int {
	quote := line[i]
	for i++; i < len(line); i++ {
		if line[i] == quote {
			if i+1 == len(line) || line[i+1] != quote {
				return i
			}
			i++
		}
		field.WriteByte(line[i])
	}
	return i
}
