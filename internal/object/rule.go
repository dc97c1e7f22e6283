package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// rule is a rewrite rule of a table or view, manual chapter 41.
type rule struct {
	Definition string `print:"true"` // from the event on: "ON INSERT TO public.t DO INSTEAD NOTHING"
	Enabled    string // O, D, R or A as pg_rewrite.ev_enabled
}

// Rule defines rewrite rules. The rule _RETURN is what makes a view a view, and
// is part of it.
func (kinds) Rule(set *kind.Set) {
	kind.Define(set, kind.Spec[rule]{
		Name: "rule", SQL: "RULE", Rank: 165, Rename: kind.RenameTo, Hazards: onPartDrop[rule]("drop-rule", ""),
		Doc:   "Rewrite rules of tables and views, and whether those of tables are enabled.",
		Found: ofUsers("pg_rewrite") + " AND rulename <> '_RETURN'",
		Query: func(int) string {
			return `SELECT 'pg_rewrite'::regclass::oid AS classid, r.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, c.relname AS name, r.rulename AS part, 'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	btrim(substr(pg_get_ruledef(r.oid), 1 + length(format('CREATE RULE %I AS', r.rulename))), E'\n ;') AS definition,
	r.ev_enabled AS enabled
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND c.relpersistence <> 't' AND ` + userSchemas
		},
		Ref: onTable,
		Create: func(c *kind.Ctx, id schema.ID, r rule) []kind.Action {
			actions := ruleAction(c.New, id, "CREATE RULE "+ruleText(id, r))
			if r.Enabled != "O" {
				actions = append(actions, enableRule(c, id, r)...)
			}
			return actions
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ rule) []kind.Action {
			return ruleAction(c.Old, id, "DROP RULE "+onTable(id))
		},
		Alter: kind.Alter[rule]{
			// Even the event can be another one, and the enabled state stays.
			"definition": func(c *kind.Ctx, id schema.ID, _, r rule) []kind.Action {
				return ruleAction(c.New, id, "CREATE OR REPLACE RULE "+ruleText(id, r))
			},
			"enabled": func(c *kind.Ctx, id schema.ID, _, r rule) []kind.Action { return enableRule(c, id, r) },
		},
		Detach: true,
	})
}

func ruleText(id schema.ID, r rule) string {
	return pg.QuoteIdent(id.Part) + " AS\n    " + r.Definition
}

// enableRule changes when a rule of a table fires; those of views always do
// (manual, ALTER TABLE).
func enableRule(c *kind.Ctx, id schema.ID, r rule) []kind.Action {
	return ruleAction(c.New, id, "ALTER TABLE "+qualified(id)+" "+enabledWords[r.Enabled]+" RULE "+pg.QuoteIdent(id.Part))
}

func ruleAction(s *schema.State, id schema.ID, sql string) []kind.Action {
	return []kind.Action{{SQL: sql, Relation: parentOf(s, id), Lock: kind.AccessExclusive}}
}
