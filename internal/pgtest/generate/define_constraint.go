package generate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

func onTable(s *Schema, o *Object) string { return quoted(o) + " ON " + s.name(s.ref(o, "table")) }

func inTable(name string, chance int) Slot {
	return Slot{Name: name, Kinds: []string{"column"}, Chance: chance, Keep: chance < 100}
}

func inFixedTable() Slot {
	return Slot{Name: "table", Kinds: []string{"table"}, Chance: 100, Fixed: true}
}

// holds reports whether the columns in the slots are of the table of o.
func (s *Schema) holds(o *Object, slots ...string) bool {
	columns := s.columns(s.ref(o, "table"))
	for _, slot := range slots {
		if c := s.ref(o, slot); c != nil && !slices.Contains(columns, c) {
			return false
		}
	}
	return true
}

// callsBack reports whether what a part of a table calls reads the table.
func (s *Schema) callsBack(o *Object) bool {
	for _, slot := range []string{"function", "operator"} {
		if x := s.ref(o, slot); x != nil && s.reaches(x, s.ref(o, "table")) {
			return true
		}
	}
	return false
}

func addConstraint(s *Schema, o *Object, text string) []string {
	return []string{"ALTER TABLE " + s.name(s.ref(o, "table")) + " ADD CONSTRAINT " + quoted(o) + " " + text}
}

