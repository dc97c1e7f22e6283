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
// The schema public is there before anybody asks for it, and may have been
// dropped and made anew: its owner, as long as it is the one that initdb
// chooses, is nobody's statement, and its privileges are compared with those
// that initdb gives (manual chapter 5.10.2).
func (kinds) Schema(set *kind.Set) {
	kind.Define(set, kind.Spec[namespace]{
		Name: "schema", SQL: "SCHEMA", Grant: "SCHEMA", Rank: 5, Rename: kind.RenameTo, Hazards: onDrop[namespace]("drop-object"),
		Doc: "Schemas, also public.",
		Query: func(server int) string {
			owner, everybody := "n.nspowner = 10", "UC"
			if server >= 15 {
				owner, everybody = "n.nspowner = 'pg_database_owner'::regrole", "U"
			}
			return `SELECT 'pg_namespace'::regclass::oid AS classid, n.oid AS objid, 0 AS objsubid, n.nspname AS name,
	n.nspname = 'public' AS builtin,
	CASE WHEN n.nspname <> 'public' OR NOT ` + owner + ` THEN pg_get_userbyid(n.nspowner) END AS owner,
	pg_get_userbyid(n.nspowner) AS aclowner,
	array_to_json(CASE WHEN n.nspname = 'public' THEN coalesce(n.nspacl, acldefault('n', n.nspowner)) ELSE n.nspacl END::text[]) AS acl,
	array_to_json(CASE WHEN n.nspname = 'public' THEN acldefault('n', n.nspowner) || ('=` + everybody + `/' || quote_ident(pg_get_userbyid(n.nspowner)))::aclitem
		ELSE acldefault('n', n.nspowner) END::text[]) AS acldefault
FROM pg_namespace n
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

// outsideSchemas addresses an object that no schema holds.
func outsideSchemas(id schema.ID) string { return pg.QuoteIdent(id.Name) }
