package generate

import (
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Kinds that give meaning to operators, texts and conversions.

func collationKind() *Kind {
	return &Kind{
		Name: "collation", Weight: 2, Words: "COLLATION", Slots: []Slot{inSchema()}, Address: (*Schema).name,
		Picks: []Pick{{Name: "locale", Size: 3, Chance: 60}},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE COLLATION " + s.name(o) + " (" + []string{"LOCALE = 'C'", "LOCALE = 'POSIX'", "LC_COLLATE = 'C', LC_CTYPE = 'POSIX'"}[s.pick(o, "locale")] + ")"}
		},
	}
}

// collated is the slot of a collation of a text.
func collated() Slot {
	return Slot{Name: "collation", Kinds: []string{"collation"}, Chance: 10, Keep: true}
}

// collate is the clause of a column or domain of one of PostgreSQL's own types.
func (s *Schema) collate(o *Object) string {
	if s.typeOf(o).family != "text" || s.ref(o, "type") != nil {
		return ""
	}
	if c := s.ref(o, "collation"); c != nil {
		return " COLLATE " + s.name(c)
	}
	return []string{"", " COLLATE \"C\"", " COLLATE \"POSIX\""}[s.pick(o, "collation")]
}

func castKind() *Kind {
	targets := []string{"bigint", "text", "date", "integer"}
	return &Kind{
		Name: "cast", Weight: 2, Words: "CAST",
		Address: func(s *Schema, o *Object) string {
			return "(" + s.typeBy(s.ref(o, "source")).sql + " AS " + targets[s.pick(o, "target")] + ")"
		},
		Slots: []Slot{{Name: "source", Kinds: []string{"enum", "composite", "range"}, Chance: 100, Fixed: true}},
		Picks: []Pick{{Name: "target", Size: len(targets), Chance: 80, Fixed: true}, {Name: "assignment", Size: 2, Chance: 40}},
		Keys: func(s *Schema, o *Object) []string {
			return key(fmt.Sprintf("cast %d", s.pick(o, "target")), o.Refs["source"])
		},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE CAST " + kindOf(o).Address(s, o) + " WITH INOUT" + []string{"", " AS ASSIGNMENT"}[s.pick(o, "assignment")]}
		},
	}
}

func operatorKind() *Kind {
	return &Kind{
		Name: "operator", Weight: 2, Words: "OPERATOR", Slots: []Slot{inSchema(), {Name: "function", Kinds: []string{"function"}, Chance: 100}},
		Address: func(s *Schema, o *Object) string {
			if a := s.ref(s.ref(o, "function"), "argument"); a != nil {
				return s.operator(o) + "(integer, " + s.typeBy(a).sql + ")"
			}
			return s.operator(o) + "(NONE, integer)"
		},
		SQL: func(s *Schema, o *Object) []string {
			f := s.ref(o, "function")
			arguments := "RIGHTARG = integer"
			if a := s.ref(f, "argument"); a != nil {
				arguments = "LEFTARG = integer, RIGHTARG = " + s.typeBy(a).sql
			}
			return []string{"CREATE OPERATOR " + s.operator(o) + " (FUNCTION = " + s.name(f) + ", " + arguments + ")"}
		},
	}
}

// operator is the name of an operator: its number, in other digits.
func (s *Schema) operator(o *Object) string {
	name := "@"
	for n := o.ID; n > 0; n /= 5 {
		name += string("@#%&|"[n%5])
	}
	if in := s.ref(o, "schema"); in != nil {
		return quoted(in) + "." + name
	}
	return "public." + name
}

// operates is a condition with an operator, which always holds.
func (s *Schema) operates(o *Object) string {
	left, right := "", "1"
	if a := s.ref(s.ref(o, "function"), "argument"); a != nil {
		left, right = "1 ", "CAST(NULL AS "+s.typeBy(a).sql+")"
	}
	return "((" + left + "OPERATOR(" + s.operator(o) + ") " + right + ") IS NOT NULL OR true)"
}

