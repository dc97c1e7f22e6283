package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// domain is a domain without its constraints, manual chapter 8.18.
type domain struct {
	Type      string // base type with modifier
	Collation string // printed name, "" for the base type's own
	Default   string `print:"true"` // printed expression; "" for none, or for that of the base type, where it is no expression
	Inherited bool   `info:"true"`  // the domain has the default of its base type
	Notnull   bool   // on servers before 17; later ones have a constraint for it
}

// Domain defines domains.
func (kinds) Domain(set *kind.Set) {
	kind.Define(set, kind.Spec[domain]{
		Name: "domain", SQL: "DOMAIN", Grant: "TYPE", Rank: 30, Rename: kind.RenameTo, Hazards: domainHazards,
		Doc:   "Domains with base type, collation, default and NOT NULL.",
		Found: ofUsers("pg_type") + " AND typtype = 'd'",
		Query: func(server int) string {
			notNull := "t.typnotnull"
			if server >= 17 {
				notNull = "false"
			}
			return `SELECT ` + typeColumns + `,
	format_type(t.typbasetype, t.typtypmod) AS type, ` + notNull + ` AS notnull,
	CASE WHEN t.typcollation <> b.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
	CASE WHEN t.typdefault IS NOT NULL THEN pg_get_expr(t.typdefaultbin, 'pg_type'::regclass) WHEN b.typdefault IS NOT NULL THEN 'NULL' END AS default,
	t.typdefault IS NOT NULL AND t.typdefaultbin IS NULL AS inherited
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype
	LEFT JOIN pg_collation co ON co.oid = t.typcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
WHERE t.typtype = 'd' AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, d domain) []kind.Action {
			create := kind.Words("CREATE DOMAIN", qualified(id), "AS", d.Type)
			if d.Collation != "" {
				create += " COLLATE " + d.Collation
			}
			if d.Default != "" {
				create += " DEFAULT " + d.Default
			}
			return []kind.Action{{Open: create + onOff(d.Notnull, " NOT NULL", "")}}
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ domain) []kind.Action {
			return kind.Do("DROP DOMAIN " + qualified(id))
		},
		Alter: kind.Alter[domain]{
			"type":      nil,
			"collation": nil,
			"default": func(_ *kind.Ctx, id schema.ID, _, d domain) []kind.Action {
				if d.Inherited {
					return nil
				}
				if d.Default == "" {
					return kind.Do("ALTER DOMAIN " + qualified(id) + " DROP DEFAULT")
				}
				return kind.Do("ALTER DOMAIN " + qualified(id) + " SET DEFAULT " + d.Default)
			},
			"notnull": func(_ *kind.Ctx, id schema.ID, _, d domain) []kind.Action {
				return kind.Do("ALTER DOMAIN " + qualified(id) + onOff(d.Notnull, " SET NOT NULL", " DROP NOT NULL"))
			},
		},
		Heir:      true, // pg_depend has the functions of the base type for it too
		Names:     func(id schema.ID, _ domain) []string { return typeNames(id) },
		Aside:     setAside[domain],
		DropAside: dropAside[domain],
	})
}
