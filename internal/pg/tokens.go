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

// Tokens cuts a statement into its tokens. It stops at what no token starts
// with, which the server has refused already.
func Tokens(sql string) []Token {
	l := lexer{text: sql}
	var tokens []Token
	for {
		t, err := l.next()
		if err != nil || t.kind == tokenEnd {
			return tokens
		}
		tokens = append(tokens, Token{
			Text: sql[t.start:t.end], Offset: t.start, Comment: t.kind == tokenComment,
			Name: t.kind == tokenWord || t.kind == tokenQuoted,
		})
	}
}
