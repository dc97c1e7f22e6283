package load

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/cairn-db/cairn/internal/pg"
)

// item is one statement to run, with the settings it needs.
type item struct {
	statement pg.Statement
	sql       string // what is sent
	session   *session
	words     []string
	alone     bool // cannot share a message with others
	err       error
}

// script is what the sources say, in order.
type script struct {
	items    []*item
	findings []Finding
	included map[string]bool // names of included files, as absolute returns them
	open     []string        // those of the files being read
	session  *session
}

// concurrently matches what cannot run inside a transaction. It may match too
// much, which only costs time.
var concurrently = regexp.MustCompile(`(?i)\bconcurrently\b`)

// quietCommands are the psql commands without any meaning for a schema.
var quietCommands = map[string]bool{
	"restrict": true, "unrestrict": true, "connect": true, "c": true, "echo": true, "qecho": true,
	"warn": true, "set": true, "unset": true, "pset": true, "encoding": true, "timing": true,
	"prompt": false, "x": true, "t": true, "a": true, "q": false, ".": true,
}

// read turns sources into a script. A source that another one includes, or that
// is there under another name too, is not run a second time.
func read(sources []Source) (*script, error) {
	script := &script{included: map[string]bool{}}
	start := &session{}
	parts := make([][]*item, len(sources))
	findings := make([][]Finding, len(sources))
	for i, source := range sources {
		script.items, script.findings, script.session = nil, nil, start
		if err := script.source(source); err != nil {
			return nil, err
		}
		parts[i], findings[i] = script.items, script.findings
	}
	script.items, script.findings = nil, nil
	for i, source := range sources {
		if name := absolute(source.Name); !script.included[name] {
			script.included[name] = true
			script.items = append(script.items, parts[i]...)
			script.findings = append(script.findings, findings[i]...)
		}
	}
	return script, nil
}

// absolute returns the one name of a file that can be reached by several.
func absolute(name string) string {
	if path, err := filepath.Abs(name); err == nil {
		name = path
	}
	if path, err := filepath.EvalSymlinks(name); err == nil {
		name = path
	}
	return name
}

func (s *script) source(source Source) error {
	statements, err := pg.Split(source.Name, source.Text)
	if err != nil {
		return err
	}
	s.open = append(s.open, absolute(source.Name))
	for _, statement := range statements {
		if err := s.statement(statement); err != nil {
			return err
		}
	}
	s.open = s.open[:len(s.open)-1]
	return nil
}

func (s *script) statement(statement pg.Statement) error {
	if statement.Meta != "" {
		return s.command(statement)
	}
	words := pg.Words(statement.SQL, 6)
	if next, changed := s.session.follow(statement, words); changed {
		s.session = next
		return nil
	}
	judgement := judge(statement, words)
	switch judgement.verdict {
	case refuse:
		return rejected(statement, judgement.message, judgement.hint)
	case report:
		s.findings = append(s.findings, Finding{
			File: statement.File, Line: statement.Line, Column: statement.Column,
			Message: judgement.message,
		})
	case run:
		sql := statement.SQL
		if isRole(words) {
			sql = pg.WithoutPassword(sql)
		}
		s.items = append(s.items, &item{
			statement: statement, sql: sql, session: s.session, words: words,
			alone: concurrently.MatchString(sql) || isLabel(words),
		})
	}
	return nil
}

// command follows or ignores a psql command.
func (s *script) command(statement pg.Statement) error {
	switch name := statement.Meta; {
	case name == "i" || name == "include" || name == "ir" || name == "include_relative":
		return s.include(statement)
	case quietCommands[name]:
		return nil
	}
	return rejected(statement, `the psql command \`+statement.Meta+" is not supported",
		`only \i and \ir are followed; remove the command`)
}

func (s *script) include(statement pg.Statement) error {
	if len(statement.Args) != 1 {
		return rejected(statement, `\`+statement.Meta+" needs one file name", "")
	}
	name := statement.Args[0]
	if !filepath.IsAbs(name) {
		beside := filepath.Join(filepath.Dir(statement.File), name)
		_, err := os.Stat(beside)
		if err == nil || statement.Meta == "ir" || statement.Meta == "include_relative" {
			name = beside
		}
	}
	path := absolute(name)
	if slices.Contains(s.open, path) {
		return rejected(statement, name+" includes itself", "remove one of the includes")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return rejected(statement, fileError(name, err).Error(), "names are looked up beside the including file")
	}
	s.included[path] = true
	return s.source(Source{Name: name, Text: string(text)})
}
