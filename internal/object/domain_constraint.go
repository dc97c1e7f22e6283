package object

import (
	"slices"

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
		Doc:   "CHECK constraints of domains, also NOT VALID ones, and on 17 and later their NOT NULL constraints.",
		Found: "pg_constraint WHERE contypid >= " + userOID,
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
		Create: func(c *kind.Ctx, id schema.ID, d domainConstraint) []kind.Action {
			text := "CONSTRAINT " + pg.QuoteIdent(id.Part) + " " + d.Definition
			add := kind.Action{SQL: "ALTER DOMAIN " + qualified(id) + " ADD " + text + onOff(d.Valid, "", " NOT VALID")}
			if d.Valid { // CREATE DOMAIN knows no NOT VALID
				add.Into = &schema.ID{Kind: "domain", Schema: id.Schema, Name: id.Name}
				add.Fragments = []kind.Fragment{{ID: id, Text: "\n    " + text}}
				add = readsTables(c, id, add, kind.Share)
				if add.Relation != (schema.ID{}) && d.Definition != "NOT NULL" {
					check := validateDomain(c, id)
					add.Online = &kind.Online{Now: kind.Do("ALTER DOMAIN " + qualified(id) + " ADD " + text + " NOT VALID"), After: []kind.Action{check}}
				}
			}
			return []kind.Action{add}
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ domainConstraint) []kind.Action {
			return alterDomainConstraint(id, "DROP")
		},
		Alter: kind.Alter[domainConstraint]{
			"definition": nil,
			"valid": func(c *kind.Ctx, id schema.ID, _, d domainConstraint) []kind.Action {
				if !d.Valid {
					return nil
				}
				return []kind.Action{validateDomain(c, id)}
			},
		},
		Detach: true,
	})
}

// validateDomain lets others write from 18 on.
func validateDomain(c *kind.Ctx, id schema.ID) kind.Action {
	lock := kind.Share
	if c.Server >= 18 {
		lock = kind.ShareUpdateExclusive
	}
	return readsTables(c, id, alterDomainConstraint(id, "VALIDATE")[0], lock)
}

// readsTables declares that the statement looks at every value of the domain, in
// the tables that have some.
func readsTables(c *kind.Ctx, id schema.ID, action kind.Action, lock kind.Lock) kind.Action {
	domain := schema.ID{Kind: "domain", Schema: id.Schema, Name: id.Name}
	if c.Created(domain) {
		return action
	}
	for _, o := range c.Users(c.Old, domain, "column") {
		table := relationOf(c.Old, o.ID)
		held := kind.Held{Relation: table, Lock: lock}
		switch {
		case table.Kind != "table" || !c.InUse(table) || table == action.Relation || slices.Contains(action.Also, held):
		case action.Relation == (schema.ID{}):
			action.Relation, action.Lock, action.Scan = table, lock, true
		default:
			action.Also = append(action.Also, held)
		}
	}
	return action
}

func alterDomainConstraint(id schema.ID, verb string) []kind.Action {
	return kind.Do("ALTER DOMAIN " + qualified(id) + " " + verb + " CONSTRAINT " + pg.QuoteIdent(id.Part))
}
