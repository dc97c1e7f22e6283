package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// trigger is a trigger of a table or view, manual chapter 39.
type trigger struct {
	Constraint bool   // CREATE CONSTRAINT TRIGGER
	Definition string `print:"true"` // from the time on: "BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.f()"
	Enabled    string // O, D, R or A as pg_trigger.tgenabled
}

// Trigger defines triggers. The clones that partitions get are their parent's.
func (kinds) Trigger(set *kind.Set) {
	kind.Define(set, ofRelation(kind.Spec[trigger]{
		Name: "trigger", SQL: "TRIGGER", Rank: 170, Rename: kind.RenameTo, Hazards: triggerHazards,
		Doc:   "Triggers and constraint triggers with transition tables, conditions, column lists and enabled state.",
		Found: "pg_trigger WHERE NOT tgisinternal",
		Query: func(int) string {
			return `SELECT 'pg_trigger'::regclass::oid AS classid, t.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, c.relname AS name, t.tgname AS part, 'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	t.tgconstraint <> 0 AS constraint, t.tgenabled AS enabled,
	substr(pg_get_triggerdef(t.oid), 1 + length(format('CREATE %sTRIGGER %I ',
		CASE WHEN t.tgconstraint <> 0 THEN 'CONSTRAINT ' ELSE '' END, t.tgname))) AS definition
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND c.relpersistence <> 't' AND ` + userSchemas
		},
		Ref: onTable,
		Create: func(_ *kind.Ctx, id schema.ID, t trigger) []kind.Action {
			actions := triggerAction(id, kind.Words("CREATE", onOff(t.Constraint, "CONSTRAINT", ""), "TRIGGER", pg.QuoteIdent(id.Part), t.Definition))
			if t.Enabled != "O" {
				actions = append(actions, enableTrigger(id, t)...)
			}
			return actions
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ trigger) []kind.Action {
			return alterOnly(id, "DROP TRIGGER "+onTable(id))
		},
		Alter: kind.Alter[trigger]{
			"constraint": nil,
			"definition": func(_ *kind.Ctx, id schema.ID, _, t trigger) []kind.Action {
				if t.Constraint {
					return nil
				}
				return triggerAction(id, "CREATE OR REPLACE TRIGGER "+pg.QuoteIdent(id.Part)+" "+t.Definition)
			},
			"enabled": func(_ *kind.Ctx, id schema.ID, _, t trigger) []kind.Action { return enableTrigger(id, t) },
		},
		Detach: true,
	}))
}

func triggerAction(id schema.ID, sql string) []kind.Action {
	return []kind.Action{{SQL: sql, Relation: tableOf(id), Lock: kind.ShareRowExclusive}}
}

func alterOnly(id schema.ID, sql string) []kind.Action {
	return []kind.Action{{SQL: sql, Relation: tableOf(id), Lock: kind.AccessExclusive}}
}

// enabledWords are the states of triggers, rules and event triggers, as ALTER
// says them.
var enabledWords = map[string]string{"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}

func enableTrigger(id schema.ID, t trigger) []kind.Action {
	return triggerAction(id, "ALTER TABLE "+qualified(id)+" "+enabledWords[t.Enabled]+" TRIGGER "+pg.QuoteIdent(id.Part))
}
