package generate

import (
	"fmt"
	"slices"

	"github.com/cairn-db/cairn/internal/pg"
)

// typ is the type of a column or a value, with the family that says which
// values and expressions fit.
type typ struct {
	sql    string
	family string
	labels []string // of an enum
	strict bool     // a domain that is NOT NULL
	base   string   // the enum of a domain
}

// builtin are PostgreSQL's own types. Those of one family are cast to another
// in both directions.
var builtin = []typ{
	{sql: "integer", family: "number"}, {sql: "text", family: "text"}, {sql: "bigint", family: "number"},
	{sql: "date", family: "time"}, {sql: "character varying(40)", family: "text"}, {sql: "numeric(10,2)", family: "number"},
	{sql: "boolean", family: "truth"}, {sql: "timestamp with time zone", family: "time"}, {sql: "uuid", family: "uuid"},
	{sql: "jsonb", family: "json"}, {sql: "smallint", family: "number"}, {sql: "timestamp(3) without time zone", family: "time"},
	{sql: "bytea", family: "bytes"}, {sql: "character(12)", family: "text"}, {sql: "double precision", family: "number"},
	{sql: "inet", family: "address"}, {sql: "int4range", family: "span"}, {sql: "interval", family: "duration"},
}

// castable reports whether PostgreSQL casts one to the other and back.
func castable(a, b typ) bool {
	if a.family == b.family {
		return !slices.Contains([]string{"row", "userspan", "array", "base"}, a.family) || a.sql == b.sql
	}
	plain := func(t typ) bool {
		return !slices.Contains([]string{"row", "userspan", "array", "bytes", "json", "base"}, t.family)
	}
	return (a.family == "text" || b.family == "text") && plain(a) && plain(b) && a.sql != "character(12)" && b.sql != "character(12)"
}

// distinct reports whether the values of three rows differ and can be indexed
// by a btree.
func (t typ) distinct() bool {
	return slices.Contains([]string{"number", "text", "time", "uuid", "address", "duration"}, t.family)
}

// literal is the value of row r, "" for NULL. A number that becomes a text and
// back has the same spelling as the number.
func (t typ) literal(r int) string {
	switch t.family {
	case "number":
		return fmt.Sprintf("'%d'", r)
	case "text":
		return fmt.Sprintf("'v%d'", r)
	case "time":
		return fmt.Sprintf("'2020-01-0%d'", r)
	case "truth":
		return "'true'"
	case "uuid":
		return fmt.Sprintf("'00000000-0000-0000-0000-00000000000%d'", r)
	case "json":
		return fmt.Sprintf(`'{"a": %d}'`, r)
	case "bytes":
		return fmt.Sprintf(`'\x0%d'`, r)
	case "address":
		return fmt.Sprintf("'10.0.0.%d'", r)
	case "span":
		return fmt.Sprintf("'[%d,%d)'", r*10, r*10+5)
	case "duration":
		return fmt.Sprintf("'%d days'", r)
	case "enum":
		return pg.QuoteLiteral(t.labels[r%len(t.labels)])
	}
	return ""
}

// defaults are expressions for a default of the type.
func (t typ) defaults() []string {
	switch t.family {
	case "number":
		return []string{"1", "2", "1 + 1", "3"}
	case "text":
		return []string{"'v1'", "'v2'", "'it''s'", "lower('V3')"}
	case "time":
		return []string{"'2020-01-01'", "now()", "'2020-01-02'"}
	case "truth":
		return []string{"true", "false"}
	case "uuid":
		return []string{"gen_random_uuid()", "'00000000-0000-0000-0000-000000000001'"}
	case "json":
		return []string{"'{}'", "jsonb_build_object('a', 1)"}
	case "bytes":
		return []string{`'\x00'`}
	case "address":
		return []string{"'10.0.0.1'"}
	case "span":
		return []string{"'[10,15)'", "int4range(1, 2)"}
	case "duration":
		return []string{"'1 day'"}
	case "enum":
		var list []string
		for _, l := range t.labels {
			list = append(list, pg.QuoteLiteral(l))
		}
		return list
	case "array":
		return []string{"'{}'"}
	}
	return []string{"NULL"}
}

// truths are conditions over a value that hold for the values of all rows and
// for NULL.
func (t typ) truths(x string) []string {
	switch t.family {
	case "number":
		return []string{x + " > 0", x + " <= 1000", x + " <> 7", x + " IN (1, 2, 3, 4)"}
	case "text":
		return []string{x + " <> ''", "length(" + x + ") < 60", x + " !~ '^z'", "lower(" + x + ") <> ALL (ARRAY['a', 'b'])"}
	case "time":
		return []string{x + " > '2000-01-01'", x + " IS NULL OR " + x + " <> '1999-01-01'"}
	case "truth":
		return []string{x + " IS NOT FALSE OR NOT " + x, "NOT " + x + " IS NULL OR " + x + " IS NULL"}
	case "json":
		return []string{"jsonb_typeof(" + x + ") <> 'array'"}
	case "span":
		return []string{"NOT isempty(" + x + ")"}
	case "enum":
		if t.base != "" {
			x = "CAST(" + x + " AS " + t.base + ")"
		}
		list := []string{x + " IS NULL OR " + x + " = " + x}
		for _, l := range t.labels {
			list = append(list, x+" >= "+pg.QuoteLiteral(l)+" OR "+x+" < "+pg.QuoteLiteral(l))
		}
		return list
	}
	return []string{x + " IS NOT NULL OR " + x + " IS NULL"}
}

// derived are immutable expressions over a value, with their types.
func (t typ) derived(x string) []column {
	of := func(family, sql, expression string) column {
		return column{name: expression, typ: typ{sql: sql, family: family}}
	}
	switch t.family {
	case "number":
		return []column{of("number", "numeric", "("+x+" * 2)"), of("number", "bigint", "abs("+x+")")}
	case "text":
		return []column{of("text", "text", "lower("+x+")"), of("text", "text", "("+x+" || '!')"), of("number", "integer", "length("+x+")")}
	case "json":
		return []column{of("text", "text", "("+x+" ->> 'a')")}
	}
	return []column{of("truth", "boolean", "("+x+" IS NULL)")}
}

// column is what a query can name: a column, or an expression, with its type.
type column struct {
	name               string
	typ                typ
	virtual, generated bool
}

// typeOf is the type of the object in slot "type", or one of PostgreSQL's.
func (s *Schema) typeOf(o *Object) typ {
	t := builtin[s.pick(o, "type")]
	if of := s.ref(o, "type"); of != nil {
		t = s.typeBy(of)
	}
	if s.pick(o, "array") > 0 {
		return typ{sql: t.sql + "[]", family: "array"}
	}
	return t
}

// typeBy is the type that an object defines.
func (s *Schema) typeBy(o *Object) typ {
	switch o.Kind {
	case "enum":
		return typ{sql: s.name(o), family: "enum", labels: labels(s, o)}
	case "domain":
		t := s.typeOf(o)
		d := typ{sql: s.name(o), family: t.family, labels: t.labels, strict: s.pick(o, "notnull") > 0 || t.strict, base: t.base}
		if d.family == "enum" && d.base == "" {
			d.base = t.sql
		}
		return d
	case "range":
		return typ{sql: s.name(o), family: "userspan"}
	case "base_type":
		return typ{sql: s.name(o), family: "base"}
	}
	return typ{sql: s.name(o), family: "row"}
}

// at returns one of a list by a number.
func at[T any](list []T, n int) T { return list[n%len(list)] }
