package load

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairn-db/cairn/internal/pg"
)

// area is what a statement is about.
type area int

const (
	ofSchema   area = iota
	ofRoles         // roles of the server, and what they may do there
	ofDatabase      // the database itself
)

// leftAlone names, by area, the finding about statements that are not asked for.
var leftAlone = map[area]Finding{
	ofRoles: {Code: "roles-unmanaged", Message: "statements about roles, their memberships and settings are left alone (%d)",
		Hint: "use --roles to manage them"},
	ofDatabase: {Code: "database-settings-unmanaged", Message: "statements about the database itself are left alone (%d)",
		Hint: "use --database-settings to manage them"},
}

// unmanagedOfDatabase are the words of ALTER DATABASE that say what is not
// managed.
var unmanagedOfDatabase = []string{"RENAME", "OWNER", "TABLESPACE", "ALLOW_CONNECTIONS", "IS_TEMPLATE", "REFRESH"}

// notOneRole are the words that stand for another role on each server, or for all.
var notOneRole = []string{"ALL", "CURRENT_USER", "CURRENT_ROLE", "SESSION_USER"}

// subject is what a statement is about, beside the schema.
type subject struct {
	area      area
	databases []pg.Token // that it names
	unmanaged string     // what of it nobody manages, "" for nothing
	inert     bool       // does not run where it is not asked for
}

// subjectOf looks at the first words of a statement.
func subjectOf(tokens []pg.Token, words []string) subject {
	is := func(i int, word string) bool { return i >= 0 && i < len(tokens) && tokens[i].Is(word) }
	on := slices.IndexFunc(tokens, func(t pg.Token) bool { return t.Is("ON") })
	rights := is(0, "GRANT") || is(0, "REVOKE")
	switch {
	case isRole(words):
		s := subject{area: ofRoles}
		if is(0, "ALTER") && slices.ContainsFunc(notOneRole, func(word string) bool { return is(2, word) }) {
			s.unmanaged, s.inert = "ALTER ROLE "+strings.ToUpper(tokens[2].Text), true
		}
		if is(3, "IN") && is(4, "DATABASE") && len(tokens) > 5 {
			s.databases, s.inert = tokens[5:6], true
		}
		return s
	case is(0, "ALTER") && is(1, "DATABASE") && len(tokens) > 2:
		s := subject{area: ofDatabase, databases: tokens[2:3], inert: true}
		if !is(3, "SET") || is(4, "TABLESPACE") {
			for _, t := range tokens[3:] {
				if slices.ContainsFunc(unmanagedOfDatabase, t.Is) {
					s.unmanaged = "ALTER DATABASE ... " + strings.ToUpper(t.Text)
				}
			}
		}
		return s
	case rights && on < 0:
		return subject{area: ofRoles}
	case rights && is(on+1, "PARAMETER"):
		return subject{area: ofRoles}
	case (rights || has(words, "COMMENT", "ON") || isLabel(words)) && is(on+1, "DATABASE"):
		s := subject{area: ofDatabase, inert: true}
		for i := on + 2; i < len(tokens); i += 2 {
			s.databases = append(s.databases, tokens[i])
			if !is(i+1, ",") {
				break
			}
		}
		return s
	case (has(words, "COMMENT", "ON") || isLabel(words)) && is(on+1, "ROLE"):
		return subject{area: ofRoles, inert: isLabel(words)}
	}
	return subject{}
}

// mayBeMore reports from the first words whether a statement may be about more
// than the schema, so that the long ones need not be read.
func mayBeMore(words []string) bool {
	switch {
	case len(words) < 2:
		return false
	case words[0] == "GRANT", words[0] == "REVOKE", isLabel(words):
		return true
	case has(words, "COMMENT", "ON"):
		return len(words) > 2 && (words[2] == "DATABASE" || words[2] == "ROLE")
	}
	return has(words, "ALTER", "DATABASE") || isRole(words)
}

