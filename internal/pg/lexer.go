package pg

import (
	"strings"
	"unicode/utf8"
)

// tokenKind tells apart what the splitter has to know about.
type tokenKind int

const (
	tokenEnd       tokenKind = iota
	tokenComment             // one comment
	tokenWord                // an identifier or keyword without quotes
	tokenQuoted              // a quoted identifier
	tokenString              // a string constant of any form
	tokenNumber              // a number or a parameter such as $1
	tokenSemicolon           // ;
	tokenOpen                // (
	tokenClose               // )
	tokenBackslash           // \, which only psql understands
	tokenOther               // one character of anything else
)

type token struct {
	kind       tokenKind
	start, end int
}

// lexer finds tokens by the rules of PostgreSQL's scan.l, as far as they decide
// where a token ends.
type lexer struct {
	text string
	pos  int

	// backslashes is set while standard_conforming_strings is off.
	backslashes bool
}

// lexError is a message with the offset it belongs to.
type lexError struct {
	offset int
	msg    string
}

// Error returns the message alone; the splitter adds the position.
func (e *lexError) Error() string { return e.msg }

// next returns the next token. White space before it is skipped.
func (l *lexer) next() (token, error) {
	for l.pos < len(l.text) && isSpace(l.text[l.pos]) {
		l.pos++
	}
	start := l.pos
	if start == len(l.text) {
		return token{tokenEnd, start, start}, nil
	}
	kind, err := l.scan(l.text[start])
	return token{kind, start, l.pos}, err
}

func (l *lexer) scan(c byte) (tokenKind, error) {
	rest := l.text[l.pos:]
	switch {
	case strings.HasPrefix(rest, "--"):
		l.lineComment()
		return tokenComment, nil
	case strings.HasPrefix(rest, "/*"):
		return tokenComment, l.blockComment()
	case c == '\'':
		return tokenString, l.quoted(l.pos, '\'', l.backslashes)
	case c == '"':
		return tokenQuoted, l.quoted(l.pos, '"', false)
	case c == '$':
		return l.dollar()
	case isIdentStart(c):
		return l.word()
	case isDigit(c):
		for l.pos < len(l.text) && isIdentPart(l.text[l.pos]) && l.text[l.pos] != '$' {
			l.pos++
		}
		return tokenNumber, nil
	}
	l.pos++
	switch c {
	case ';':
		return tokenSemicolon, nil
	case '(':
		return tokenOpen, nil
	case ')':
		return tokenClose, nil
	case '\\':
		return tokenBackslash, nil
	}
	return tokenOther, nil
}

func (l *lexer) lineComment() {
	for l.pos < len(l.text) && l.text[l.pos] != '\n' && l.text[l.pos] != '\r' {
		l.pos++
	}
}

func (l *lexer) blockComment() error {
	start, depth := l.pos, 0
	for l.pos < len(l.text) {
		switch {
		case strings.HasPrefix(l.text[l.pos:], "/*"):
			depth++
			l.pos += 2
		case strings.HasPrefix(l.text[l.pos:], "*/"):
			depth--
			l.pos += 2
			if depth == 0 {
				return nil
			}
		default:
			l.pos++
		}
	}
	return &lexError{start, "unterminated /* comment"}
}

// quoted skips what starts with the quote at l.pos; start is where the token
// began.
func (l *lexer) quoted(start int, quote byte, escapes bool) error {
	l.pos++
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		l.pos++
		switch {
		case c == '\\' && escapes:
			if l.pos < len(l.text) {
				l.pos++
			}
		case c != quote:
		case l.pos < len(l.text) && l.text[l.pos] == quote:
			l.pos++
		case escapes && l.continues():
		default:
			return nil
		}
	}
	if quote == '"' {
		return &lexError{start, "unterminated quoted identifier"}
	}
	return &lexError{start, "unterminated quoted string"}
}

// continues reports whether a string goes on behind white space with a line
// break, and moves behind the quote that opens its next part. It matters only
// where backslashes escape, because the next part inherits this.
func (l *lexer) continues() bool {
	broken := false
	for i := l.pos; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '\n' || c == '\r':
			broken = true
		case isSpace(c):
		case strings.HasPrefix(l.text[i:], "--"):
			for i+1 < len(l.text) && l.text[i+1] != '\n' && l.text[i+1] != '\r' {
				i++
			}
		case c == '\'' && broken:
			l.pos = i + 1
			return true
		default:
			return false
		}
	}
	return false
}

// dollar scans a dollar-quoted string, a parameter or a lone dollar sign.
func (l *lexer) dollar() (tokenKind, error) {
	start := l.pos
	i := start + 1
	if i < len(l.text) && isDigit(l.text[i]) {
		for i < len(l.text) && isDigit(l.text[i]) {
			i++
		}
		l.pos = i
		return tokenNumber, nil
	}
	for i < len(l.text) && isIdentPart(l.text[i]) && l.text[i] != '$' {
		i++
	}
	if i == len(l.text) || l.text[i] != '$' {
		l.pos++
		return tokenOther, nil
	}
	delimiter := l.text[start : i+1]
	length := strings.Index(l.text[i+1:], delimiter)
	if length < 0 {
		l.pos = len(l.text)
		return tokenString, &lexError{start, "unterminated dollar-quoted string " + delimiter}
	}
	l.pos = i + 1 + length + len(delimiter)
	return tokenString, nil
}

// word scans an identifier, or a constant that starts with a letter: E”, B”,
// X”, N”, U&” strings and the identifier U&"".
func (l *lexer) word() (tokenKind, error) {
	start := l.pos
	rest := l.text[start:]
	if len(rest) >= 2 && rest[1] == '\'' && strings.IndexByte("eEbBxXnN", rest[0]) >= 0 {
		l.pos++
		escapes := rest[0] == 'e' || rest[0] == 'E' || (rest[0]|0x20) == 'n' && l.backslashes
		return tokenString, l.quoted(start, '\'', escapes)
	}
	if len(rest) >= 3 && (rest[0]|0x20) == 'u' && rest[1] == '&' && (rest[2] == '\'' || rest[2] == '"') {
		l.pos += 2
		if rest[2] == '"' {
			return tokenQuoted, l.quoted(start, '"', false)
		}
		return tokenString, l.quoted(start, '\'', false)
	}
	for l.pos < len(l.text) && isIdentPart(l.text[l.pos]) {
		l.pos++
	}
	return tokenWord, nil
}

// Words returns the first n words of a statement in upper case, skipping
// comments. It stops before anything that is not a bare word, so a quoted name
// never passes for a keyword.
func Words(sql string, n int) []string {
	l := lexer{text: sql}
	var words []string
	for len(words) < n {
		t, err := l.next()
		if err != nil {
			break
		}
		if t.kind == tokenComment {
			continue
		}
		if t.kind != tokenWord {
			break
		}
		words = append(words, strings.ToUpper(sql[t.start:t.end]))
	}
	return words
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdentStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

func isIdentPart(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '$' }