var deferrals = []string{"", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"}

func checkKind() *Kind {
	return &Kind{
		Name: "check", Makes: []string{"constraint"}, Weight: 6, Words: "CONSTRAINT", Address: onTable,
		Slots: []Slot{inFixedTable(), inTable("column", 100), calls(25), operates(8)},
		Picks: []Pick{{Name: "expression", Size: 5, Chance: 80}, {Name: "invalid", Size: 2, Chance: 15}, {Name: "noinherit", Size: 2, Chance: 10},
			{Name: "unenforced", Size: 2, Chance: 10, Since: 18}},
		Fits: func(s *Schema, o *Object) bool { return s.holds(o, "column") && !s.callsBack(o) },
		SQL: func(s *Schema, o *Object) []string {
			c := s.ref(o, "column")
			text := "(" + at(s.columnType(c).truths(quoted(c)), s.pick(o, "expression")) + ")"
			if f := s.ref(o, "function"); f != nil {
				text = "(" + text + " AND " + s.call(f) + " IS NOT NULL)"
			}
			if p := s.ref(o, "operator"); p != nil {
				text = "(" + text + " AND " + s.operates(p) + ")"
			}
			text = "CHECK (" + text + ")"
			if s.pick(o, "noinherit") > 0 && !s.partitioned(s.ref(o, "table")) {
				text += " NO INHERIT"
			}
			if s.pick(o, "unenforced") > 0 {
				text += " NOT ENFORCED"
			} else if s.pick(o, "invalid") > 0 {
				text += " NOT VALID"
			}
			return addConstraint(s, o, text)
		},
	}
}

// uniqueKind defines unique constraints and primary keys.
func uniqueKind() *Kind {
	return &Kind{
		Name: "unique", Makes: []string{"constraint"}, Weight: 8, Words: "CONSTRAINT", Address: onTable,
		Slots: []Slot{inFixedTable(), inTable("column", 100), inTable("second", 20)},
		Picks: []Pick{{Name: "primary", Size: 2, Chance: 80}, {Name: "deferral", Size: 3, Chance: 15},
			{Name: "nulls", Size: 2, Chance: 20, Since: 15}, {Name: "fillfactor", Size: 2, Chance: 10}},
		Fits: func(s *Schema, o *Object) bool {
			t := s.ref(o, "table")
			if !s.holds(o, "column", "second") || s.pick(o, "primary") > 0 && s.isPartition(t) {
				return false
			}
			return !slices.ContainsFunc(s.uniqueColumns(o), func(c *Object) bool {
				return !s.columnType(c).distinct() || !s.plain(c)
			})
		},
		Keys: func(s *Schema, o *Object) []string {
			list := key(fmt.Sprintf("unique %d %d", o.Refs["column"], o.Refs["second"]), o.Refs["table"])
			if s.pick(o, "primary") > 0 {
				list = append(list, key("primary", o.Refs["table"])...)
			}
			return list
		},
		SQL: func(s *Schema, o *Object) []string {
			text := "UNIQUE "
			if s.pick(o, "nulls") > 0 {
				text += "NULLS NOT DISTINCT "
			}
			if s.pick(o, "primary") > 0 {
				text = "PRIMARY KEY "
			}
			text += columnList(s.uniqueColumns(o))
			if s.pick(o, "fillfactor") > 0 && !s.partitioned(s.ref(o, "table")) {
				text += " WITH (fillfactor = 70)"
			}
			return addConstraint(s, o, text+deferrals[s.pick(o, "deferral")])
		},
	}
}

// uniqueColumns are the columns of a unique constraint. That of a partitioned
// table has the key of the table.
func (s *Schema) uniqueColumns(o *Object) []*Object {
	list := []*Object{s.ref(o, "column")}
	if c := s.ref(o, "second"); c != nil && c != list[0] {
		list = append(list, c)
	}
	if t := s.ref(o, "table"); s.partitioned(t) && !slices.Contains(list, s.keyColumn(t)) {
		list = append(list, s.keyColumn(t))
	}
	return list
}

func columnList(columns []*Object) string {
	var names []string
	for _, c := range columns {
		names = append(names, quoted(c))
	}
	return "(" + strings.Join(names, ", ") + ")"
}

func foreignKeyKind() *Kind {
	actions := []string{"", " CASCADE", " SET NULL", " SET DEFAULT", " RESTRICT"}
	return &Kind{
		Name: "foreign_key", Makes: []string{"constraint"}, Weight: 8, Words: "CONSTRAINT", Address: onTable,
		Slots: []Slot{inFixedTable(), {Name: "target", Kinds: []string{"unique"}, Chance: 100}, inTable("column", 100), inTable("second", 60)},
		Picks: []Pick{{Name: "delete", Size: 5, Chance: 50}, {Name: "update", Size: 5, Chance: 30}, {Name: "full", Size: 2, Chance: 10},
			{Name: "deferral", Size: 3, Chance: 25}, {Name: "invalid", Size: 2, Chance: 15}, {Name: "unenforced", Size: 2, Chance: 10, Since: 18}},
		Fits: foreignKeyFits,
		SQL: func(s *Schema, o *Object) []string {
			target := s.ref(o, "target")
			text := "FOREIGN KEY " + columnList(s.foreignColumns(o)) + " REFERENCES " + s.name(s.ref(target, "table")) + columnList(s.uniqueColumns(target))
			if s.pick(o, "full") > 0 {
				text += " MATCH FULL"
			}
			if n := s.pick(o, "delete"); n > 0 {
				text += " ON DELETE" + actions[n]
			}
			if n := s.pick(o, "update"); n > 0 {
				text += " ON UPDATE" + actions[n]
			}
			text += deferrals[s.pick(o, "deferral")]
			split := s.partitioned(s.ref(o, "table")) || s.partitioned(s.ref(target, "table"))
			if s.pick(o, "unenforced") > 0 && !split {
				text += " NOT ENFORCED"
			} else if s.pick(o, "invalid") > 0 && !split {
				text += " NOT VALID"
			}
			return addConstraint(s, o, text)
		},
	}
}

// foreignColumns are as many columns as the target has.
func (s *Schema) foreignColumns(o *Object) []*Object {
	list := []*Object{s.ref(o, "column")}
	if c := s.ref(o, "second"); c != nil && c != list[0] && len(s.uniqueColumns(s.ref(o, "target"))) == 2 {
		list = append(list, c)
	}
	return list
}

func foreignKeyFits(s *Schema, o *Object) bool {
	target := s.ref(o, "target")
	from, to := s.foreignColumns(o), s.uniqueColumns(target)
	if !s.holds(o, "column", "second") || len(from) != len(to) || s.pick(target, "deferral") > 0 ||
		s.unlogged(s.ref(o, "table")) != s.unlogged(s.ref(target, "table")) {
		return false
	}
	for i, c := range from {
		if s.generated(c) || s.columnType(c).sql != s.columnType(to[i]).sql || s.collate(c) != s.collate(to[i]) {
			return false
		}
	}
	return true
}

func exclusionKind() *Kind {
	return &Kind{
		Name: "exclusion", Makes: []string{"constraint"}, Weight: 2, Words: "CONSTRAINT", Address: onTable,
		Slots: []Slot{inFixedTable(), inTable("column", 100)},
		Picks: []Pick{{Name: "shape", Size: 3, Chance: 70}, {Name: "deferral", Size: 3, Chance: 20}, {Name: "predicate", Size: 3, Chance: 30}},
		Fits: func(s *Schema, o *Object) bool {
			t, c := s.ref(o, "table"), s.ref(o, "column")
			return s.holds(o, "column") && !s.partitioned(t) && s.plain(c) && s.columnType(c).family == "number"
		},
		SQL: func(s *Schema, o *Object) []string {
			c := quoted(s.ref(o, "column"))
			text := "EXCLUDE " + []string{"USING btree (" + c + " WITH =)", "USING gist (int4range(" + c + "::integer, " + c + "::integer, '[]') WITH &&)",
				"USING btree ((" + c + " + 1) WITH =)"}[s.pick(o, "shape")]
			if n := s.pick(o, "predicate"); n > 0 {
				text += " WHERE (" + at(s.columnType(s.ref(o, "column")).truths(c), n) + ")"
			}
			return addConstraint(s, o, text+deferrals[s.pick(o, "deferral")])
		},
	}
}

func indexKind() *Kind {
	return &Kind{
		Name: "index", Makes: []string{"index", "index_attachment"}, Weight: 9, Words: "INDEX",
		Address: func(s *Schema, o *Object) string {
			in := *o
			in.Refs = s.ref(o, "table").Refs
			return s.name(&in)
		},
		Slots: []Slot{{Name: "table", Kinds: []string{"table", "materialized_view"}, Chance: 100, Fixed: true}, calls(12),
			{Name: "class", Kinds: []string{"operator_class"}, Chance: 15, Keep: true},
			{Name: "configuration", Kinds: []string{"text_search_configuration"}, Chance: 8, Keep: true}},
		Picks: []Pick{{Name: "column", Size: 8, Chance: 80}, {Name: "second", Size: 8, Chance: 30}, {Name: "expression", Size: 3, Chance: 25},
			{Name: "unique", Size: 2, Chance: 20}, {Name: "method", Size: 3, Chance: 20}, {Name: "order", Size: 4, Chance: 25},
			{Name: "predicate", Size: 4, Chance: 20}, {Name: "include", Size: 8, Chance: 20}, {Name: "fillfactor", Size: 2, Chance: 10},
			{Name: "statistics", Size: 3, Chance: 10}, {Name: "cluster", Size: 2, Chance: 8}, {Name: "nulls", Size: 2, Chance: 20, Since: 15}},
		Fits: func(s *Schema, o *Object) bool { return len(s.indexable(s.ref(o, "table"))) > 0 && !s.callsBack(o) },
		Keys: func(s *Schema, o *Object) []string {
			if s.pick(o, "cluster") > 0 {
				return key("cluster", o.Refs["table"])
			}
			return nil
		},
		SQL: indexSQL,
	}
}

// indexable are the columns of a relation that a btree takes.
func (s *Schema) indexable(t *Object) []column {
	var list []column
	for _, c := range s.shown(t) {
		if c.typ.distinct() && !c.virtual {
			list = append(list, c)
		}
	}
	return list
}

func indexSQL(s *Schema, o *Object) []string {
	t := s.ref(o, "table")
	columns := s.indexable(t)
	first := at(columns, s.pick(o, "column"))
	word, keys, tail, statements := "INDEX", first.name, "", []string(nil)
	method := []string{"", " USING hash", " USING brin"}[s.pick(o, "method")]
	expression := s.pick(o, "expression")
	f := s.ref(o, "function")
	if expression > 0 {
		keys = "(" + at(first.typ.derived(first.name), expression).name + ")"
		if f != nil && s.pick(f, "volatility") == 0 {
			keys = "(" + at(first.typ.derived(first.name), expression).name + "), (" + s.call(f) + ")"
			method = ""
		}
	}
	if unique := s.pick(o, "unique") > 0 && expression == 0; unique && s.partitioned(t) {
		word, keys, method = "UNIQUE INDEX", quoted(s.keyColumn(t)), ""
	} else if unique {
		word, method = "UNIQUE INDEX", ""
	}
	if c := s.ref(o, "configuration"); c != nil && first.typ.sql == "text" && word == "INDEX" && expression == 0 {
		keys, method = "to_tsvector("+pg.QuoteLiteral(s.name(c))+"::regconfig, "+first.name+")", " USING gin"
	}
	if c := s.ref(o, "class"); c != nil && method == "" && keys == first.name && first.typ.sql == classes[s.pick(c, "type")].typ {
		keys += " " + s.name(c)
	}
	if method == "" {
		keys += []string{"", " DESC", " NULLS FIRST", " DESC NULLS LAST"}[s.pick(o, "order")]
		if n := s.pick(o, "second"); n > 0 {
			keys += ", " + at(columns, n).name
		}
		if n := s.pick(o, "include"); n > 0 {
			tail += " INCLUDE (" + at(columns, n).name + ")"
		}
		if s.pick(o, "nulls") > 0 && word != "INDEX" {
			tail += " NULLS NOT DISTINCT"
		}
	}
	if s.pick(o, "fillfactor") > 0 && method == "" && !s.partitioned(t) {
		tail += " WITH (fillfactor = 60)"
	}
	if n := s.pick(o, "predicate"); n > 0 {
		tail += " WHERE " + at(first.typ.truths(first.name), n)
	}
	statements = append(statements, "CREATE "+word+" "+quoted(o)+" ON "+s.name(t)+method+" ("+keys+")"+tail)
	address := kindNamed("index").Address(s, o)
	if n := s.pick(o, "statistics"); n > 0 && expression > 0 && !s.partitioned(t) {
		statements = append(statements, fmt.Sprintf("ALTER INDEX %s ALTER COLUMN 1 SET STATISTICS %d", address, n*100))
	}
	if s.pick(o, "cluster") > 0 && method == "" && s.pick(o, "predicate") == 0 && !s.partitioned(t) {
		statements = append(statements, "ALTER "+kindOf(t).Words+" "+s.name(t)+" CLUSTER ON "+pg.QuoteIdent(o.Name))
	}
	return statements
}
