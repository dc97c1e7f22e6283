package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// domainConstraint is a CHECK of a domain, and from 17 on, where it has a name
// of its own, also a NOT NULL.
type domainConstraint struct {
	Definition string `print:"true"` // CHECK (expression) or NOT NULL
	Valid      bool   // known to hold for the values that were there before it
}

// DomainConstraint defines the constraints of domains. They are no part of the
// domain's definition because they can call functions that take the domain.
func (kinds) DomainConstraint(set *kind.Set) {
	kind.Define(set, kind.Spec[domainConstraint]{
		Name: "domain_constraint", SQL: "CONSTRAINT", Rank: 31, Hazards: domainConstraintHazards,
		Rename: func(_ *kind.Kind, at schema.ID, name string) string {
			return "ALTER DOMAIN " + qualified(at) + " RENAME CONSTRAINT " + pg.QuoteIdent(at.Part) + " TO " + pg.QuoteIdent(name)
		},
		Doc: "CHECK constraints of domains, also NOT VALID ones, and on 17 and later their NOT NULL constraints.",
		Query: func(int) string {
			return `SELECT 'pg_constraint'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, t.typname AS name, c.conname AS part,
	'pg_type'::regclass::oid AS pclass, t.oid AS pobj, 0 AS psub, c.convalidated AS valid,
	CASE WHEN c.convalidated THEN d.def ELSE left(d.def, -length(' NOT VALID')) END AS definition
FROM pg_constraint c JOIN pg_type t ON t.oid = c.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
	CROSS JOIN LATERAL pg_get_constraintdef(c.oid) AS d(def)
WHERE c.contypid <> 0 AND ` + userSchemas
		},
		Ref: func(id schema.ID) string { return pg.QuoteIdent(id.Part) + " ON DOMAIN " + qualified(id) },
		Create: func(_ *kind.Ctx, id schema.ID, d domainConstraint) []kind.Action {
			text := "CONSTRAINT " + pg.QuoteIdent(id.Part) + " " + d.Definition
			add := kind.Action{SQL: "ALTER DOMAIN " + qualified(id) + " ADD " + text + onOff(d.Valid, "", " NOT VALID")}
			if d.Valid { // CREATE DOMAIN knows no NOT VALID
				add.Into = schema.ID{Kind: "domain", Schema: id.Schema, Name: id.Name}
				add.Fragments = []kind.Fragment{{ID: id, Text: "\n    " + text}}
			}
			return []kind.Action{add}
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ domainConstraint) []kind.Action {
			return alterDomainConstraint(id, "DROP")
		},
		Alter: kind.Alter[domainConstraint]{
			"definition": nil,
			"valid": func(_ *kind.Ctx, id schema.ID, _, d domainConstraint) []kind.Action {
				if !d.Valid {
					return nil
				}
				return alterDomainConstraint(id, "VALIDATE")
			},
		},
		Detach: true,
	})
}

func alterDomainConstraint(id schema.ID, verb string) []kind.Action {
	return kind.Do("ALTER DOMAIN " + qualified(id) + " " + verb + " CONSTRAINT " + pg.QuoteIdent(id.Part))
}
