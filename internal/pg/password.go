package pg

import "strings"

// Unlogged keeps what a session does out of the server's log: statements of files
// can hold passwords, and so can what a failing one says of where it failed. Only
// a superuser may set it.
const Unlogged = "SET log_min_messages = panic"

// WithoutPassword removes the PASSWORD option from CREATE ROLE and ALTER ROLE.
func WithoutPassword(sql string) string {
	l := lexer{text: sql}
	var kept strings.Builder
	at := 0 // end of what has been kept or dropped
	var before token
	for {
		t, err := l.next()
		if err != nil || t.kind == tokenEnd {
			kept.WriteString(sql[at:])
			return kept.String()
		}
		if t.kind == tokenWord && strings.EqualFold(sql[t.start:t.end], "PASSWORD") {
			value, err := l.next()
			for err == nil && value.kind == tokenComment {
				value, err = l.next()
			}
			isNull := value.kind == tokenWord && strings.EqualFold(sql[value.start:value.end], "NULL")
			if err == nil && (value.kind == tokenString || isNull) {
				start := t.start
				if isEncryption(sql[before.start:before.end]) {
					start = before.start
				}
				kept.WriteString(sql[at:start])
				at = value.end
			}
			t = value
		}
		before = t
	}
}

func isEncryption(word string) bool {
	return strings.EqualFold(word, "ENCRYPTED") || strings.EqualFold(word, "UNENCRYPTED")
}
