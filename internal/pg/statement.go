package pg

import "fmt"

// Statement is one statement of a script, or one command of psql in it.
type Statement struct {
	SQL     string // without leading comments and the closing semicolon
	File    string
	Line    int    // of the first token, from 1
	Column  int    // of the first token, in characters from 1
	Offset  int    // of SQL in the text, in bytes
	Comment string // the comments before it, and one after it on its last line

	Copy bool   // COPY ... FROM stdin in a script
	Data string // the lines up to \. that follow it

	Meta string   // name of a psql command such as "restrict"; then SQL is its line
	Args []string // its arguments

	end int // offset behind everything that belongs to the statement
}

// SyntaxError says that a script cannot be split into statements.
type SyntaxError struct {
	File   string
	Line   int
	Column int // in characters from 1
	Msg    string
}

// Error starts with the position.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}
