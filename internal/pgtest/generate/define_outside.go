package generate

import (
	"fmt"
	"strings"
)

// Kinds of the whole database, and what reaches out of it.

func address(_ *Schema, o *Object) string { return quoted(o) }

func wrapperKind() *Kind {
	return &Kind{
		Name: "foreign_data_wrapper", Weight: 1, Words: "FOREIGN DATA WRAPPER", Grants: []string{"USAGE"}, Address: address,
		Picks: []Pick{{Name: "options", Size: 3, Chance: 40}},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE FOREIGN DATA WRAPPER " + quoted(o) + options(s, o)}
		},
	}
}

// options are those of foreign data wrappers and what belongs to them.
func options(s *Schema, o *Object) string {
	return []string{"", " OPTIONS (a 'it''s', \"B c\" '2')", " OPTIONS (\"B c\" '3', z '')"}[s.pick(o, "options")]
}

func serverKind() *Kind {
	return &Kind{
		Name: "foreign_server", Weight: 2, Words: "SERVER", Grants: []string{"USAGE"}, Address: address,
		Slots: []Slot{{Name: "wrapper", Kinds: []string{"foreign_data_wrapper"}, Chance: 100}},
		Picks: []Pick{{Name: "type", Size: 2, Chance: 20}, {Name: "version", Size: 3, Chance: 30}, {Name: "options", Size: 3, Chance: 40}},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE SERVER " + quoted(o) + []string{"", " TYPE 'some'"}[s.pick(o, "type")] +
				[]string{"", " VERSION '1'", " VERSION 'two'"}[s.pick(o, "version")] + " FOREIGN DATA WRAPPER " + quoted(s.ref(o, "wrapper")) + options(s, o)}
		},
	}
}

func mappingKind() *Kind {
	return &Kind{
		Name: "user_mapping", Weight: 1,
		Slots: []Slot{{Name: "server", Kinds: []string{"foreign_server"}, Chance: 100, Fixed: true}},
		Picks: []Pick{{Name: "role", Size: 3, Chance: 80}, {Name: "options", Size: 3, Chance: 40}},
		Keys: func(s *Schema, o *Object) []string {
			return key(fmt.Sprintf("mapping %d", s.pick(o, "role")), o.Refs["server"])
		},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE USER MAPPING FOR " + grantee(s.pick(o, "role")) + " SERVER " + quoted(s.ref(o, "server")) + options(s, o)}
		},
	}
}

// foreignColumnLists are the columns of foreign tables.
var foreignColumnLists = []string{"a integer, b text", "a integer NOT NULL, b text", "b text OPTIONS (name 'B') DEFAULT 'x', a bigint", "a integer DEFAULT 1, b text OPTIONS (x 'y', name 'C') COLLATE \"C\""}

func foreignTableKind() *Kind {
	return &Kind{
		Name: "foreign_table", Weight: 3, Words: "FOREIGN TABLE", Grants: []string{"SELECT", "INSERT"}, Address: (*Schema).name,
		Slots:   []Slot{inSchema(), {Name: "server", Kinds: []string{"foreign_server"}, Chance: 100}, ofType(40)},
		Picks:   []Pick{{Name: "columns", Size: len(foreignColumnLists), Chance: 70}, {Name: "check", Size: 3, Chance: 40}, {Name: "options", Size: 3, Chance: 40}},
		Becomes: func(a, b *Schema, o *Object) bool { return a.typeOf(a.get(o.ID)).sql == b.typeOf(b.get(o.ID)).sql },
		SQL: func(s *Schema, o *Object) []string {
			columns := foreignColumnLists[s.pick(o, "columns")]
			if s.ref(o, "type") != nil {
				columns += ", c " + s.typeOf(o).sql
			}
			columns += []string{"", ", CONSTRAINT positive CHECK (a > 0)", ", CONSTRAINT positive CHECK (a > 0) NO INHERIT"}[s.pick(o, "check")]
			return []string{"CREATE FOREIGN TABLE " + s.name(o) + " (" + columns + ") SERVER " + quoted(s.ref(o, "server")) + options(s, o)}
		},
	}
}

func publicationKind() *Kind {
	return &Kind{
		Name: "publication", Makes: []string{"publication", "publication_table", "publication_schema"}, Weight: 3, Words: "PUBLICATION", Address: address,
		Slots: []Slot{{Name: "table", Kinds: []string{"table"}, Chance: 80, Keep: true}, {Name: "second", Kinds: []string{"table"}, Chance: 30, Keep: true},
			{Name: "schema", Kinds: []string{"schema"}, Chance: 25, Keep: true}},
		Picks: []Pick{{Name: "all", Size: 2, Chance: 15}, {Name: "columns", Size: 3, Chance: 30, Since: 15}, {Name: "where", Size: 3, Chance: 30, Since: 15},
			{Name: "publish", Size: 3, Chance: 30}, {Name: "root", Size: 2, Chance: 20}},
		SQL: func(s *Schema, o *Object) []string {
			sql := "CREATE PUBLICATION " + quoted(o)
			if list := s.published(o); s.pick(o, "all") > 0 {
				sql += " FOR ALL TABLES"
			} else if len(list) > 0 {
				sql += " FOR " + strings.Join(list, ", ")
			}
			var with []string
			if n := s.pick(o, "publish"); n > 0 {
				with = append(with, []string{"", "publish = 'insert'", "publish = 'update, delete'"}[n])
			}
			if s.pick(o, "root") > 0 {
				with = append(with, "publish_via_partition_root = true")
			}
			if len(with) > 0 {
				sql += " WITH (" + strings.Join(with, ", ") + ")"
			}
			return []string{sql}
		},
	}
}

