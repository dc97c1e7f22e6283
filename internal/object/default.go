package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// columnDefault is the default of a column of a table or view. It is no part of
// the column's definition, because PostgreSQL lets it depend on what in turn
// depends on the column's table, such as a sequence.
type columnDefault struct {
	Expression string `print:"true"`
}

// Default defines the defaults of columns.
func (kinds) Default(set *kind.Set) {
	kind.Define(set, ofRelation(kind.Spec[columnDefault]{
		Name: "default", Rank: 60, Hazards: defaultHazards,
		Doc:   "Defaults of the columns of tables, foreign tables and views.",
		Found: "pg_attrdef",
		// A default refers to no column, so that the table need not be opened to print it.
		Query: func(int) string {
			return `SELECT 'pg_attrdef'::regclass::oid AS classid, d.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, c.relname AS name, a.attname AS part, a.attnum AS ord,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, a.attnum AS psub,
	pg_get_expr(d.adbin, 0) AS expression
FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE a.attgenerated = '' AND c.relpersistence <> 't' AND ` + userSchemas
		},
		Ref: columnRef,
		Create: func(_ *kind.Ctx, id schema.ID, d columnDefault) []kind.Action {
			actions := setDefault(id, "SET DEFAULT "+d.Expression)
			actions[0].Into = &schema.ID{Kind: "column", Schema: id.Schema, Name: id.Name, Part: id.Part}
			actions[0].Suffix = " DEFAULT " + d.Expression
			return actions
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ columnDefault) []kind.Action {
			return setDefault(id, "DROP DEFAULT")
		},
		Alter: kind.Alter[columnDefault]{
			"expression": func(_ *kind.Ctx, id schema.ID, _, d columnDefault) []kind.Action {
				return setDefault(id, "SET DEFAULT "+d.Expression)
			},
		},
		Detach: true,
	}))
}

// setDefault changes one table only: the children of a parent have defaults of
// their own.
func setDefault(id schema.ID, change string) []kind.Action {
	return []kind.Action{{
		SQL:      "ALTER TABLE ONLY " + qualified(id) + " ALTER COLUMN " + pg.QuoteIdent(id.Part) + " " + change,
		Relation: tableOf(id), Lock: kind.AccessExclusive,
	}}
}
