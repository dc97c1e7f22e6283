package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// securityLabel is what one provider knows of an object, manual, SECURITY LABEL.
// The provider is the role of its identity.
type securityLabel struct {
	Label string
}

// SecurityLabel defines the security labels of all objects that can have one.
// Those of roles, databases and subscriptions are in a catalog of the server.
func (kinds) SecurityLabel(set *kind.Set) {
	kind.Define(set, kind.Spec[securityLabel]{
		Name: "security_label", Rank: 225, Satellite: kind.FromQuery,
		Doc: "Security labels, by provider. The scratch server does not need the library of the provider when the role is a " +
			"superuser there, as on a local one; the target does.",
		Found: "(SELECT FROM pg_seclabel UNION ALL SELECT FROM pg_shseclabel) AS l",
		Query: func(int) string {
			return `SELECT l.classoid AS classid, l.objoid AS objid, l.objsubid AS objsubid,
	CASE WHEN a.attname IS NOT NULL THEN 'column' END AS of,
	n.nspname AS schema, c.relname AS name, a.attname AS part, l.provider AS role, l.label AS label
FROM pg_seclabel l
	LEFT JOIN pg_attribute a ON l.classoid = 'pg_class'::regclass AND l.objsubid <> 0 AND a.attrelid = l.objoid AND a.attnum = l.objsubid
	LEFT JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.objoid >= ` + userOID + ` OR l.classoid = 'pg_namespace'::regclass
	AND l.objoid = (SELECT p.oid FROM pg_namespace p WHERE p.nspname = 'public')
UNION ALL SELECT l.classoid, l.objoid, 0, NULL, NULL, NULL, NULL, l.provider, l.label
FROM pg_shseclabel l`
		},
		Ref: func(id schema.ID) string { return set.Ref(id.Subject()) },
		Create: func(c *kind.Ctx, id schema.ID, l securityLabel) []kind.Action {
			return labelOn(c, id, pg.QuoteLiteral(l.Label))
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ securityLabel) []kind.Action { return labelOn(c, id, "NULL") },
		Alter: kind.Alter[securityLabel]{
			"label": func(c *kind.Ctx, id schema.ID, _, l securityLabel) []kind.Action {
				return labelOn(c, id, pg.QuoteLiteral(l.Label))
			},
		},
	})
}

func labelOn(c *kind.Ctx, id schema.ID, label string) []kind.Action {
	subject := id.Subject()
	k := c.Kinds.Of(subject)
	return kind.Do("SECURITY LABEL FOR " + pg.QuoteIdent(id.Role) + " ON " + k.SQL + " " + k.Ref(subject) + " IS " + label)
}
