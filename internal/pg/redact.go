package pg

import (
	"regexp"
	"strings"
)

// secretShapes match a secret together with what stands around it; the first
// group is kept. A name that contains password or secret is that of one, as it
// is for what Cairn reads.
var secretShapes = []*regexp.Regexp{
	regexp.MustCompile(`(?i)(\b\w*(?:password|secret)\w*"?\s*=\s*)(?:E?'(?:[^'\\]|''|\\.)*'|"[^"]*"|(?:[^\s\\]|\\.)+)`),
	regexp.MustCompile(`(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/]+(@)`),
	regexp.MustCompile(`(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[0-9]*[^\s@/0-9][^\s@]*(@)`),
	regexp.MustCompile(`(?is)(\b\w*(?:password|secret)\w*"?\s+(?:TO\s+)?)(?:E?'(?:[^'\\]|''|\\.)*'|\$\w*\$.*?\$\w*\$)`),
}

// percentKey matches a percent-encoded spelling of a query parameter's name.
var percentKey = regexp.MustCompile(`([?&])([a-zA-Z%0-9]*%[a-zA-Z%0-9]*)=[^&\s]*`)

// Redact replaces passwords and secrets in connection strings, URLs, settings and
// options of statements anywhere in s.
func Redact(s string) string {
	lower := strings.ToLower(s)
	if !strings.Contains(lower, "password") && !strings.Contains(lower, "secret") && !strings.Contains(lower, "://") {
		return s
	}
	for _, shape := range secretShapes {
		s = shape.ReplaceAllString(s, "${1}xxxxx${2}")
	}
	return percentKey.ReplaceAllString(s, "${1}${2}=xxxxx")
}

// HasPassword reports whether a connection string carries a password itself.
func HasPassword(dsn string) bool { return Redact(dsn) != dsn }
