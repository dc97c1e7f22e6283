package generate

import (
	"fmt"
	"strings"
)

// Kinds that hang on tables, and what is said about others.

func ruleKind() *Kind {
	return &Kind{
		Name: "rule", Weight: 3, Words: "RULE", Address: onTable,
		Slots: []Slot{{Name: "table", Kinds: []string{"table", "view"}, Chance: 100, Fixed: true}, {Name: "other", Kinds: []string{"table"}, Chance: 50, Keep: true}, calls(20)},
		Picks: []Pick{{Name: "event", Size: 3, Chance: 60}, {Name: "instead", Size: 2, Chance: 40}, {Name: "action", Size: 4, Chance: 70},
			{Name: "when", Size: 4, Chance: 40}, {Name: "column", Size: 6, Chance: 60}, {Name: "enabled", Size: 4, Chance: 20}},
		SQL: func(s *Schema, o *Object) []string {
			t, other, n := s.ref(o, "table"), s.ref(o, "other"), s.pick(o, "event")
			row, where, action := []string{"NEW", "NEW", "OLD"}[n], "", "NOTHING"
			var c *column
			if columns := s.shown(t); len(columns) > 0 {
				if c = &columns[s.pick(o, "column")%len(columns)]; c.generated || c.virtual {
					c = nil
				}
			}
			if w := s.pick(o, "when"); w > 0 && c != nil {
				where = " WHERE (" + at(c.typ.truths(row+"."+c.name), w) + ")"
			}
			if f := s.ref(o, "function"); f != nil && where != "" {
				where += " AND " + s.call(f) + " IS NOT NULL"
			}
			if other != nil {
				action = []string{"NOTHING", "INSERT INTO " + s.name(other) + " DEFAULT VALUES", "DELETE FROM " + s.name(other) + " WHERE false",
					"(DELETE FROM " + s.name(other) + "; NOTIFY changed)"}[s.pick(o, "action")]
				if where != "" && s.pick(o, "action") == 3 {
					action = "NOTHING"
				}
				if c != nil && s.pick(o, "action") == 2 {
					action = "DELETE FROM " + s.name(other) + " WHERE " + row + "." + c.name + " IS NULL"
				}
			}
			list := []string{"CREATE RULE " + quoted(o) + " AS ON " + []string{"INSERT", "UPDATE", "DELETE"}[n] + " TO " + s.name(t) + where +
				" DO " + []string{"ALSO ", "INSTEAD "}[s.pick(o, "instead")] + action}
			if n := s.pick(o, "enabled"); t.Kind == "table" && (n == 1 || n > 0 && s.pick(o, "instead") == 0 && action == "NOTHING") {
				list = append(list, "ALTER TABLE "+s.name(t)+[]string{"", " DISABLE RULE ", " ENABLE REPLICA RULE ", " ENABLE ALWAYS RULE "}[n]+quoted(o))
			}
			return list
		},
	}
}

func statisticsKind() *Kind {
	return &Kind{
		Name: "statistics", Weight: 3, Words: "STATISTICS", Address: (*Schema).name,
		Slots: []Slot{inSchema(), inFixedTable()},
		Picks: []Pick{{Name: "columns", Size: 4, Chance: 50}, {Name: "kinds", Size: 4, Chance: 60}, {Name: "expression", Size: 3, Chance: 30}, {Name: "target", Size: 3, Chance: 25}},
		Fits:  func(s *Schema, o *Object) bool { return len(s.indexable(s.ref(o, "table"))) > 1 },
		SQL: func(s *Schema, o *Object) []string {
			t := s.ref(o, "table")
			columns := s.indexable(t)
			n := s.pick(o, "columns")
			list := []string{at(columns, n).name, at(columns, n+1).name}
			if e := s.pick(o, "expression"); e > 0 {
				list[0] = "(" + at(at(columns, n).typ.derived(at(columns, n).name), e).name + ")"
			}
			statements := []string{"CREATE STATISTICS " + s.name(o) + []string{"", " (ndistinct)", " (dependencies, mcv)", " (mcv)"}[s.pick(o, "kinds")] +
				" ON " + strings.Join(list, ", ") + " FROM " + s.name(t)}
			if n := s.pick(o, "target"); n > 0 {
				statements = append(statements, fmt.Sprintf("ALTER STATISTICS %s SET STATISTICS %d", s.name(o), n*100))
			}
			return statements
		},
	}
}