func familyKind() *Kind {
	members := []string{"", "OPERATOR 1 < (int4, int8)", "OPERATOR 1 < (int4, int8), FUNCTION 1 (int4, int8) btint48cmp(int4, int8)"}
	return &Kind{
		Name: "operator_family", Weight: 1, Makes: []string{"operator_family", "family_operator", "family_function"}, Words: "OPERATOR FAMILY", Slots: []Slot{inSchema()},
		Address: func(s *Schema, o *Object) string { return s.name(o) + " USING btree" },
		Picks:   []Pick{{Name: "members", Size: len(members), Chance: 60}},
		SQL: func(s *Schema, o *Object) []string {
			list := []string{"CREATE OPERATOR FAMILY " + s.name(o) + " USING btree"}
			if n := s.pick(o, "members"); n > 0 {
				list = append(list, "ALTER OPERATOR FAMILY "+s.name(o)+" USING btree ADD "+members[n])
			}
			return list
		},
	}
}

// classes are the types of operator classes with their functions.
var classes = []struct{ typ, function string }{{"integer", "btint4cmp(integer, integer)"}, {"bigint", "btint8cmp(bigint, bigint)"}, {"text", "bttextcmp(text, text)"}}

func classKind() *Kind {
	return &Kind{
		Name: "operator_class", Weight: 2, Words: "OPERATOR CLASS",
		Slots:   []Slot{inSchema(), {Name: "family", Kinds: []string{"operator_family"}, Chance: 40, Keep: true}},
		Address: func(s *Schema, o *Object) string { return s.name(o) + " USING btree" },
		Picks:   []Pick{{Name: "type", Size: len(classes), Chance: 50, Fixed: true}, {Name: "few", Size: 2, Chance: 30}},
		Keys: func(s *Schema, o *Object) []string {
			if f := s.ref(o, "family"); f != nil {
				return key(fmt.Sprintf("class %d", s.pick(o, "type")), f.ID)
			}
			return nil
		},
		SQL: func(s *Schema, o *Object) []string {
			class, family := classes[s.pick(o, "type")], ""
			if f := s.ref(o, "family"); f != nil {
				family = " FAMILY " + s.name(f)
			}
			operators := []string{"OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >", "OPERATOR 1 <, OPERATOR 3 =, OPERATOR 5 >"}[s.pick(o, "few")]
			return []string{"CREATE OPERATOR CLASS " + s.name(o) + " FOR TYPE " + class.typ + " USING btree" + family + " AS " + operators + ", FUNCTION 1 " + class.function}
		},
	}
}

func parserKind() *Kind {
	return &Kind{
		Name: "text_search_parser", Weight: 1, Words: "TEXT SEARCH PARSER", Slots: []Slot{inSchema()}, Address: (*Schema).name,
		Picks: []Pick{{Name: "headline", Size: 2, Chance: 50}},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE TEXT SEARCH PARSER " + s.name(o) + " (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype" +
				[]string{"", ", HEADLINE = prsd_headline"}[s.pick(o, "headline")] + ")"}
		},
	}
}

func templateKind() *Kind {
	return &Kind{
		Name: "text_search_template", Weight: 1, Words: "TEXT SEARCH TEMPLATE", Slots: []Slot{inSchema()}, Address: (*Schema).name,
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE TEXT SEARCH TEMPLATE " + s.name(o) + " (INIT = dsimple_init, LEXIZE = dsimple_lexize)"}
		},
	}
}

func dictionaryKind() *Kind {
	return &Kind{
		Name: "text_search_dictionary", Weight: 1, Words: "TEXT SEARCH DICTIONARY", Address: (*Schema).name,
		Slots: []Slot{inSchema(), {Name: "template", Kinds: []string{"text_search_template"}, Chance: 40, Keep: true}},
		Picks: []Pick{{Name: "accept", Size: 3, Chance: 50}},
		SQL: func(s *Schema, o *Object) []string {
			template := "simple"
			if t := s.ref(o, "template"); t != nil {
				template = s.name(t)
			}
			return []string{"CREATE TEXT SEARCH DICTIONARY " + s.name(o) + " (TEMPLATE = " + template + []string{"", ", accept = false", ", accept = true"}[s.pick(o, "accept")] + ")"}
		},
	}
}

