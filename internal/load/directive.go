package load

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Rename is a comment "-- cairn: renamed from NAME" and the definition that it
// stands above or beside.
type Rename struct {
	File         string
	Line, Column int        // of the statement, from 1
	Tokens       []pg.Token // of the statement, without comments
	Part         string     // name of the column or constraint within it, "" for what the statement defines
	From         string     // the former name
}

// renamed matches the directive in a comment.
var renamed = regexp.MustCompile(`(?m)--\s*cairn:\s*renamed\s+from\s+("(?:[^"]|"")+"|[^\s"]+)\s*$`)

// directives returns the renames that a statement declares.
func directives(s pg.Statement) []Rename {
	if !strings.Contains(s.Comment, "cairn:") && !strings.Contains(s.SQL, "cairn:") {
		return nil
	}
	all := pg.Tokens(s.SQL)
	plain := slices.DeleteFunc(slices.Clone(all), func(t pg.Token) bool { return t.Comment })
	rename := Rename{File: s.File, Line: s.Line, Column: s.Column, Tokens: plain}
	var found []Rename
	if m := renamed.FindStringSubmatch(s.Comment); m != nil {
		rename.From = pg.Token{Text: m[1]}.Ident()
		found = append(found, rename)
	}
	for i, t := range all {
		m := renamed.FindStringSubmatch(t.Text)
		if !t.Comment || m == nil {
			continue
		}
		if part := partAt(s.SQL, all, i); part != "" {
			rename.From, rename.Part = pg.Token{Text: m[1]}.Ident(), part
			found = append(found, rename)
		}
	}
	return found
}

// renames returns the directives of all statements that are run.
func (s *Script) renames() []Rename {
	var all []Rename
	for _, item := range s.items {
		all = append(all, directives(item.statement)...)
	}
	return all
}

// partAt returns the name, or label, of the part that a comment within a statement is
// about: the first name of its own line, or of the next when it stands alone.
func partAt(sql string, tokens []pg.Token, comment int) string {
	start := strings.LastIndexByte(sql[:tokens[comment].Offset], '\n') + 1
	for i, t := range tokens {
		label, isString := strings.CutPrefix(t.Text, "'")
		switch {
		case t.Offset < start || t.Comment || !t.Name && !isString:
		case isString:
			return strings.ReplaceAll(strings.TrimSuffix(label, "'"), "''", "'")
		case t.Is("CONSTRAINT") && i+1 < len(tokens):
			return tokens[i+1].Ident()
		default:
			return t.Ident()
		}
	}
	return ""
}
