package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// view is a view, manual chapter 41.2.
type view struct {
	Definition string   `print:"true"` // as pg_get_viewdef prints it, without the semicolon
	Columns    []string // name and type of each, in order
	Options    []string
}

// View defines views.
func (kinds) View(set *kind.Set) {
	kind.Define(set, kind.Spec[view]{
		Name: "view", SQL: "VIEW", Grant: "TABLE", Rank: 100, Rename: kind.RenameTo, Hazards: viewHazards,
		Doc:   "Views with their options. A view whose columns stay, or that only gains some at the end, is changed in place.",
		Found: ofUsers("pg_class") + " AND relkind = 'v'",
		Query: func(int) string {
			return `SELECT ` + relationColumns + `, rtrim(pg_get_viewdef(c.oid), ';') AS definition, ` + viewColumns + ` AS columns,
	` + sortedOptions("c.reloptions") + ` AS options
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND c.relpersistence <> 't' AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, v view) []kind.Action {
			return kind.Do("CREATE VIEW " + qualified(id) + withOptions(v.Options) + " AS\n" + v.Definition)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ view) []kind.Action { return kind.Do("DROP VIEW " + qualified(id)) },
		Alter: kind.Alter[view]{
			"definition": replaceView,
			"columns":    replaceView,
			"options": func(_ *kind.Ctx, id schema.ID, old, v view) []kind.Action {
				return alterOptions("ALTER VIEW "+qualified(id), old.Options, v.Options)
			},
		},
		Names: func(id schema.ID, _ view) []string { return relationNames(id) },
	})
}

// replaceView is possible when the old columns stay where they are: names and
// types cannot change (manual, CREATE VIEW). The options are given again,
// because OR REPLACE resets them.
func replaceView(_ *kind.Ctx, id schema.ID, old, v view) []kind.Action {
	if len(v.Columns) < len(old.Columns) || !slices.Equal(old.Columns, v.Columns[:len(old.Columns)]) {
		return nil
	}
	return kind.Do("CREATE OR REPLACE VIEW " + qualified(id) + withOptions(v.Options) + " AS\n" + v.Definition)
}

// relationColumns are the address, identity, owner and privileges of the
// relation c in the namespace n.
const relationColumns = `'pg_class'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid, n.nspname AS schema, c.relname AS name,
	pg_get_userbyid(c.relowner) AS owner, array_to_json(c.relacl::text[]) AS acl,
	array_to_json(acldefault('r', c.relowner)::text[]) AS acldefault`

// viewColumns lists the columns of the relation c with their types.
const viewColumns = `(SELECT json_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) ||
	CASE WHEN a.attcollation <> 0 THEN ' ' || a.attcollation::regcollation ELSE '' END ORDER BY a.attnum)
	FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`

func withOptions(options []string) string {
	if len(options) == 0 {
		return ""
	}
	return " WITH (" + optionList(options) + ")"
}
