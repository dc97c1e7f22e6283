package load

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/cairn-db/cairn/internal/pg"
)

// item is one statement to run, with the settings it needs.
type item struct {
	statement pg.Statement
	sql       string // what is sent
	session   *session
	words     []string
	alone     bool       // cannot share a message with others
	databases []pg.Token // where the statement names the database
	at, shift int        // where characters were put into the statement, and how many
	err       error
}

// Script is what sources say: the statements to run, in order.
type Script struct {
	items    []*item
	findings []Finding
	included map[string]bool // names of included files, as absolute returns them
	open     []string        // those of the files being read
	session  *session
	options  Options
	named    string // the database that statements name
	left     []left
}

// isConcurrent reports whether a statement cannot run inside a transaction. It may
// say so of too many, which only costs time.
func isConcurrent(sql string) bool { return speaksOf(sql, "concurrently") }

// quietCommands are the psql commands without any meaning for a schema.
var quietCommands = map[string]bool{
	"restrict": true, "unrestrict": true, "connect": true, "c": true, "echo": true, "qecho": true,
	"warn": true, "set": true, "unset": true, "pset": true, "encoding": true, "timing": true,
	"prompt": false, "x": true, "t": true, "a": true, "q": false, ".": true,
}

// Parse turns sources, with the files that they include, into a script. A source
// that another one includes, or that is there under another name too, is not run
// a second time. Its errors are of type *Error or *pg.SyntaxError.
func Parse(sources []Source, o Options) (*Script, error) {
	script := &Script{included: map[string]bool{}, options: o, named: o.Name}
	start := &session{}
	parts := make([][]*item, len(sources))
	findings := make([][]Finding, len(sources))
	aside := make([][]left, len(sources))
	for i, source := range sources {
		script.items, script.findings, script.left, script.session = nil, nil, nil, start
		if err := script.source(source); err != nil {
			return nil, err
		}
		parts[i], findings[i], aside[i] = script.items, script.findings, script.left
	}
	script.items, script.findings, script.left = nil, nil, nil
	for i, source := range sources {
		if name := absolute(source.Name); !script.included[name] {
			script.included[name] = true
			script.items = append(script.items, parts[i]...)
			script.findings = append(script.findings, findings[i]...)
			script.left = append(script.left, aside[i]...)
		}
	}
	script.findings = append(script.findings, leftFindings(script.left)...)
	return script, nil
}

// Statements returns how many statements the script runs.
func (s *Script) Statements() int { return len(s.items) }

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

func (s *Script) source(source Source) error {
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

func (s *Script) statement(statement pg.Statement) error {
	if statement.Meta != "" {
		return s.command(statement)
	}
	words := pg.Words(statement.SQL, 6)
	if next, changed := s.session.follow(statement, words); changed {
		s.session = next
		return nil
	}
	item := &item{statement: statement, sql: statement.SQL, session: s.session, words: words}
	if run, about := s.server(statement, words, item); about {
		if run {
			s.add(item)
		}
		return nil
	}
	judgement := judge(statement, words)
	switch judgement.verdict {
	case refuse:
		return rejected(statement, judgement.message, judgement.hint)
	case report:
		s.find(statement, "not-schema", judgement.message, "")
	case run:
		s.add(item)
	}
	return nil
}

func (s *Script) find(at pg.Statement, code, message, hint string) {
	s.findings = append(s.findings, Finding{Code: code, File: at.File, Line: at.Line, Column: at.Column, Message: message, Hint: hint})
}

// add lets an item run.
func (s *Script) add(item *item) {
	item.hidePassword()
	item.alone = isConcurrent(item.sql) || isLabel(item.words)
	s.items = append(s.items, item)
}

// hidePassword takes the password out of a statement about a role.
func (i *item) hidePassword() {
	if isRole(i.words) {
		i.sql = pg.WithoutPassword(i.sql)
	}
}

// command follows or ignores a psql command.
func (s *Script) command(statement pg.Statement) error {
	switch name := statement.Meta; {
	case name == "i" || name == "include" || name == "ir" || name == "include_relative":
		return s.include(statement)
	case quietCommands[name]:
		return nil
	}
	return rejected(statement, `the psql command \`+statement.Meta+" is not supported",
		`only \i and \ir are followed; remove the command`)
}

func (s *Script) include(statement pg.Statement) error {
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
	text, err := readFile(name)
	if err != nil {
		return rejected(statement, fileError(name, err).Error(), "names are looked up beside the including file")
	}
	s.included[path] = true
	return s.source(Source{Name: name, Text: text})
}
