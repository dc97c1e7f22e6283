package pg

import "strings"

// QuoteIdent returns s as an SQL identifier. It quotes only when PostgreSQL
// would read the bare word as something else: the rule of quote_ident.
func QuoteIdent(s string) string {
	if isPlainIdent(s) {
		if _, reserved := quotedKeywords[s]; !reserved {
			return s
		}
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// QuoteName returns a schema-qualified name; an empty schema leaves the name
// unqualified.
func QuoteName(schema, name string) string {
	if schema == "" {
		return QuoteIdent(name)
	}
	return QuoteIdent(schema) + "." + QuoteIdent(name)
}

// QuoteLiteral returns s as an SQL string constant. The result means the same
// with standard_conforming_strings on and off.
func QuoteLiteral(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

func isPlainIdent(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '$'):
		default:
			return false
		}
	}
	return true
}