// server decides about a statement that is about more than the schema, and notes
// in the item where it names the database. It reports whether the statement is
// one.
func (s *Script) server(statement pg.Statement, words []string, item *item) (run, found bool) {
	if !mayBeMore(words) {
		return true, false
	}
	tokens := slices.DeleteFunc(pg.Tokens(statement.SQL), func(t pg.Token) bool { return t.Comment })
	about := subjectOf(tokens, words)
	if about.area == ofSchema {
		return true, false
	}
	if about.area == ofRoles && !s.options.Roles || about.area == ofDatabase && !s.options.Database {
		s.left = append(s.left, left{about.area, statement})
		return !about.inert, true
	}
	if about.unmanaged != "" {
		s.find(statement, "not-schema", about.unmanaged+" is not managed", "")
		return false, true
	}
	for _, name := range about.databases {
		if s.named == "" {
			s.named = name.Ident()
		}
		if name.Ident() != s.named {
			s.find(statement, "other-database", fmt.Sprintf("the statement is about database %s, not about %s, and is left alone", name.Ident(), s.named), "")
			return false, true
		}
	}
	item.databases = about.databases
	return true, true
}

// address puts the name of the scratch database in the place of the target's.
func (i *item) address(name string) {
	if len(i.databases) == 0 {
		return
	}
	quoted := pg.QuoteIdent(name)
	i.sql = i.statement.SQL
	for _, t := range slices.Backward(i.databases) {
		i.at = utf8.RuneCountInString(i.sql[:t.Offset])
		i.shift = utf8.RuneCountInString(quoted) - utf8.RuneCountInString(t.Text)
		i.sql = i.sql[:t.Offset] + quoted + i.sql[t.Offset+len(t.Text):]
	}
	i.hidePassword()
}

// left is a statement that is left alone.
type left struct {
	area      area
	statement pg.Statement
}

// leftFindings returns one finding for each area that is left alone.
func leftFindings(all []left) []Finding {
	var findings []Finding
	for _, a := range []area{ofRoles, ofDatabase} {
		n := 0
		var finding Finding
		for _, l := range all {
			if l.area != a {
				continue
			}
			if n++; n == 1 {
				finding = leftAlone[a]
				finding.File, finding.Line, finding.Column = l.statement.File, l.statement.Line, l.statement.Column
			}
		}
		if n > 0 {
			finding.Message = fmt.Sprintf(finding.Message, n)
			findings = append(findings, finding)
		}
	}
	return findings
}

// createsRole matches statements that create a role, also within a block.
var createsRole = regexp.MustCompile(`(?is)^do\b.*\bcreate\s+(?:role|user|group)\b|^create\s+(?:role|user|group)\b`)

// rolesFirst puts what creates roles before what may only mention them.
func rolesFirst(items []*item) []*item {
	var first, rest []*item
	for _, item := range items {
		if createsRole.MatchString(item.sql) && !has(item.words, "CREATE", "USER", "MAPPING") {
			first = append(first, item)
		} else {
			rest = append(rest, item)
		}
	}
	return append(first, rest...)
}

// roleOf returns the role that a statement creates or changes, "" for none.
func roleOf(item *item, verb string) string {
	if !isRole(item.words) || item.words[0] != verb {
		return ""
	}
	tokens := slices.DeleteFunc(pg.Tokens(item.sql), func(t pg.Token) bool { return t.Comment })
	if len(tokens) < 3 || !tokens[2].Name {
		return ""
	}
	if len(tokens) > 3 && slices.ContainsFunc([]string{"SET", "RESET", "IN", "RENAME", "ADD", "DROP"}, tokens[3].Is) {
		return ""
	}
	return tokens[2].Ident()
}

// created returns the roles that statements create.
func created(items []*item) map[string]bool {
	roles := map[string]bool{}
	for _, item := range items {
		if role := roleOf(item, "CREATE"); role != "" {
			roles[role] = true
		}
	}
	return roles
}

// changedOnly finds statements that change a role that the sources only mention.
func changedOnly(items []*item, mentioned []string) []Finding {
	var findings []Finding
	for _, item := range items {
		if role := roleOf(item, "ALTER"); role != "" && slices.Contains(mentioned, role) {
			findings = append(findings, Finding{Code: "role-not-created", File: item.statement.File, Line: item.statement.Line, Column: item.statement.Column,
				Message: fmt.Sprintf("role %s is changed and nowhere created: its attributes are left alone", role),
				Hint:    "create it with CREATE ROLE"})
		}
	}
	return findings
}
