package generate

import (
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Roles are the roles that generated schemas name.
var Roles = []string{"generated_a", "Generated B"}

func grantee(n int) string {
	return append([]string{"PUBLIC"}, pg.QuoteIdent(Roles[0]), pg.QuoteIdent(Roles[1]))[n%3]
}

func policyKind() *Kind {
	return &Kind{
		Name: "policy", Weight: 3, Words: "POLICY", Address: onTable,
		Slots: []Slot{inFixedTable(), calls(20)},
		Picks: []Pick{{Name: "command", Size: 5, Chance: 60}, {Name: "restrictive", Size: 2, Chance: 25}, {Name: "role", Size: 3, Chance: 50},
			{Name: "column", Size: 6, Chance: 70}, {Name: "expression", Size: 4, Chance: 60}, {Name: "check", Size: 2, Chance: 40}},
		SQL: func(s *Schema, o *Object) []string {
			condition := "true"
			if columns := s.shown(s.ref(o, "table")); len(columns) > 0 {
				c := at(columns, s.pick(o, "column"))
				condition = at(c.typ.truths(c.name), s.pick(o, "expression"))
			}
			if f := s.ref(o, "function"); f != nil {
				condition = "(" + condition + ") AND " + s.call(f) + " IS NOT NULL"
			}
			command := []string{"ALL", "SELECT", "INSERT", "UPDATE", "DELETE"}[s.pick(o, "command")]
			sql := "CREATE POLICY " + onTable(s, o) + []string{"", " AS RESTRICTIVE"}[s.pick(o, "restrictive")] + " FOR " + command + " TO " + grantee(s.pick(o, "role"))
			if command != "INSERT" {
				sql += " USING (" + condition + ")"
			}
			if command == "INSERT" || s.pick(o, "check") > 0 && (command == "ALL" || command == "UPDATE") {
				sql += " WITH CHECK (" + condition + ")"
			}
			return []string{sql}
		},
	}
}

func replicaIdentityKind() *Kind {
	return &Kind{
		Name: "replica_identity", Weight: 2,
		Slots: []Slot{inFixedTable(), {Name: "unique", Kinds: []string{"unique"}, Chance: 50, Keep: true}},
		Picks: []Pick{{Name: "nothing", Size: 2, Chance: 40}},
		Keys:  func(_ *Schema, o *Object) []string { return key("replica identity", o.Refs["table"]) },
		SQL: func(s *Schema, o *Object) []string {
			method := []string{"FULL", "NOTHING"}[s.pick(o, "nothing")]
			if u := s.ref(o, "unique"); u != nil && u.Refs["table"] == o.Refs["table"] && s.pick(u, "primary") > 0 && s.pick(u, "deferral") == 0 {
				method = "USING INDEX " + quoted(u)
			}
			return []string{"ALTER TABLE " + s.name(s.ref(o, "table")) + " REPLICA IDENTITY " + method}
		},
	}
}

// described are the kinds that have comments, granted those with privileges.
var (
	described = []string{"schema", "enum", "domain", "composite", "range", "sequence", "table", "column", "check", "unique", "foreign_key",
		"exclusion", "index", "function", "procedure", "aggregate", "trigger_function", "trigger", "view", "materialized_view", "policy",
		"rule", "statistics", "temporal", "collation", "cast", "operator", "operator_family", "operator_class", "base_type", "shell_type", "conversion",
		"text_search_parser", "text_search_template", "text_search_dictionary", "text_search_configuration", "foreign_data_wrapper", "foreign_server",
		"foreign_table", "publication", "language", "access_method", "event_function", "event_trigger"}
	granted = []string{"schema", "enum", "domain", "composite", "range", "sequence", "table", "column", "function", "procedure", "aggregate",
		"view", "materialized_view", "base_type", "foreign_data_wrapper", "foreign_server", "foreign_table", "language"}
)

func commentKind() *Kind {
	return &Kind{
		Name: "comment", Weight: 6,
		Slots: []Slot{{Name: "subject", Kinds: described, Chance: 100, Fixed: true}},
		Picks: []Pick{{Name: "text", Size: 3, Chance: 60}},
		Keys:  func(_ *Schema, o *Object) []string { return key("comment", o.Refs["subject"]) },
		SQL: func(s *Schema, o *Object) []string {
			subject := s.ref(o, "subject")
			k := kindOf(subject)
			return []string{"COMMENT ON " + k.Words + " " + k.Address(s, subject) + " IS " +
				pg.QuoteLiteral([]string{"plain", "it's \"quoted\"", "two\nlines; -- and more \\"}[s.pick(o, "text")])}
		},
	}
}

func grantKind() *Kind {
	return &Kind{
		Name: "grant", Weight: 5,
		Slots: []Slot{{Name: "subject", Kinds: granted, Chance: 100, Fixed: true}},
		Picks: []Pick{{Name: "privilege", Size: 6, Chance: 70}, {Name: "role", Size: 3, Chance: 70}, {Name: "option", Size: 2, Chance: 15}},
		Fits:  func(s *Schema, o *Object) bool { return s.pick(s.ref(o, "subject"), "trusted") == 0 },
		Keys: func(s *Schema, o *Object) []string {
			return key(fmt.Sprintf("grant %d", s.pick(o, "role")), o.Refs["subject"])
		},
		SQL: func(s *Schema, o *Object) []string {
			subject := s.ref(o, "subject")
			k := kindOf(subject)
			privilege, words, address := at(k.Grants, s.pick(o, "privilege")), k.Words, k.Address(s, subject)
			switch subject.Kind {
			case "column":
				privilege, words, address = privilege+" ("+quoted(subject)+")", "TABLE", s.name(s.ref(subject, "table"))
			case "view", "materialized_view", "foreign_table":
				words = "TABLE"
			case "foreign_server":
				words = "FOREIGN SERVER"
			case "aggregate":
				words = "FUNCTION"
			case "composite", "range", "enum", "domain":
				words = strings.Replace(words, "DOMAIN", "TYPE", 1)
			}
			sql := "GRANT " + privilege + " ON " + words + " " + address + " TO " + grantee(s.pick(o, "role"))
			if s.pick(o, "option") > 0 && s.pick(o, "role") > 0 {
				sql += " WITH GRANT OPTION"
			}
			return []string{sql}
		},
	}
}
