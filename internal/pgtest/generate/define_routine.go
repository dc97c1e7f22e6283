package generate

import (
	"fmt"

	"github.com/cairn-db/cairn/internal/pg"
)

func functionKind() *Kind {
	return &Kind{
		Name: "function", Weight: 8, Words: "FUNCTION", Grants: []string{"EXECUTE"}, Address: functionAddress,
		Slots: []Slot{inSchema(), {Name: "argument", Kinds: []string{"enum", "domain", "composite", "range", "table"}, Chance: 35, Keep: true},
			{Name: "reads", Kinds: []string{"table"}, Chance: 25, Keep: true}, {Name: "function", Kinds: []string{"function"}, Chance: 15, Keep: true}},
		Picks: []Pick{{Name: "language", Size: 3, Chance: 65}, {Name: "result", Size: 3, Chance: 40}, {Name: "volatility", Size: 3, Chance: 25},
			{Name: "strict", Size: 2, Chance: 20}, {Name: "parallel", Size: 3, Chance: 20}, {Name: "definer", Size: 2, Chance: 15},
			{Name: "cost", Size: 2, Chance: 15}, {Name: "body", Size: 4, Chance: 60}, {Name: "default", Size: 3, Chance: 25},
			{Name: "config", Size: 3, Chance: 12}, {Name: "parameter", Size: 2, Chance: 12}, {Name: "leakproof", Size: 2, Chance: 8}},
		Fits: func(s *Schema, o *Object) bool {
			a := s.ref(o, "argument")
			return a == nil || !s.typeBy(a).strict
		},
		SQL: functionSQL,
	}
}

// call is an expression that calls a generated function.
func (s *Schema) call(f *Object) string { return s.name(f) + "(1)" }

var results = []string{"integer", "bigint", "text"}

func functionAddress(s *Schema, o *Object) string {
	address := s.name(o) + "(integer"
	if a := s.ref(o, "argument"); a != nil {
		address += ", " + s.typeBy(a).sql
	}
	return address + ")"
}

func functionSQL(s *Schema, o *Object) []string {
	parameter := []string{"a", "\"The number\""}[s.pick(o, "parameter")]
	list, result := parameter+" integer", results[s.pick(o, "result")]
	a := s.ref(o, "argument")
	if n := s.pick(o, "default"); n > 0 || a != nil {
		list += fmt.Sprintf(" DEFAULT %d", n)
	}
	if a != nil {
		list += ", b " + s.typeBy(a).sql + " DEFAULT NULL"
	}
	body := fmt.Sprintf("CAST(%s + %d AS %s)", parameter, s.pick(o, "body"), result)
	language := s.pick(o, "language")
	if t := s.ref(o, "reads"); t != nil && language == 2 {
		body = fmt.Sprintf("CAST(%s + (SELECT count(*) FROM %s) * 0 AS %s)", parameter, s.name(t), result)
		if columns := s.shown(t); len(columns) > 0 && s.pick(o, "body") > 1 {
			body = fmt.Sprintf("CAST(%s + (SELECT count(x.%s) FROM %s AS x) * 0 AS %s)", parameter, columns[0].name, s.name(t), result)
		}
	}
	if f := s.ref(o, "function"); f != nil && language == 2 {
		body = fmt.Sprintf("CAST(%s + CAST(%s AS integer) AS %s)", parameter, s.call(f), result)
	}
	sql := "CREATE FUNCTION " + s.name(o) + "(" + list + ") RETURNS " + result + " LANGUAGE " + []string{"sql", "plpgsql", "sql"}[language] +
		[]string{" IMMUTABLE", " STABLE", " VOLATILE"}[s.pick(o, "volatility")]
	if s.pick(o, "strict") > 0 && a == nil {
		sql += " STRICT"
	}
	sql += []string{"", " PARALLEL SAFE", " PARALLEL RESTRICTED"}[s.pick(o, "parallel")] + []string{"", " SECURITY DEFINER"}[s.pick(o, "definer")] +
		[]string{"", " COST 7"}[s.pick(o, "cost")] + []string{"", " LEAKPROOF"}[s.pick(o, "leakproof")] +
		[]string{"", " SET search_path = public, \"Odd one\"", " SET work_mem = '8MB'"}[s.pick(o, "config")]
	switch language {
	case 0:
		sql += " AS " + pg.QuoteLiteral("SELECT "+body)
	case 1:
		sql += " AS " + pg.QuoteLiteral("BEGIN RETURN "+body+"; END")
	default:
		sql += " RETURN " + body
	}
	return []string{sql}
}

func procedureKind() *Kind {
	return &Kind{
		Name: "procedure", Weight: 2, Words: "PROCEDURE", Grants: []string{"EXECUTE"},
		Address: func(s *Schema, o *Object) string {
			if a := s.ref(o, "argument"); a != nil {
				return s.name(o) + "(" + s.typeBy(a).sql + ")"
			}
			return s.name(o) + "()"
		},
		Slots: []Slot{inSchema(), {Name: "argument", Kinds: []string{"enum", "domain", "composite", "range", "table"}, Chance: 40, Keep: true},
			{Name: "reads", Kinds: relations, Chance: 50, Keep: true}},
		Picks: []Pick{{Name: "language", Size: 3, Chance: 60}, {Name: "definer", Size: 2, Chance: 20}},
		SQL: func(s *Schema, o *Object) []string {
			body, list := "SELECT 1", ""
			if t := s.ref(o, "reads"); t != nil {
				body = "SELECT count(*) FROM " + s.name(t)
			}
			if a := s.ref(o, "argument"); a != nil {
				list = "x " + s.typeBy(a).sql
			}
			sql := "CREATE PROCEDURE " + s.name(o) + "(" + list + ") LANGUAGE " + []string{"sql", "plpgsql", "sql"}[s.pick(o, "language")] +
				[]string{"", " SECURITY DEFINER"}[s.pick(o, "definer")]
			switch s.pick(o, "language") {
			case 0:
				return []string{sql + " AS " + pg.QuoteLiteral(body)}
			case 1:
				return []string{sql + " AS " + pg.QuoteLiteral("BEGIN PERFORM ("+body+"); END")}
			}
			return []string{sql + " BEGIN ATOMIC " + body + "; END"}
		},
	}
}

