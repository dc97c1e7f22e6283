package load

import (
	"regexp"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// setting is one SET, RESET or set_config of a file.
type setting struct {
	statement pg.Statement
	sql       string
	key       string // name of the parameter

	// unknown is set once the server has said that it has no such parameter,
	// as happens with a dump from a newer version.
	unknown bool
}

// session is what the settings of a file have led to at some point of it.
// Sessions form a chain, each differing from its parent by one statement.
type session struct {
	parent *session
	step   *setting   // what leads here from the parent; nil when nothing is sent
	all    []*setting // in force here, without those that a later one replaced

	trustsBodies bool // the file has set check_function_bodies off
}

// setConfig matches the only kind of SELECT that is run.
var setConfig = regexp.MustCompile(`(?is)^select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(\s*'([^']+)'`)

// localSet matches the start of SET LOCAL, which outside a transaction would
// do nothing.
var localSet = regexp.MustCompile(`(?is)^set\s+local\s`)

// setName matches a plain SET up to its parameter's name.
var setName = regexp.MustCompile(`(?is)^(?:set|reset)\s+(?:session\s+)?("?)([a-z_][a-z0-9_.$]*)`)

// follow returns the session after a statement that changes settings, and
// whether the statement is one at all.
func (s *session) follow(statement pg.Statement, words []string) (*session, bool) {
	sql := localSet.ReplaceAllString(statement.SQL, "SET ")
	if match := setConfig.FindStringSubmatch(sql); match != nil {
		return s.with(statement, sql, strings.ToLower(match[1])), true
	}
	switch {
	case len(words) == 0 || words[0] != "SET" && words[0] != "RESET" && words[0] != "DISCARD":
		return s, false
	case words[0] == "DISCARD", len(words) > 1 && words[0] == "RESET" && words[1] == "ALL":
		return s.root(), true
	case has(words, "SET", "CONSTRAINTS"), has(words, "SET", "TRANSACTION"),
		has(words, "SET", "SESSION", "CHARACTERISTICS"), has(words, "SET", "NAMES"):
		return s, true
	case has(words, "SET", "SESSION", "AUTHORIZATION"), has(words, "RESET", "SESSION", "AUTHORIZATION"):
		return s.with(statement, sql, "session_authorization"), true
	}
	match := setName.FindStringSubmatch(sql)
	if match == nil {
		return s.with(statement, sql, sql), true
	}
	return s.with(statement, sql, strings.ToLower(match[2])), true
}

func (s *session) root() *session {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

func (s *session) with(statement pg.Statement, sql, key string) *session {
	switch key {
	case "client_encoding":
		return s // files are UTF-8
	case "check_function_bodies":
		return &session{parent: s, all: s.all, trustsBodies: isOff(sql)}
	}
	step := &setting{statement: statement, sql: sql, key: key}
	next := &session{parent: s, step: step, trustsBodies: s.trustsBodies}
	for _, old := range s.all {
		if old.key != key {
			next.all = append(next.all, old)
		}
	}
	next.all = append(next.all, step)
	return next
}

func isOff(sql string) bool {
	value := strings.ToLower(sql)
	return strings.Contains(value, "off") || strings.Contains(value, "false") || strings.HasSuffix(value, "0")
}

// since returns the settings that lead from another session here, or false
// when it is not near in the chain.
func (s *session) since(other *session) ([]*setting, bool) {
	const near = 30
	var steps []*setting
	for at, i := s, 0; at != nil && i < near; at, i = at.parent, i+1 {
		if at == other {
			reverse(steps)
			return steps, true
		}
		if at.step != nil {
			steps = append(steps, at.step)
		}
	}
	return nil, false
}

func reverse(steps []*setting) {
	for i, j := 0, len(steps)-1; i < j; i, j = i+1, j-1 {
		steps[i], steps[j] = steps[j], steps[i]
	}
}

// has reports whether words begin with the given ones.
func has(words []string, want ...string) bool {
	if len(words) < len(want) {
		return false
	}
	for i := range want {
		if words[i] != want[i] {
			return false
		}
	}
	return true
}
