package pg

import "strings"

// Token is one token of a statement, as it is written.
type Token struct {
	Text    string
	Offset  int  // in the statement, in bytes
	Comment bool // a comment
	Name    bool // a word or a quoted identifier
}

// Ident returns the name that an identifier stands for: a quoted one as it is
// written, any other in lower case (manual chapter 4.1.1).
func (t Token) Ident() string {
	if unquoted, ok := strings.CutPrefix(t.Text, `"`); ok {
		return strings.ReplaceAll(strings.TrimSuffix(unquoted, `"`), `""`, `"`)
	}
	return strings.ToLower(t.Text)
}

// Is reports whether the token is the keyword, in any case and without quotes.
func (t Token) Is(keyword string) bool { return strings.EqualFold(t.Text, keyword) }

// Scanner finds the tokens of a statement one after the other.
type Scanner struct{ lexer lexer }

// NewScanner returns a scanner at the start of a statement.
func NewScanner(sql string) *Scanner { return &Scanner{lexer{text: sql}} }

// Next returns the next token, and false behind the last one. It stops at what no
// token starts with, which the server refuses.
func (s *Scanner) Next() (t Token, ok bool) {
	l, err := s.lexer.next()
	if err != nil || l.kind == tokenEnd {
		return Token{}, false
	}
	return Token{
		Text: s.lexer.text[l.start:l.end], Offset: l.start, Comment: l.kind == tokenComment,
		Name: l.kind == tokenWord || l.kind == tokenQuoted,
	}, true
}

// Tokens cuts a statement into its tokens. It stops at what no token starts
// with, which the server has refused already.
func Tokens(sql string) []Token {
	var tokens []Token
	for s := NewScanner(sql); ; {
		t, ok := s.Next()
		if !ok {
			return tokens
		}
		tokens = append(tokens, t)
	}
}
