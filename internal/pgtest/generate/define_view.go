package generate

import (
	"fmt"
	"strings"
)

// viewKind defines views or materialized views.
func viewKind(name, words string, weight int) *Kind {
	k := &Kind{
		Name: name, Weight: weight, Words: words, Grants: []string{"SELECT", "INSERT"}, Address: (*Schema).name,
		Slots: []Slot{inSchema(), {Name: "from", Kinds: relations, Chance: 100}, {Name: "join", Kinds: relations, Chance: 25, Keep: true}, calls(25), operates(8),
			{Name: "aggregate", Kinds: []string{"aggregate"}, Chance: 15, Keep: true}},
		Picks: []Pick{{Name: "shape", Size: 6, Chance: 75}, {Name: "where", Size: 4, Chance: 30}, {Name: "width", Size: 4, Chance: 40}},
	}
	k.Needs = func(s *Schema, o *Object) []*Object {
		if from := s.ref(o, "from"); from != nil && s.pick(o, "shape") == 5 {
			if u := s.primary(from); u != nil {
				return []*Object{u}
			}
		}
		return nil
	}
	view := name == "view"
	if view {
		k.Picks = append(k.Picks, Pick{Name: "barrier", Size: 2, Chance: 10}, Pick{Name: "check", Size: 3, Chance: 15}, Pick{Name: "invoker", Size: 2, Chance: 10, Since: 15})
	} else {
		k.Makes = []string{"materialized_view", "materialized_view_column"}
		k.Picks = append(k.Picks, Pick{Name: "empty", Size: 2, Chance: 15}, Pick{Name: "fillfactor", Size: 2, Chance: 10}, Pick{Name: "setting", Size: 4, Chance: 25})
	}
	k.SQL = func(s *Schema, o *Object) []string {
		var options []string
		if s.pick(o, "barrier") > 0 {
			options = append(options, "security_barrier = true")
		}
		if s.pick(o, "invoker") > 0 {
			options = append(options, "security_invoker = true")
		}
		if s.pick(o, "fillfactor") > 0 {
			options = append(options, "fillfactor = 80")
		}
		with, tail := "", ""
		if len(options) > 0 {
			with = " WITH (" + strings.Join(options, ", ") + ")"
		}
		if !view && !s.populated(o) {
			tail = " WITH NO DATA"
		}
		if from := s.ref(o, "from"); s.pick(o, "check") > 0 && s.pick(o, "shape") == 0 && from.Kind == "table" && len(s.shown(from)) > 0 {
			tail = []string{"", " WITH LOCAL CHECK OPTION", " WITH CASCADED CHECK OPTION"}[s.pick(o, "check")]
		}
		query, columns := s.query(o)
		list := []string{"CREATE " + words + " " + s.name(o) + with + " AS " + query + tail}
		if n := s.pick(o, "setting"); n > 0 && len(columns) > 0 {
			list = append(list, "ALTER MATERIALIZED VIEW "+s.name(o)+" ALTER COLUMN "+at(columns, n).name+[]string{"", " SET STATISTICS 7", " SET (n_distinct = 5)", " SET STATISTICS 9"}[n])
		}
		return list
	}
	return k
}

// populated reports whether a materialized view can hold rows: all that it
// reads from do.
func (s *Schema) populated(o *Object) bool {
	if o.Kind == "materialized_view" && s.pick(o, "empty") > 0 {
		return false
	}
	if o.Kind == "foreign_table" {
		return false
	}
	for _, n := range s.needs(o) {
		if !s.populated(n) {
			return false
		}
	}
	return true
}

// shown are the columns of a table or a view.
func (s *Schema) shown(o *Object) []column {
	switch o.Kind {
	case "view", "materialized_view":
		_, columns := s.query(o)
		return columns
	case "foreign_table":
		return []column{{name: "a", typ: typ{sql: "bigint", family: "number"}}, {name: "b", typ: typ{sql: "text", family: "text"}}}
	}
	var list []column
	for _, c := range s.columns(o) {
		list = append(list, column{quoted(c), s.columnType(c), !s.plain(c), s.generated(c)})
	}
	return list
}

// query is the query of a view, with its columns.
func (s *Schema) query(o *Object) (string, []column) {
	from := s.ref(o, "from")
	columns, group := s.shown(from), ""
	if n := s.pick(o, "width"); n > 0 && len(columns) > n {
		columns = columns[:n]
	}
	var list []string
	var result []column
	add := func(expression, name string, t typ) {
		list = append(list, expression+" AS "+name)
		result = append(result, column{name: name, typ: t})
	}
	for i, c := range columns {
		columns[i].virtual, columns[i].generated = false, false
		if s.pick(o, "shape") == 0 || s.pick(o, "shape") == 4 && i < 2 {
			add("a."+c.name, c.name, c.typ)
		}
	}
	id := func(word string) string { return fmt.Sprintf("%s_%d", word, o.ID) }
	if len(columns) > 0 {
		first := columns[0]
		switch s.pick(o, "shape") {
		case 1:
			add("a."+first.name, first.name, first.typ)
			d := first.typ.derived("a." + first.name)[0]
			add(d.name, id("x"), d.typ)
		case 2:
			if first.typ.distinct() {
				add("a."+first.name, first.name, first.typ)
				group = " GROUP BY a." + first.name
			}
			add("count(*)", id("n"), builtin[2])
		case 3:
			add("a", id("whole"), typ{family: "row"})
		case 5:
			if u := s.primary(from); u != nil {
				p := s.uniqueColumns(u)[0]
				group = " GROUP BY a." + quoted(p)
				add("a."+quoted(p), quoted(p), s.columnType(p))
				if c := columns[len(columns)-1]; c.name != quoted(p) {
					add("a."+c.name, c.name, c.typ)
				}
			}
		}
	}
	if f := s.ref(o, "function"); f != nil {
		family := []string{"number", "number", "text"}[s.pick(f, "result")]
		add(s.call(f), id("f"), typ{sql: results[s.pick(f, "result")], family: family})
	}
	if a := s.ref(o, "aggregate"); a != nil {
		add("(SELECT "+s.name(a)+"(1))", id("g"), typ{sql: "integer", family: "number"})
	}
	if j := s.ref(o, "join"); j != nil {
		add("(SELECT count(*) FROM "+s.name(j)+")", id("j"), builtin[2])
	}
	if len(list) == 0 {
		add("1", id("one"), typ{sql: "integer", family: "number"})
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + s.name(from) + " AS a" + s.where(o, columns) + group, result
}

// where is the condition of a query on its first column, "" for none.
func (s *Schema) where(o *Object, columns []column) string {
	n := s.pick(o, "where")
	if n == 0 || len(columns) == 0 {
		return ""
	}
	text := " WHERE (" + at(columns[0].typ.truths("a."+columns[0].name), n-1) + ")"
	if p := s.ref(o, "operator"); p != nil {
		text += " AND " + s.operates(p)
	}
	return text
}

// primary is the primary key of one column by which a query can be grouped.
func (s *Schema) primary(t *Object) *Object {
	if t.Kind != "table" {
		return nil
	}
	for _, u := range s.of("unique", "table", t) {
		if columns := s.uniqueColumns(u); s.pick(u, "primary") > 0 && s.pick(u, "deferral") == 0 && len(columns) == 1 {
			return u
		}
	}
	return nil
}
