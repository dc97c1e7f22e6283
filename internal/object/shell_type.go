package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// shellType is a type that has nothing but its name, so that the functions that
// its definition needs can take and return it; manual chapter 36.13.
type shellType struct{}

// ShellType defines shell types: those that were left undefined, and those that
// the definition of a base type or of a range type with a canonical function
// starts from. The latter are no rows of a catalog; their address is made up.
func (kinds) ShellType(set *kind.Set) {
	kind.Define(set, kind.Spec[shellType]{
		Name: "shell_type", SQL: "TYPE", Grant: "TYPE", Rank: 33,
		Doc:   "Shell types, by themselves and as the start of a type whose functions take or return it.",
		Found: ofUsers("pg_type t") + " AND (NOT typisdefined OR typtype = 'r' OR " + isBaseType + ")",
		Query: func(int) string {
			return `SELECT 'pg_type'::regclass::oid AS classid, t.oid AS objid, CASE WHEN t.typisdefined THEN -1 ELSE 0 END AS objsubid,
	n.nspname AS schema, t.typname AS name, CASE WHEN NOT t.typisdefined THEN pg_get_userbyid(t.typowner) END AS owner,
	CASE WHEN NOT t.typisdefined THEN array_to_json(t.typacl::text[]) END AS acl,
	CASE WHEN NOT t.typisdefined THEN array_to_json(acldefault('T', t.typowner)::text[]) END AS acldefault
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_range r ON r.rngtypid = t.oid
WHERE (NOT t.typisdefined OR r.rngcanonical <> 0 OR ` + isBaseType + `) AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, _ shellType) []kind.Action {
			return kind.Do("CREATE TYPE " + qualified(id))
		},
		// A defined type and its functions need each other, and no statement but
		// CASCADE drops them both.
		Drop: func(c *kind.Ctx, id schema.ID, t shellType) []kind.Action {
			for _, of := range []string{"base_type", "range"} {
				if len(c.Parts(c.Old, id, of)) > 0 {
					return []kind.Action{{SQL: "DROP TYPE " + qualified(id) + " CASCADE", Loses: "drop-type",
						Why: "CASCADE, without which its functions would keep it, drops whatever else uses it and is not managed"}}
				}
			}
			return dropType(c, id, t)
		},
		Alter: kind.Alter[shellType]{},
		Names: func(id schema.ID, _ shellType) []string { return typeNames(id) },
	})
}

// isBaseType is the condition that the type t is a base type and no array type
// that came with its element type.
const isBaseType = `t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)`