func aggregateKind() *Kind {
	options := []string{"SFUNC = int4pl, STYPE = integer", "SFUNC = int4pl, STYPE = integer, INITCOND = '0'", "SFUNC = int4larger, STYPE = integer, SORTOP = >",
		"SFUNC = int4pl, STYPE = integer, COMBINEFUNC = int4pl, PARALLEL = SAFE"}
	return &Kind{
		Name: "aggregate", Weight: 2, Words: "AGGREGATE", Grants: []string{"EXECUTE"}, Slots: []Slot{inSchema()},
		Address: func(s *Schema, o *Object) string { return s.name(o) + "(integer)" },
		Picks:   []Pick{{Name: "options", Size: len(options), Chance: 70}},
		SQL: func(s *Schema, o *Object) []string {
			return []string{"CREATE AGGREGATE " + s.name(o) + "(integer) (" + options[s.pick(o, "options")] + ")"}
		},
	}
}

func triggerFunctionKind() *Kind {
	return &Kind{
		Name: "trigger_function", Weight: 3, Makes: []string{"function"}, Words: "FUNCTION",
		Slots:   []Slot{inSchema(), {Name: "language", Kinds: []string{"language"}, Chance: 10, Keep: true}},
		Address: func(s *Schema, o *Object) string { return s.name(o) + "()" },
		Picks:   []Pick{{Name: "body", Size: 3, Chance: 50}},
		SQL: func(s *Schema, o *Object) []string {
			language := "plpgsql"
			if l := s.ref(o, "language"); l != nil {
				language = quoted(l)
			}
			return []string{fmt.Sprintf("CREATE FUNCTION %s() RETURNS trigger LANGUAGE %s AS 'BEGIN /* %d */ RETURN COALESCE(NEW, OLD); END'",
				s.name(o), language, s.pick(o, "body"))}
		},
	}
}

// events of triggers, for each of the timings.
var events = []string{"INSERT", "UPDATE", "INSERT OR UPDATE", "DELETE", "INSERT OR DELETE OR UPDATE"}

func triggerKind() *Kind {
	return &Kind{
		Name: "trigger", Weight: 4, Words: "TRIGGER", Address: onTable,
		Slots: []Slot{{Name: "table", Kinds: []string{"table", "view"}, Chance: 100, Fixed: true}, {Name: "function", Kinds: []string{"trigger_function"}, Chance: 100},
			calls2("condition", 15)},
		Picks: []Pick{{Name: "after", Size: 2, Chance: 50}, {Name: "events", Size: len(events), Chance: 60}, {Name: "statement", Size: 2, Chance: 30},
			{Name: "column", Size: 6, Chance: 40}, {Name: "constraint", Size: 2, Chance: 15}, {Name: "when", Size: 3, Chance: 25},
			{Name: "enabled", Size: 4, Chance: 20}, {Name: "transition", Size: 2, Chance: 15}, {Name: "deferral", Size: 3, Chance: 40}},
		SQL: triggerSQL,
	}
}

func calls2(name string, chance int) Slot {
	slot := calls(chance)
	slot.Name = name
	return slot
}

func triggerSQL(s *Schema, o *Object) []string {
	t := s.ref(o, "table")
	view := t.Kind == "view"
	event, when, each := events[s.pick(o, "events")], "", " FOR EACH ROW"
	word, time := "TRIGGER ", []string{" BEFORE ", " AFTER "}[s.pick(o, "after")]
	columns := s.shown(t)
	if view {
		time = " INSTEAD OF "
	}
	if event == "UPDATE" && len(columns) > 0 && s.pick(o, "column") > 0 && !view {
		c := at(columns, s.pick(o, "column"))
		if !c.virtual {
			event += " OF " + c.name
		}
		if n := s.pick(o, "when"); n > 0 && !c.generated {
			when = " WHEN (" + at(c.typ.truths("NEW."+c.name), n) + ")"
		}
	}
	if f := s.ref(o, "condition"); f != nil && !view {
		when = " WHEN (" + s.call(f) + " IS NOT NULL)"
	}
	tail := ""
	if s.pick(o, "constraint") > 0 && !view {
		word, time, tail = "CONSTRAINT TRIGGER ", " AFTER ", deferrals[s.pick(o, "deferral")]
	} else if s.pick(o, "statement") > 0 && !view {
		each, when = " FOR EACH STATEMENT", ""
		if event == "INSERT" && time == " AFTER " && s.pick(o, "transition") > 0 {
			each = " REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT"
		}
	}
	statements := []string{"CREATE " + word + quoted(o) + time + event + " ON " + s.name(t) + tail + each + when + " EXECUTE FUNCTION " + s.name(s.ref(o, "function")) + "()"}
	if n := s.pick(o, "enabled"); n > 0 && !view {
		statements = append(statements, "ALTER TABLE "+s.name(t)+[]string{"", " DISABLE TRIGGER ", " ENABLE REPLICA TRIGGER ", " ENABLE ALWAYS TRIGGER "}[n]+quoted(o))
	}
	return statements
}
