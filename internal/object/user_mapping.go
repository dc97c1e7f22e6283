package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// userMapping is what a role is on a foreign server, manual chapter 5.12. The
// role of its identity is "public" for everybody, as in pg_user_mappings.
type userMapping struct {
	Options []string // name=value, without secrets
	Secret  bool     `info:"true"` // has an option that is a secret
}

// secretOption is a condition on the name of an option or parameter whose value
// nobody may see; it is neither read nor set.
const secretOption = `~* 'password|secret'`

// UserMapping defines user mappings.
func (kinds) UserMapping(set *kind.Set) {
	kind.Define(set, kind.Spec[userMapping]{
		Name: "user_mapping", Rank: 77,
		Doc: "User mappings of roles and of PUBLIC with their options. Options whose name contains `password` or `secret` are " +
			"neither read nor set: set them once by ALTER USER MAPPING; only the drop of the mapping loses them. " +
			"A role that is no superuser cannot read options, which are not compared then.",
		Found:      "pg_user_mappings",
		Query:      func(int) string { return mappingQuery(true) },
		Restricted: func(int) string { return mappingQuery(false) },
		Ref:        mappingRef,
		Create: func(_ *kind.Ctx, id schema.ID, m userMapping) []kind.Action {
			return kind.Do(kind.Words("CREATE USER MAPPING", mappingRef(id), genericOptions(m.Options)))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, m userMapping) []kind.Action {
			drop := kind.Action{SQL: "DROP USER MAPPING " + mappingRef(id)}
			if m.Secret {
				drop.Loses, drop.Why = "drop-user-mapping", "the password that is kept in it"
			}
			return []kind.Action{drop}
		},
		Alter: kind.Alter[userMapping]{
			"options": func(_ *kind.Ctx, id schema.ID, old, m userMapping) []kind.Action {
				return kind.Do(kind.Words("ALTER USER MAPPING", mappingRef(id), changeGenericOptions(old.Options, m.Options)))
			},
		},
		Roles: func(id schema.ID, _ userMapping) []string {
			if id.Role == "public" {
				return nil
			}
			return []string{id.Role}
		},
	})
}

// mappingQuery reads the view that everybody may read. It shows options to
// superusers, and to others not even whether there are any (manual chapter
// 53.36).
func mappingQuery(options bool) string {
	columns := ""
	if options {
		columns = `,
	(SELECT jsonb_agg(o ORDER BY o COLLATE "C") FROM unnest(m.umoptions) AS u(o) WHERE NOT split_part(o, '=', 1) ` + secretOption + `) AS options,
	EXISTS (SELECT FROM unnest(m.umoptions) AS u(o) WHERE split_part(o, '=', 1) ` + secretOption + `) AS secret`
	}
	return `SELECT 'pg_user_mapping'::regclass::oid AS classid, m.umid AS objid, 0 AS objsubid, m.srvname AS name,
	coalesce(m.usename, m.umuser::text) AS role` + columns + `
FROM pg_user_mappings m
WHERE m.umid >= ` + userOID
}

// mappingRef addresses a user mapping: "FOR reader SERVER files".
func mappingRef(id schema.ID) string {
	role := pg.QuoteIdent(id.Role)
	switch id.Role {
	case "public":
		role = "PUBLIC"
	case kind.Creator:
		role = "CURRENT_USER"
	}
	return "FOR " + role + " SERVER " + pg.QuoteIdent(id.Name)
}
