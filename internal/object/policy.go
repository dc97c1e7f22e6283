package object

import (
	"fmt"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// policy is a row security policy, manual chapter 5.9.
type policy struct {
	Permissive bool
	Command    string // ALL, SELECT, INSERT, UPDATE or DELETE
	Roles      []string
	Using      string `print:"true"` // printed expression, "" for none
	Check      string `print:"true"`
}

// Policy defines row security policies.
func (kinds) Policy(set *kind.Set) {
	kind.Define(set, kind.Spec[policy]{
		Name: "policy", SQL: "POLICY", Rank: 180, Rename: kind.RenameTo, Hazards: policyHazards,
		Doc:   "Row security policies with command, roles, USING and WITH CHECK.",
		Found: "pg_policy",
		Query: func(int) string {
			return `SELECT 'pg_policy'::regclass::oid AS classid, p.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, c.relname AS name, p.polname AS part,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	p.polpermissive AS permissive,
	CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END AS command,
	(SELECT jsonb_agg(CASE WHEN r.oid IS NULL THEN 'PUBLIC' ELSE quote_ident(r.rolname) END ORDER BY r.rolname)
		FROM unnest(p.polroles) AS m(id) LEFT JOIN pg_roles r ON r.oid = m.id) AS roles,
	pg_get_expr(p.polqual, p.polrelid) AS using,
	pg_get_expr(p.polwithcheck, p.polrelid) AS check
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ` + userSchemas
		},
		Ref: onTable,
		Create: func(_ *kind.Ctx, id schema.ID, p policy) []kind.Action {
			mode := ""
			if !p.Permissive {
				mode = "AS RESTRICTIVE"
			}
			return policyAction(id, kind.Words("CREATE POLICY", onTable(id), mode, "FOR", p.Command, "TO", list(p.Roles),
				clause("USING", p.Using), clause("WITH CHECK", p.Check)))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ policy) []kind.Action {
			return policyAction(id, "DROP POLICY "+onTable(id))
		},
		Alter: kind.Alter[policy]{
			"permissive": nil,
			"command":    nil,
			"roles": func(_ *kind.Ctx, id schema.ID, _, p policy) []kind.Action {
				return policyAction(id, "ALTER POLICY "+onTable(id)+" TO "+list(p.Roles))
			},
			"using": policyExpression("USING", func(p policy) string { return p.Using }),
			"check": policyExpression("WITH CHECK", func(p policy) string { return p.Check }),
		},
		Detach: true,
	})
}

// policyExpression alters one expression; ALTER POLICY cannot remove one.
func policyExpression(word string, get func(policy) string) func(*kind.Ctx, schema.ID, policy, policy) []kind.Action {
	return func(_ *kind.Ctx, id schema.ID, _, p policy) []kind.Action {
		if get(p) == "" {
			return nil
		}
		return policyAction(id, kind.Words("ALTER POLICY", onTable(id), clause(word, get(p))))
	}
}

func policyAction(id schema.ID, sql string) []kind.Action {
	return []kind.Action{{SQL: sql, Relation: tableOf(id), Lock: kind.AccessExclusive}}
}

// onTable addresses a part of a table in the way of policies and triggers.
func onTable(id schema.ID) string {
	return fmt.Sprintf("%s ON %s", pg.QuoteIdent(id.Part), pg.QuoteName(id.Schema, id.Name))
}

// tableOf returns the identity of the table that a part belongs to.
func tableOf(id schema.ID) schema.ID {
	return schema.ID{Kind: "table", Schema: id.Schema, Name: id.Name}
}

// clause returns the word with the expression in parentheses, or "" without
// one. Printed expressions of policies and checks come without parentheses of
// their own on some versions; doubled ones do no harm.
func clause(word, expression string) string {
	if expression == "" {
		return ""
	}
	return word + " (" + expression + ")"
}
