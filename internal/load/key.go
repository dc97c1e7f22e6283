package load

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// WriteKey writes what decides which state the script builds on a given server:
// the options, and of each statement its text and the settings that hold for it.
// Files are in it by what they say; their names, comments between statements and
// passwords of roles are not. Equal keys mean equal states.
func (s *Script) WriteKey(w io.Writer) {
	s.WriteOptions(w)
	s.writeStatements(w)
}

// WriteOptions writes the part of the key that does not hang on the statements.
func (s *Script) WriteOptions(w io.Writer) {
	o := s.options
	writeKey(w, "schema", o.Schema)
	writeKey(w, "search_path", o.SearchPath...)
	writeKey(w, "flags", strconv.FormatBool(o.CreateRoles), strconv.FormatBool(o.Roles), strconv.FormatBool(o.Database))
	noInherit := slices.Clone(o.NoInherit)
	slices.Sort(noInherit)
	writeKey(w, "noinherit", noInherit...)
}

func (s *Script) writeStatements(w io.Writer) {
	var last *session
	for _, item := range s.items {
		if item.session != last {
			writeSession(w, last, item.session)
			last = item.session
		}
		sql := item.sql
		if len(item.databases) > 0 { // a run has put another name there
			own := *item
			own.sql = item.statement.SQL
			own.hidePassword()
			sql = own.sql
			writeKey(w, "database", s.named)
		}
		writeKey(w, "statement", sql)
	}
}

// writeSession writes the settings that hold, and those on the way from another
// session where they are sent instead.
func writeSession(w io.Writer, from, to *session) {
	texts := func(steps []*setting) []string {
		var list []string
		for _, step := range steps {
			list = append(list, step.sql)
		}
		return list
	}
	writeKey(w, "settings", texts(to.all)...)
	if from != nil {
		if steps, near := to.since(from); near {
			writeKey(w, "since", texts(steps)...)
		}
	}
	writeKey(w, "bodies", strconv.FormatBool(to.trustsBodies))
}

// writeKey writes texts so that no two lists of them are written alike.
func writeKey(w io.Writer, name string, texts ...string) {
	fmt.Fprintf(w, "%s %d\n", name, len(texts))
	for _, text := range texts {
		fmt.Fprintf(w, "%d:%s\n", len(text), text)
	}
}
