package pg

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// scripts are texts that the splitter and the lexer have to find their way in.
var scripts = []string{
	"", ";", "SELECT 1; -- a\n/* b */ SELECT 2 /* c */; /* d */", "SELECT 'a''b', E'\\'', U&\"a\"\"b\", $q$ ; $$ $q$, $1;",
	"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END; SELECT 2", "\\restrict a 'b c'\nSELECT 1\\\\SELECT 2",
	"COPY t (a, b) FROM stdin;\n1\t;\n\\.\nSELECT 2;", "SET standard_conforming_strings = off;SELECT '\\';';", "SELECT E'a' -- c\n 'b;'",
	"\ufeffSELECT 1;\r\n", "/* /* */", "$a", "\"", "'", "E'\\", "U&", "\xff", "\x00", "a$b$c", "1$1", "))((;", "SELECT 'ä' /*é*/ ;--", "COPY t FROM STDIN",
}

// Splitting ends, keeps every byte that is no white space, comment or semicolon,
// and says where each statement stands.
func FuzzSplit(f *testing.F) {
	for _, s := range scripts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		statements, err := Split("a.sql", text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Line > lines(text) || syntax.Column < 1 || strings.Contains(syntax.Msg, "\n") {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		at := 0
		for _, s := range statements {
			if s.Offset < at || s.end < s.Offset+len(s.SQL) || s.end > len(text) || text[s.Offset:s.Offset+len(s.SQL)] != s.SQL {
				t.Fatalf("statement %q is at %d to %d behind %d", s.SQL, s.Offset, s.end, at)
			}
			onlyBetween(t, text[at:s.Offset])
			if at = s.end; !s.Copy && s.Meta == "" {
				onlyBetween(t, text[s.Offset+len(s.SQL):at])
			}
			if s.Copy && !strings.Contains(text[s.Offset+len(s.SQL):at], s.Data) {
				t.Fatalf("data of %q is wrong", s.SQL)
			}
			before := strings.TrimPrefix(text[:s.Offset], byteOrderMark)
			if s.Line != lines(before) || s.Column != 1+utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) {
				t.Fatalf("statement %q is on %d:%d", s.SQL, s.Line, s.Column)
			}
			for _, position := range []int{-1, 0, 1, len(s.SQL), 1 << 30} {
				if line, column := Position(s, position); line < s.Line || line > lines(text) || column < 1 {
					t.Fatalf("position %d of %q is %d:%d", position, s.SQL, line, column)
				}
			}
		}
		onlyBetween(t, text[at:])
		if _, err := Comments("a.sql", text); err != nil {
			t.Fatalf("the comments: %v", err)
		}
	})
}

func lines(text string) int { return 1 + strings.Count(text, "\n") }

// onlyBetween demands what can stand between statements.
func onlyBetween(t *testing.T, text string) {
	t.Helper()
	for _, token := range Tokens(strings.TrimPrefix(text, byteOrderMark)) {
		if !token.Comment && token.Text != ";" {
			t.Fatalf("%q is left out", text)
		}
	}
}

// The tokens of a text are all of it but white space, and stop only before what
// is not closed. What is quoted is one token.
func FuzzTokens(f *testing.F) {
	for _, s := range scripts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at := 0
		for _, token := range Tokens(text) {
			if token.Offset < at || token.Text == "" || !strings.HasPrefix(text[token.Offset:], token.Text) || !isBlank(text[at:token.Offset]) {
				t.Fatalf("token %q at %d, behind %d", token.Text, token.Offset, at)
			}
			at = token.Offset + len(token.Text)
		}
		if rest := strings.TrimLeft(text[at:], " \t\n\r\f\v"); rest != "" {
			l := lexer{text: rest}
			if _, err := l.next(); err == nil {
				t.Fatalf("the tokens end before %q", rest)
			}
		}
		Words(text, 3)
		if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
			return // no name and no text of a database
		}
		oneToken(t, QuoteIdent(text), true)
		oneToken(t, QuoteLiteral(text), false)
		if got := Tokens(QuoteIdent(text))[0].Ident(); got != text {
			t.Fatalf("%q is read back as %q", QuoteIdent(text), got)
		}
	})
}

func isBlank(text string) bool { return strings.Trim(text, " \t\n\r\f\v") == "" }

// oneToken demands that a text is one token, also where strings have backslashes.
func oneToken(t *testing.T, text string, name bool) {
	t.Helper()
	for _, backslashes := range []bool{false, true} {
		l := lexer{text: text, backslashes: backslashes}
		token, err := l.next()
		if err != nil || token.end != len(text) || name != slices.Contains([]tokenKind{tokenWord, tokenQuoted}, token.kind) {
			t.Fatalf("%q is read up to %d: %v", text, token.end, err)
		}
	}
}

// Long texts take time in proportion. What takes the square of it does not end
// here in the time that a test has.
func TestSplitLongTexts(t *testing.T) {
	for _, piece := range []string{
		" ", "\n", ";", "-- a\n", "/**/", "/*", "--", "(", ")", "'", "''", "E''\n", "E'' ", "E''--\n", "$", "$a", "$$", "$a$b", "\"", "a", "a ", "1", "\\a\n", "\\\\ ",
		"SELECT 1; /**/", "SELECT 1;-- a\n", "BEGIN ", "CREATE FUNCTION ", "CASE ", "SET standard_conforming_strings = off;", "COPY a FROM STDIN;\n", "U&'", "é", "\\'",
	} {
		for _, head := range []string{"", "SELECT 1;"} {
			text := head + strings.Repeat(piece, (1<<17)/len(piece))
			_, _ = Split("a.sql", text) // what is wrong is not the question
			_, _ = Comments("a.sql", text)
			Tokens(text)
		}
	}
}
