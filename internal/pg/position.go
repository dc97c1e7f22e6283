package pg

// Position maps a position that PostgreSQL reported in the text of a statement
// (in characters, from 1) to line and column of the statement's file. A
// position below 1 means the start of the statement.
func Position(stmt Statement, pgPosition int) (line, column int) {
	line, column = stmt.Line, stmt.Column
	for _, r := range stmt.SQL {
		if pgPosition <= 1 {
			break
		}
		pgPosition--
		column++
		if r == '\n' {
			line++
			column = 1
		}
	}
	return line, column
}
