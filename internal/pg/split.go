package pg

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Split cuts a script into its statements and psql commands. It finds only
// where statements end, by the rules of psql; what they say is for PostgreSQL
// to judge. Errors are of type *SyntaxError.
func Split(file, text string) ([]Statement, error) {
	s := splitter{file: file, lexer: lexer{text: text}, line: 1, column: 1}
	s.statements = make([]Statement, 0, strings.Count(text, ";\n")+1)
	if err := s.split(); err != nil {
		return nil, err
	}
	return s.statements, nil
}

// Comments returns the comments of a script, also those inside of statements.
// What looks like one in a string or in the body of a function is none. Errors
// are of type *SyntaxError.
func Comments(file, text string) ([]string, error) {
	s := splitter{file: file, lexer: lexer{text: text}, line: 1, column: 1}
	if err := s.split(); err != nil {
		return nil, err
	}
	return s.seen, nil
}

func (s *splitter) split() error {
	if err := s.checkText(); err != nil {
		return err
	}
	if strings.HasPrefix(s.text, byteOrderMark) {
		s.pos = len(byteOrderMark)
		s.counted = s.pos
	}
	for {
		more, err := s.statement()
		if err != nil {
			return s.syntaxError(err)
		}
		if !more {
			s.endLine()
			return nil
		}
	}
}

const byteOrderMark = "\uFEFF"

type splitter struct {
	lexer
	file       string
	statements []Statement
	comments   []string // before the statement at hand
	trailing   []string // behind the last statement, on its line
	trailed    int      // offset up to which nothing ends that line
	seen       []string // all comments so far

	counted, line, column int // position of the last counted offset

	depth int // open parentheses
	begin int // open BEGIN and CASE in the body of a routine
	words []string
}

// checkText rejects what cannot be SQL at all.
func (s *splitter) checkText() error {
	text := s.text
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return &SyntaxError{File: s.file, Line: 1, Column: 1, Msg: "not UTF-8 text; the file seems to be UTF-16"}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return s.binary(i, "a zero byte")
	}
	if utf8.ValidString(text) {
		return nil
	}
	for i := 0; ; {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size <= 1 {
			return s.binary(i, fmt.Sprintf("byte 0x%02x, which is not UTF-8", text[i]))
		}
		i += size
	}
}

func (s *splitter) binary(offset int, what string) error {
	line, column := s.position(offset)
	return &SyntaxError{File: s.file, Line: line, Column: column, Msg: "not SQL text: it contains " + what}
}

func (s *splitter) syntaxError(err error) error {
	var lexical *lexError
	if !errors.As(err, &lexical) {
		return err
	}
	s.counted, s.line, s.column = 0, 1, 1
	if strings.HasPrefix(s.text, byteOrderMark) {
		s.counted = len(byteOrderMark)
	}
	line, column := s.position(lexical.offset)
	return &SyntaxError{File: s.file, Line: line, Column: column, Msg: lexical.msg}
}

// position returns line and column of an offset; offsets must not decrease.
func (s *splitter) position(offset int) (line, column int) {
	chunk := s.text[s.counted:offset]
	if lines := strings.Count(chunk, "\n"); lines > 0 {
		s.line += lines
		s.column = 1
		chunk = chunk[strings.LastIndexByte(chunk, '\n')+1:]
	}
	s.column += utf8.RuneCountInString(chunk)
	s.counted = offset
	return s.line, s.column
}

// statement reads up to the end of one statement or psql command.
func (s *splitter) statement() (more bool, err error) {
	s.depth, s.begin, s.words = 0, 0, s.words[:0]
	start, end := -1, -1
	for {
		t, err := s.next()
		if err != nil {
			return false, err
		}
		switch t.kind {
		case tokenEnd:
			s.finish(start, end, t.end)
			return false, nil
		case tokenComment:
			s.seen = append(s.seen, strings.TrimRight(s.text[t.start:t.end], " \t\r"))
			if start < 0 {
				s.comment(t)
			}
			continue
		case tokenBackslash:
			if start >= 0 {
				return false, &lexError{t.start, "a psql command cannot follow an unfinished statement; is a semicolon missing?"}
			}
			s.meta(t.start)
			return true, nil
		case tokenSemicolon:
			if s.depth == 0 && s.begin == 0 {
				s.finish(start, end, t.end)
				return true, nil
			}
		}
		if start < 0 {
			start = t.start
		}
		end = t.end
		s.track(t)
	}
}

