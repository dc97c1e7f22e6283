package generate

import (
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

func schemaKind() *Kind {
	return &Kind{
		Name: "schema", Weight: 2, Words: "SCHEMA", Grants: []string{"USAGE", "CREATE"},
		Address: func(_ *Schema, o *Object) string { return quoted(o) },
		SQL:     func(_ *Schema, o *Object) []string { return []string{"CREATE SCHEMA " + quoted(o)} },
	}
}

// labelings are the labels of an enum. Each has ok, the label that rows hold.
var labelings = [][]string{
	{"sad", "ok", "happy"}, {"ok", "happy"}, {"sad", "ok", "happy", "great"}, {"happy", "ok", "sad"}, {"new", "sad", "ok", "mid", "happy"},
	{"ok"}, {"ok", "It's", "happy"}, {"ok", "happy", "two words", "sad"},
}

func labels(s *Schema, o *Object) []string { return labelings[s.pick(o, "labels")] }

func enumKind() *Kind {
	return &Kind{
		Name: "enum", Makes: []string{"enum", "label"}, Weight: 5, Slots: []Slot{inSchema()}, Words: "TYPE", Grants: []string{"USAGE"}, Address: (*Schema).name,
		Picks: []Pick{{Name: "labels", Size: len(labelings), Chance: 80}},
		SQL: func(s *Schema, o *Object) []string {
			var list []string
			for _, l := range labels(s, o) {
				list = append(list, pg.QuoteLiteral(l))
			}
			return []string{"CREATE TYPE " + s.name(o) + " AS ENUM (" + strings.Join(list, ", ") + ")"}
		},
	}
}

func domainKind() *Kind {
	return &Kind{
		Name: "domain", Makes: []string{"domain", "domain_constraint"}, Weight: 4, Words: "DOMAIN", Grants: []string{"USAGE"}, Address: (*Schema).name,
		Slots: []Slot{inSchema(), {Name: "type", Kinds: []string{"enum", "domain"}, Chance: 30}, calls(20), collated()},
		Picks: []Pick{{Name: "type", Size: len(builtin), Chance: 60}, {Name: "notnull", Size: 2, Chance: 15},
			{Name: "default", Size: 4, Chance: 30}, {Name: "check", Size: 5, Chance: 60}, {Name: "second", Size: 3, Chance: 20}},
		Becomes: func(a, b *Schema, o *Object) bool { return castable(a.typeBy(a.get(o.ID)), b.typeBy(b.get(o.ID))) },
		SQL: func(s *Schema, o *Object) []string {
			base := s.typeOf(o)
			sql := "CREATE DOMAIN " + s.name(o) + " AS " + base.sql + s.collate(o)
			if n := s.pick(o, "default"); n > 0 {
				sql += " DEFAULT " + at(base.defaults(), n-1)
			}
			if s.pick(o, "notnull") > 0 {
				sql += " NOT NULL"
			}
			if n := s.pick(o, "check"); n > 0 {
				sql += " CONSTRAINT valid CHECK (" + at(base.truths("VALUE"), n-1) + ")"
			}
			if n := s.pick(o, "second"); n > 0 {
				sql += " CONSTRAINT \"also Valid\" CHECK (" + at(base.truths("VALUE"), n) + ")"
			}
			if f := s.ref(o, "function"); f != nil && base.family == "number" {
				sql += " CONSTRAINT called CHECK (VALUE IS NULL OR " + s.call(f) + " IS NOT NULL)"
			}
			return []string{sql}
		},
	}
}

// attributes are those of composite types beside the one in the slot.
var attributes = []string{"a integer, b text", "a integer", "a bigint, b text", "b text COLLATE \"C\", c date", "\"Odd one\" text, a integer, z numeric(8,3)"}

func compositeKind() *Kind {
	return &Kind{
		Name: "composite", Makes: []string{"composite", "attribute"}, Weight: 3, Words: "TYPE", Grants: []string{"USAGE"}, Address: (*Schema).name,
		Slots: []Slot{inSchema(), {Name: "attribute", Kinds: []string{"enum", "domain", "composite", "range"}, Chance: 40, Keep: true}},
		Picks: []Pick{{Name: "attributes", Size: len(attributes), Chance: 60}},
		SQL: func(s *Schema, o *Object) []string {
			list := attributes[s.pick(o, "attributes")]
			if a := s.ref(o, "attribute"); a != nil {
				list += ", of_type " + s.typeBy(a).sql
			}
			return []string{"CREATE TYPE " + s.name(o) + " AS (" + list + ")"}
		},
	}
}

func rangeKind() *Kind {
	subtypes := []string{"integer", "text, COLLATION = \"C\"", "double precision, SUBTYPE_DIFF = float8mi", "date", "text"}
	return &Kind{
		Name: "range", Weight: 2, Words: "TYPE", Grants: []string{"USAGE"}, Address: (*Schema).name, Slots: []Slot{inSchema()},
		Picks: []Pick{{Name: "subtype", Size: len(subtypes), Chance: 70}, {Name: "multirange", Size: 2, Chance: 30}},
		SQL: func(s *Schema, o *Object) []string {
			sql := "CREATE TYPE " + s.name(o) + " AS RANGE (SUBTYPE = " + subtypes[s.pick(o, "subtype")]
			if s.pick(o, "multirange") > 0 {
				sql += ", MULTIRANGE_TYPE_NAME = " + pg.QuoteIdent(o.Name+" many")
			}
			return []string{sql + ")"}
		},
	}
}

func sequenceKind() *Kind {
	options := []struct {
		name   string
		values []string
	}{
		{"type", []string{"", " AS integer", " AS smallint"}}, {"step", []string{"", " INCREMENT BY 2", " INCREMENT BY 10"}},
		{"min", []string{"", " MINVALUE 0", " MINVALUE -5"}}, {"max", []string{"", " MAXVALUE 1000", " MAXVALUE 30000"}},
		{"start", []string{"", " START WITH 10", " START WITH 3"}}, {"cache", []string{"", " CACHE 5"}}, {"cycle", []string{"", " CYCLE"}},
	}
	k := &Kind{
		Name: "sequence", Weight: 4, Words: "SEQUENCE", Grants: []string{"USAGE", "SELECT", "UPDATE"}, Address: (*Schema).name, Slots: []Slot{inSchema()},
		Picks: []Pick{{Name: "unlogged", Size: 2, Chance: 10, Since: 15}},
	}
	for _, option := range options {
		k.Picks = append(k.Picks, Pick{Name: option.name, Size: len(option.values), Chance: 30})
	}
	k.SQL = func(s *Schema, o *Object) []string {
		sql := "CREATE " + []string{"", "UNLOGGED "}[s.pick(o, "unlogged")] + "SEQUENCE " + s.name(o)
		for _, option := range options {
			sql += option.values[s.pick(o, option.name)]
		}
		return []string{sql}
	}
	return k
}

func ownershipKind() *Kind {
	return &Kind{
		Name: "ownership", Makes: []string{"sequence_ownership"}, Weight: 2,
		Slots: []Slot{{Name: "sequence", Kinds: []string{"sequence"}, Chance: 100, Fixed: true}, {Name: "column", Kinds: []string{"column"}, Chance: 100}},
		Fits: func(s *Schema, o *Object) bool {
			return s.ref(s.ref(o, "sequence"), "schema") == s.ref(s.whole(s.ref(o, "column")), "schema")
		},
		Keys: func(_ *Schema, o *Object) []string { return key("ownership", o.Refs["sequence"]) },
		SQL: func(s *Schema, o *Object) []string {
			column := s.ref(o, "column")
			return []string{"ALTER SEQUENCE " + s.name(s.ref(o, "sequence")) + " OWNED BY " + s.name(s.ref(column, "table")) + "." + quoted(column)}
		},
	}
}
