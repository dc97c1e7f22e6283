package generate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// tableKind defines tables. One with a parent inherits from it, or is a
// partition where the parent is partitioned; tied to it with a bound, or apart
// with the same columns, so that ties come and go by an edit of one number.
func tableKind() *Kind {
	return &Kind{
		Name: "table", Makes: []string{"table", "inheritance", "partition"}, Weight: 14, Words: "TABLE", Grants: []string{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"}, Address: (*Schema).name,
		Slots: []Slot{inSchema(), {Name: "parent", Kinds: []string{"table"}, Chance: 45, Fixed: true},
			{Name: "method", Kinds: []string{"access_method"}, Chance: 5, Keep: true}},
		Picks: []Pick{{Name: "key", Size: 4, Chance: 40}, {Name: "tie", Size: 5, Chance: 85}, {Name: "unlogged", Size: 2, Chance: 8},
			{Name: "fillfactor", Size: 3, Chance: 15}, {Name: "rowsecurity", Size: 3, Chance: 10}},
		Fits: func(s *Schema, o *Object) bool {
			p := s.ref(o, "parent")
			return p == nil || s.pick(o, "tie") == 0 || !s.isPartition(p) || s.partitioned(p)
		},
		Keys: func(s *Schema, o *Object) []string {
			if s.isPartition(o) {
				return key(fmt.Sprintf("bound %d", s.pick(o, "tie")), o.Refs["parent"])
			}
			return nil
		},
		SQL: tableSQL,
	}
}

func tableSQL(s *Schema, o *Object) []string {
	create := "CREATE TABLE " + s.name(o)
	if s.unlogged(o) {
		create = "CREATE UNLOGGED TABLE " + s.name(o)
	}
	parent, tail := s.ref(o, "parent"), ""
	var lines []string
	for _, c := range s.columns(o) {
		if own := c.Refs["table"] == o.ID; own || s.pick(o, "tie") == 0 {
			lines = append(lines, "    "+columnText(s, o, c))
		}
	}
	body := " (\n" + strings.Join(lines, ",\n") + "\n)"
	if len(lines) == 0 {
		body = " ()"
	}
	switch {
	case s.isPartition(o):
		body = " PARTITION OF " + s.name(parent) + " " + bound(s, o)
	case parent != nil && s.pick(o, "tie") > 0:
		tail = " INHERITS (" + s.name(parent) + ")"
	}
	if s.partitioned(o) {
		tail += " PARTITION BY " + []string{"", "RANGE", "LIST", "HASH"}[s.pick(o, "key")] + " (" + quoted(s.keyColumn(o)) + ")"
	} else if m := s.ref(o, "method"); m != nil && s.Major >= 15 && s.pick(m, "index") == 0 {
		tail += " USING " + quoted(m)
	}
	if n := s.pick(o, "fillfactor"); n > 0 && !s.partitioned(o) {
		tail += fmt.Sprintf(" WITH (fillfactor = %d)", 100-10*n)
	}
	statements := []string{create + body + tail}
	for _, c := range s.columns(o) {
		if c.Refs["table"] == o.ID {
			statements = append(statements, columnSettings(s, o, c)...)
		}
	}
	if n := s.pick(o, "rowsecurity"); n > 0 {
		statements = append(statements, "ALTER TABLE "+s.name(o)+" ENABLE ROW LEVEL SECURITY")
		if n > 1 {
			statements = append(statements, "ALTER TABLE "+s.name(o)+" FORCE ROW LEVEL SECURITY")
		}
	}
	return statements
}

func (s *Schema) unlogged(t *Object) bool { return s.pick(t, "unlogged") > 0 && !s.partitioned(t) }

func (s *Schema) partitioned(t *Object) bool {
	p := s.ref(t, "parent")
	return s.pick(t, "key") > 0 && (p == nil || s.partitioned(p)) && s.keyColumn(t) != nil
}

// isPartition reports whether the table is attached to a partitioned one.
func (s *Schema) isPartition(t *Object) bool {
	p := s.ref(t, "parent")
	return p != nil && s.pick(t, "tie") > 0 && s.partitioned(p)
}

// keyColumn is the column by which a table can be partitioned, the same one on
// all levels.
func (s *Schema) keyColumn(t *Object) *Object {
	for _, c := range s.columns(t) {
		if s.ref(c, "type") == nil && s.columnType(c).family == "number" && s.pick(c, "type") != 14 && !s.generated(c) {
			return c
		}
	}
	return nil
}

func bound(s *Schema, o *Object) string {
	n := s.pick(o, "tie") - 1
	switch s.pick(s.ref(o, "parent"), "key") {
	case 1:
		return []string{"FOR VALUES FROM (MINVALUE) TO (2)", "FOR VALUES FROM (2) TO (3)", "FOR VALUES FROM (3) TO (100)", "DEFAULT"}[n]
	case 2:
		return []string{"FOR VALUES IN (1)", "FOR VALUES IN (2, NULL)", "FOR VALUES IN (3)", "DEFAULT"}[n]
	}
	return fmt.Sprintf("FOR VALUES WITH (MODULUS 4, REMAINDER %d)", n)
}

// columns are all columns of a table, also those that its parents give.
func (s *Schema) columns(t *Object) []*Object {
	own := s.of("column", "table", t)
	if p := s.ref(t, "parent"); p != nil {
		return append(slices.Clone(s.columns(p)), own...)
	}
	return own
}

func columnKind() *Kind {
	return &Kind{
		Name: "column", Makes: []string{"column", "default"}, Weight: 22, Words: "COLUMN", Grants: []string{"SELECT", "INSERT", "UPDATE", "REFERENCES"},
		Address: func(s *Schema, o *Object) string { return s.name(s.ref(o, "table")) + "." + quoted(o) },
		Slots: []Slot{{Name: "table", Kinds: []string{"table"}, Chance: 100, Fixed: true}, ofType(30), calls(15),
			{Name: "sequence", Kinds: []string{"sequence"}, Chance: 10, Keep: true}, {Name: "source", Kinds: []string{"column"}, Chance: 12, Keep: true}, collated()},
		Picks: []Pick{{Name: "type", Size: len(builtin), Chance: 65}, {Name: "array", Size: 2, Chance: 8}, {Name: "notnull", Size: 2, Chance: 35},
			{Name: "default", Size: 5, Chance: 40}, {Name: "virtual", Size: 2, Chance: 40, Since: 18}, {Name: "generated", Size: 4, Chance: 60},
			{Name: "identity", Size: 5, Chance: 20}, {Name: "collation", Size: 3, Chance: 20}, {Name: "storage", Size: 3, Chance: 12},
			{Name: "compression", Size: 2, Chance: 8}, {Name: "statistics", Size: 4, Chance: 12}, {Name: "options", Size: 3, Chance: 8}},
		Fits: func(s *Schema, o *Object) bool {
			p := s.ref(s.ref(o, "table"), "parent")
			return p == nil || !s.partitioned(p)
		},
		Becomes: func(a, b *Schema, o *Object) bool {
			return castable(a.columnType(a.get(o.ID)), b.columnType(b.get(o.ID)))
		},
		SQL: func(*Schema, *Object) []string { return nil },
	}
}

// columnText is the line of a column in CREATE TABLE.
func columnText(s *Schema, t, c *Object) string {
	of := s.columnType(c)
	text := quoted(c) + " " + of.sql
	if s.pick(c, "array") == 0 && !s.generated(c) {
		text += s.collate(c)
	}
	switch {
	case s.generated(c):
		expression, _ := s.generation(c)
		text += " GENERATED ALWAYS AS (" + expression + ") " + []string{"STORED", "VIRTUAL"}[min(1, s.pick(c, "virtual"))]
	case s.identity(c):
		text += []string{"", " GENERATED ALWAYS AS IDENTITY", " GENERATED BY DEFAULT AS IDENTITY",
			" GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5)", " GENERATED BY DEFAULT AS IDENTITY (START WITH 10 CACHE 3 MAXVALUE 30000 CYCLE)"}[s.pick(c, "identity")]
	default:
		if d := s.columnDefault(c); d != "" {
			text += " DEFAULT " + d
		}
	}
	if s.pick(c, "notnull") > 0 && s.pick(c, "virtual") == 0 {
		text += " NOT NULL"
	}
	return text
}

// columnSettings are the statements for what CREATE TABLE cannot say.
func columnSettings(s *Schema, t, c *Object) []string {
	alter := "ALTER TABLE " + s.name(t) + " ALTER COLUMN " + quoted(c) + " "
	var list []string
	text := slices.Contains([]string{"text", "json", "bytes"}, s.columnType(c).family)
	virtual := s.generated(c) && s.pick(c, "virtual") > 0
	if n := s.pick(c, "storage"); n > 0 && text {
		list = append(list, alter+"SET STORAGE "+[]string{"", "EXTERNAL", "MAIN"}[n])
	}
	if s.pick(c, "compression") > 0 && text && !virtual {
		list = append(list, alter+"SET COMPRESSION pglz")
	}
	if n := s.pick(c, "statistics"); n > 0 && !virtual {
		list = append(list, fmt.Sprintf("%sSET STATISTICS %d", alter, []int{0, 0, 50, 500}[n]))
	}
	if n := s.pick(c, "options"); n > 0 && !virtual {
		list = append(list, alter+"SET ("+[]string{"", "n_distinct = 5", "n_distinct_inherited = -0.5"}[n]+")")
	}
	return list
}

func (s *Schema) identity(c *Object) bool {
	t := s.ref(c, "table")
	of := s.columnType(c)
	return s.pick(c, "identity") > 0 && !s.generated(c) && s.ref(t, "parent") == nil && !s.partitioned(t) && s.ref(c, "type") == nil &&
		slices.Contains([]string{"integer", "bigint", "smallint"}, of.sql) && len(s.of("table", "parent", t)) == 0
}

func (s *Schema) generated(c *Object) bool {
	source := s.ref(c, "source")
	return source != nil && s.pick(c, "generated") > 0 && s.ref(source, "source") == nil && source.Refs["table"] == c.Refs["table"] &&
		s.ref(source, "type") == nil && s.pick(source, "array") == 0
}

// generation is the expression of a generated column, with its type.
func (s *Schema) generation(c *Object) (string, typ) {
	source := s.ref(c, "source")
	d := at(s.typeOf(source).derived(quoted(source)), s.pick(c, "generated"))
	f := s.ref(c, "function")
	if f != nil && s.pick(f, "volatility") == 0 && s.pick(c, "virtual") == 0 && d.typ.family == "number" {
		return "(" + d.name + " + CAST(" + s.call(f) + " AS integer))", typ{sql: "numeric", family: "number"}
	}
	return d.name, d.typ
}

func (s *Schema) columnType(c *Object) typ {
	if s.generated(c) {
		_, t := s.generation(c)
		return t
	}
	return s.typeOf(c)
}

// columnDefault is the default of a column, "" for none.
func (s *Schema) columnDefault(c *Object) string {
	of := s.columnType(c)
	n := s.pick(c, "default")
	sequence, f := s.ref(c, "sequence"), s.ref(c, "function")
	switch {
	case s.generated(c) || s.identity(c):
		return ""
	case sequence != nil && of.family == "number":
		return "nextval(" + pg.QuoteLiteral(s.name(sequence)) + "::regclass)"
	case f != nil && (of.family == "number" || of.family == "text"):
		return "CAST(" + s.call(f) + " AS " + of.sql + ")"
	case n == 0:
		return ""
	}
	return at(of.defaults(), n-1)
}

// plain reports whether a column can be indexed.
func (s *Schema) plain(c *Object) bool { return !s.generated(c) || s.pick(c, "virtual") == 0 }