// published lists what a publication is for.
func (s *Schema) published(o *Object) []string {
	var list []string
	first, second, in := s.ref(o, "table"), s.ref(o, "second"), s.ref(o, "schema")
	if s.Major < 15 {
		in = nil
	}
	if first != nil && !s.unlogged(first) {
		text := "TABLE " + s.name(first)
		plain := s.publishable(first)
		if n := s.pick(o, "columns"); n > 0 && n <= len(plain) && in == nil {
			text += " " + columnList(plain[:n])
		}
		if n := s.pick(o, "where"); n > 0 && len(plain) > 0 {
			text += " WHERE (" + at(s.columnType(plain[0]).truths(quoted(plain[0])), n) + ")"
		}
		list = append(list, text)
	}
	if second != nil && second != first && !s.unlogged(second) {
		text := s.name(second)
		if len(list) == 0 {
			text = "TABLE " + text
		}
		list = append(list, text)
	}
	if in != nil {
		list = append(list, "TABLES IN SCHEMA "+quoted(in))
	}
	return list
}

// publishable are the columns that a publication can name.
func (s *Schema) publishable(t *Object) []*Object {
	var list []*Object
	for _, c := range s.columns(t) {
		if !s.partitioned(t) && !s.generated(c) && s.ref(c, "type") == nil && s.ref(c, "collation") == nil && s.pick(c, "array") == 0 {
			list = append(list, c)
		}
	}
	return list
}

func languageKind() *Kind {
	return &Kind{
		Name: "language", Weight: 1, Words: "LANGUAGE", Grants: []string{"USAGE"}, Address: address,
		Picks: []Pick{{Name: "trusted", Size: 2, Chance: 80, Fixed: true}, {Name: "inline", Size: 2, Chance: 50}, {Name: "validator", Size: 2, Chance: 50}},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE " + []string{"TRUSTED ", ""}[s.pick(o, "trusted")] + "LANGUAGE " + quoted(o) + " HANDLER plpgsql_call_handler" +
				[]string{"", " INLINE plpgsql_inline_handler"}[s.pick(o, "inline")] + []string{"", " VALIDATOR plpgsql_validator"}[s.pick(o, "validator")]}
		},
	}
}

func accessMethodKind() *Kind {
	return &Kind{
		Name: "access_method", Weight: 1, Words: "ACCESS METHOD", Address: address,
		Picks: []Pick{{Name: "index", Size: 2, Chance: 50, Fixed: true}},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE ACCESS METHOD " + quoted(o) + []string{" TYPE TABLE HANDLER heap_tableam_handler", " TYPE INDEX HANDLER bthandler"}[s.pick(o, "index")]}
		},
	}
}

func eventFunctionKind() *Kind {
	return &Kind{
		Name: "event_function", Weight: 1, Makes: []string{"function"}, Words: "FUNCTION", Slots: []Slot{inSchema()},
		Address: func(s *Schema, o *Object) string { return s.name(o) + "()" },
		Picks:   []Pick{{Name: "body", Size: 3, Chance: 50}},
		SQL: func(s *Schema, o *Object) []string {
			return []string{fmt.Sprintf("CREATE FUNCTION %s() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN /* %d */ END'", s.name(o), s.pick(o, "body"))}
		},
	}
}

func eventTriggerKind() *Kind {
	return &Kind{
		Name: "event_trigger", Weight: 2, Words: "EVENT TRIGGER", Address: address,
		Slots: []Slot{{Name: "function", Kinds: []string{"event_function"}, Chance: 100}},
		Picks: []Pick{{Name: "event", Size: 4, Chance: 70}, {Name: "tags", Size: 3, Chance: 40}, {Name: "enabled", Size: 4, Chance: 30}},
		SQL: func(s *Schema, o *Object) []string {
			event := []string{"ddl_command_end", "ddl_command_start", "sql_drop", "table_rewrite"}[s.pick(o, "event")]
			tags := []string{"", " WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE')", " WHEN TAG IN ('DROP VIEW')"}[s.pick(o, "tags")]
			if event == "table_rewrite" {
				tags = ""
			}
			list := []string{"CREATE EVENT TRIGGER " + quoted(o) + " ON " + event + tags + " EXECUTE FUNCTION " + s.name(s.ref(o, "function")) + "()"}
			if n := s.pick(o, "enabled"); n > 0 {
				list = append(list, "ALTER EVENT TRIGGER "+quoted(o)+[]string{"", " DISABLE", " ENABLE REPLICA", " ENABLE ALWAYS"}[n])
			}
			return list
		},
	}
}