// track follows parentheses and the nesting of SQL-standard routine bodies,
// the way psql does.
func (s *splitter) track(t token) {
	switch t.kind {
	case tokenOpen:
		s.depth++
	case tokenClose:
		s.depth = max(0, s.depth-1)
	case tokenWord:
		word := s.text[t.start:t.end]
		if len(s.words) < maxWords && s.depth == 0 {
			s.words = append(s.words, strings.ToUpper(word))
		}
		if s.depth > 0 || !s.isRoutine() {
			return
		}
		switch {
		case strings.EqualFold(word, "BEGIN"):
			s.begin++
		case strings.EqualFold(word, "CASE") && s.begin > 0:
			s.begin++
		case strings.EqualFold(word, "END") && s.begin > 0:
			s.begin--
		}
	}
}

// maxWords bounds what is remembered of a statement; FROM STDIN stands behind
// a name and a list of columns in parentheses.
const maxWords = 8

func (s *splitter) isRoutine() bool {
	w := s.words
	if len(w) >= 4 && w[0] == "CREATE" && w[1] == "OR" && w[2] == "REPLACE" {
		return w[3] == "FUNCTION" || w[3] == "PROCEDURE"
	}
	return len(w) >= 2 && w[0] == "CREATE" && (w[1] == "FUNCTION" || w[1] == "PROCEDURE")
}

// comment keeps a comment for the statement that follows, or for the one
// before when it stands behind it on the same line.
func (s *splitter) comment(t token) {
	text := strings.TrimRight(s.text[t.start:t.end], " \t\r")
	if n := len(s.statements); n > 0 && len(s.comments) == 0 {
		last := &s.statements[n-1]
		from := max(last.end, s.trailed)
		if !strings.ContainsAny(s.text[from:t.start], "\n\r") && !last.Copy {
			s.trailing, s.trailed = append(s.trailing, text), t.start
			return
		}
	}
	s.comments = append(s.comments, text)
}

// endLine gives the last statement the comments that stand behind it.
func (s *splitter) endLine() {
	if len(s.trailing) == 0 {
		return
	}
	last := &s.statements[len(s.statements)-1]
	if last.Comment != "" {
		s.trailing = slices.Insert(s.trailing, 0, last.Comment)
	}
	last.Comment = strings.Join(s.trailing, "\n")
	s.trailing = nil
}

// finish keeps the statement between start and end; after is the offset behind
// its semicolon.
func (s *splitter) finish(start, end, after int) {
	if start < 0 {
		return
	}
	s.keep(Statement{SQL: s.text[start:end], Offset: start, end: after})
	last := &s.statements[len(s.statements)-1]
	switch {
	case s.copiesFromScript():
		last.Copy = true
		last.Data = s.copyData()
		last.end = s.pos
	case len(s.words) > 1 && s.words[0] == "SET":
		s.trackStrings(last.SQL)
	}
}

func (s *splitter) keep(statement Statement) {
	s.endLine()
	statement.File = s.file
	statement.Line, statement.Column = s.position(statement.Offset)
	statement.Comment = strings.Join(s.comments, "\n")
	s.comments = nil
	s.statements = append(s.statements, statement)
}

func (s *splitter) copiesFromScript() bool {
	if len(s.words) == 0 || s.words[0] != "COPY" {
		return false
	}
	for i := 1; i < len(s.words)-1; i++ {
		if s.words[i] == "FROM" && s.words[i+1] == "STDIN" {
			return true
		}
	}
	return false
}

// trackStrings follows SET standard_conforming_strings, which changes how the
// rest of the script is read.
func (s *splitter) trackStrings(sql string) {
	lower := strings.ToLower(sql)
	if !strings.Contains(lower, "standard_conforming_strings") {
		return
	}
	value := strings.Trim(lower[strings.LastIndexAny(lower, " =\t\n")+1:], "'")
	switch value {
	case "off", "false", "no", "0":
		s.backslashes = true
	default:
		s.backslashes = false
	}
}

// copyData takes the lines behind a COPY up to the line \. and moves behind it.
func (s *splitter) copyData() string {
	i := strings.IndexByte(s.text[s.pos:], '\n')
	if i < 0 {
		return ""
	}
	start := s.pos + i + 1
	for at := start; at < len(s.text); {
		line, _, found := strings.Cut(s.text[at:], "\n")
		next := at + len(line)
		if found {
			next++
		}
		if strings.TrimSuffix(line, "\r") == `\.` {
			s.pos = next
			return s.text[start:at]
		}
		at = next
	}
	s.pos = len(s.text)
	return s.text[start:]
}
