package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// namespace is a schema, manual chapter 5.10. It has nothing but its name.
type namespace struct{}

// Schema defines schemas.
//
// The schema public is there before anybody asks for it: its owner, as long as
// it is the one that initdb chose, is nobody's statement, and its privileges are
// compared with those that initdb left in pg_init_privs (manual chapter 53.27).
func (kinds) Schema(set *kind.Set) {
	kind.Define(set, kind.Spec[namespace]{
		Name: "schema", SQL: "SCHEMA", Grant: "SCHEMA", Rank: 5,
		Doc: "Schemas, also public.",
		Query: func(server int) string {
			initial := "n.nspowner = 10"
			if server >= 15 {
				initial = "n.nspowner = 'pg_database_owner'::regrole"
			}
			return `SELECT 'pg_namespace'::regclass::oid AS classid, n.oid AS objid, 0 AS objsubid, n.nspname AS name,
	CASE WHEN i.objoid IS NULL OR NOT ` + initial + ` THEN pg_get_userbyid(n.nspowner) END AS owner,
	pg_get_userbyid(n.nspowner) AS aclowner,
	array_to_json(CASE WHEN i.objoid IS NULL THEN n.nspacl ELSE coalesce(n.nspacl, acldefault('n', n.nspowner)) END::text[]) AS acl,
	CASE WHEN i.objoid IS NULL THEN array_to_json(acldefault('n', n.nspowner)::text[]) ELSE
		(SELECT json_agg(makeaclitem(CASE WHEN x.grantee = x.grantor THEN n.nspowner ELSE x.grantee END,
			n.nspowner, x.privilege_type, x.is_grantable)::text) FROM aclexplode(i.initprivs) x) END AS acldefault
FROM pg_namespace n LEFT JOIN pg_init_privs i ON i.objoid = n.oid AND i.classoid = 'pg_namespace'::regclass
	AND i.objsubid = 0 AND i.privtype = 'i'
WHERE ` + userSchemas
		},
		Ref: func(id schema.ID) string { return pg.QuoteIdent(id.Name) },
		Create: func(_ *kind.Ctx, id schema.ID, _ namespace) []kind.Action {
			return kind.Do("CREATE SCHEMA " + pg.QuoteIdent(id.Name))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ namespace) []kind.Action {
			return kind.Do("DROP SCHEMA " + pg.QuoteIdent(id.Name))
		},
		Alter: kind.Alter[namespace]{},
	})
}