// temporalKind defines keys without overlaps and foreign keys to them, with
// columns of their own.
func temporalKind() *Kind {
	columns := func(o *Object) (string, string) { return fmt.Sprintf("key_%d", o.ID), fmt.Sprintf("during_%d", o.ID) }
	return &Kind{
		Name: "temporal", Weight: 2, Since: 18, Makes: []string{"constraint"}, Words: "CONSTRAINT", Address: onTable,
		Slots: []Slot{inFixedTable(), {Name: "target", Kinds: []string{"temporal"}, Chance: 50, Keep: true}},
		Picks: []Pick{{Name: "type", Size: 2, Chance: 30}},
		Fits: func(s *Schema, o *Object) bool {
			t := s.ref(o, "table")
			return !s.partitioned(t) && s.ref(t, "parent") == nil && len(s.of("table", "parent", t)) == 0
		},
		SQL: func(s *Schema, o *Object) []string {
			t, target := s.ref(o, "table"), s.ref(o, "target")
			key, during := columns(o)
			typ := []string{"int4range", "daterange"}[s.pick(o, "type")]
			list := []string{"ALTER TABLE " + s.name(t) + " ADD COLUMN " + key + " int4range, ADD COLUMN " + during + " " + typ}
			list = append(list, addConstraint(s, o, "UNIQUE ("+key+", "+during+" WITHOUT OVERLAPS)")...)
			if target == nil || s.pick(target, "type") != s.pick(o, "type") || s.unlogged(s.ref(target, "table")) != s.unlogged(t) {
				return list
			}
			there, then := columns(target)
			foreign := o.clone()
			foreign.Name += " of"
			return append(list, addConstraint(s, foreign, "FOREIGN KEY ("+key+", PERIOD "+during+") REFERENCES "+s.name(s.ref(target, "table"))+
				" ("+there+", PERIOD "+then+")")...)
		},
		Becomes: func(a, b *Schema, o *Object) bool { return a.pick(a.get(o.ID), "type") == b.pick(b.get(o.ID), "type") },
	}
}

// defaultGrants are what default privileges give.
var defaultGrants = []string{"SELECT ON TABLES", "USAGE ON SEQUENCES", "EXECUTE ON FUNCTIONS", "USAGE ON TYPES", "INSERT, UPDATE ON TABLES"}

func defaultPrivilegeKind() *Kind {
	return &Kind{
		Name: "default_privilege", Weight: 2,
		Slots: []Slot{{Name: "schema", Kinds: []string{"schema"}, Chance: 50, Fixed: true}},
		Picks: []Pick{{Name: "for", Size: 2, Chance: 40, Fixed: true}, {Name: "grant", Size: len(defaultGrants), Chance: 80}, {Name: "role", Size: 3, Chance: 80}},
		Keys: func(s *Schema, o *Object) []string {
			return key(fmt.Sprintf("default privilege %d %d %d", s.pick(o, "for"), s.pick(o, "grant")%4, s.pick(o, "role")), o.Refs["schema"])
		},
		SQL: func(s *Schema, o *Object) []string {
			sql := "ALTER DEFAULT PRIVILEGES" + []string{"", " FOR ROLE generated_a"}[s.pick(o, "for")]
			if in := s.ref(o, "schema"); in != nil {
				sql += " IN SCHEMA " + quoted(in)
			}
			return []string{sql + " GRANT " + defaultGrants[s.pick(o, "grant")] + " TO " + grantee(s.pick(o, "role"))}
		},
	}
}

var owned = []string{"table", "sequence", "function", "procedure", "aggregate", "enum", "domain", "composite", "range", "schema", "collation",
	"statistics", "text_search_dictionary", "text_search_configuration", "operator", "operator_family", "operator_class", "conversion", "foreign_table"}

func ownerKind() *Kind {
	return &Kind{
		Name: "owner", Weight: 4, Slots: []Slot{{Name: "subject", Kinds: owned, Chance: 100, Fixed: true}},
		Picks: []Pick{{Name: "role", Size: 2, Chance: 50}},
		Keys:  func(_ *Schema, o *Object) []string { return key("owner", o.Refs["subject"]) },
		Fits: func(s *Schema, o *Object) bool {
			subject := s.ref(o, "subject")
			for _, x := range s.Objects {
				switch x.Kind {
				case "ownership": // sequence and table have one owner
					if c := s.ref(x, "column"); x.Refs["sequence"] == subject.ID || c != nil && s.whole(c) == subject {
						return false
					}
				case "index": // its functions run as the owner
					if s.ref(x, "table") == subject && s.ref(x, "function") != nil {
						return false
					}
				}
			}
			return s.pick(subject, "definer") == 0
		},
		SQL: func(s *Schema, o *Object) []string {
			subject := s.ref(o, "subject")
			k := kindOf(subject)
			return []string{"ALTER " + k.Words + " " + k.Address(s, subject) + " OWNER TO " + grantee(1+s.pick(o, "role"))}
		},
	}
}