func configurationKind() *Kind {
	return &Kind{
		Name: "text_search_configuration", Weight: 2, Makes: []string{"text_search_configuration", "text_search_mapping"},
		Words: "TEXT SEARCH CONFIGURATION", Address: (*Schema).name,
		Slots: []Slot{inSchema(), {Name: "parser", Kinds: []string{"text_search_parser"}, Chance: 25, Keep: true},
			{Name: "dictionary", Kinds: []string{"text_search_dictionary"}, Chance: 70, Keep: true}},
		Picks: []Pick{{Name: "mapping", Size: 4, Chance: 80}},
		SQL: func(s *Schema, o *Object) []string {
			parser, dictionary := "pg_catalog.\"default\"", "pg_catalog.simple"
			if p := s.ref(o, "parser"); p != nil {
				parser = s.name(p)
			}
			if d := s.ref(o, "dictionary"); d != nil {
				dictionary = s.name(d)
			}
			list := []string{"CREATE TEXT SEARCH CONFIGURATION " + s.name(o) + " (PARSER = " + parser + ")"}
			if n := s.pick(o, "mapping"); n > 0 {
				list = append(list, "ALTER TEXT SEARCH CONFIGURATION "+s.name(o)+" ADD MAPPING FOR "+
					[]string{"", "word WITH ", "asciiword, word, numword WITH ", "asciiword WITH pg_catalog.english_stem, "}[n]+dictionary)
			}
			return list
		},
	}
}

func conversionKind() *Kind {
	return &Kind{
		Name: "conversion", Weight: 1, Words: "CONVERSION", Slots: []Slot{inSchema()}, Address: (*Schema).name,
		Picks: []Pick{{Name: "from", Size: 2, Chance: 50}, {Name: "default", Size: 2, Chance: 20}},
		Keys: func(s *Schema, o *Object) []string {
			if s.pick(o, "default") > 0 {
				return key(fmt.Sprintf("conversion %d", s.pick(o, "from")), o.Refs["schema"])
			}
			return nil
		},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE " + []string{"", "DEFAULT "}[s.pick(o, "default")] + "CONVERSION " + s.name(o) +
				[]string{" FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", " FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1"}[s.pick(o, "from")]}
		},
	}
}

func baseTypeKind() *Kind {
	return &Kind{
		Name: "base_type", Weight: 1, Makes: []string{"base_type", "shell_type", "function"}, Words: "TYPE", Grants: []string{"USAGE"}, Slots: []Slot{inSchema()}, Address: (*Schema).name,
		Picks: []Pick{{Name: "like", Size: 2, Chance: 50}, {Name: "delimiter", Size: 2, Chance: 20}, {Name: "default", Size: 2, Chance: 20}},
		SQL: func(s *Schema, o *Object) []string {
			like := []string{"integer", "text"}[s.pick(o, "like")]
			prefix := []string{"int4", "text"}[s.pick(o, "like")]
			name := s.name(o)
			function := func(end string) string { in := o.clone(); in.Name += end; return s.name(in) }
			options := strings.Join([]string{"INPUT = " + function("_in"), "OUTPUT = " + function("_out"), "LIKE = " + like}, ", ")
			options += []string{"", ", DELIMITER = ';'"}[s.pick(o, "delimiter")] + []string{"", ", DEFAULT = '1'"}[s.pick(o, "default")]
			return []string{"CREATE TYPE " + name,
				"CREATE FUNCTION " + function("_in") + "(cstring) RETURNS " + name + " LANGUAGE internal IMMUTABLE STRICT AS " + pg.QuoteLiteral(prefix+"in"),
				"CREATE FUNCTION " + function("_out") + "(" + name + ") RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS " + pg.QuoteLiteral(prefix+"out"),
				"CREATE TYPE " + name + " (" + options + ")"}
		},
	}
}

func shellTypeKind() *Kind {
	return &Kind{
		Name: "shell_type", Weight: 1, Words: "TYPE", Slots: []Slot{inSchema()}, Address: (*Schema).name,
		SQL: func(s *Schema, o *Object) []string { return []string{"CREATE TYPE " + s.name(o)} },
	}
}
