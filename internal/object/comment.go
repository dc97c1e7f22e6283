package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// comment is what COMMENT ON wrote about an object.
type comment struct {
	Text string
}

// Comment defines the comments of all objects that can have one.
func (kinds) Comment(set *kind.Set) {
	kind.Define(set, kind.Spec[comment]{
		Name: "comment", Rank: 220, Satellite: kind.FromQuery,
		Doc: "Comments on every managed object, also on the columns of views.",
		// Columns and NOT NULL constraints are named here because views' columns
		// and those constraints are no objects of their own.
		Query: func(int) string {
			return `SELECT d.classoid AS classid, d.objoid AS objid, d.objsubid AS objsubid,
	CASE WHEN a.attname IS NOT NULL THEN 'column' WHEN nn.oid IS NOT NULL THEN 'constraint' END AS of,
	n.nspname AS schema, c.relname AS name, coalesce(a.attname, nn.conname) AS part, d.description AS text
FROM pg_description d
	LEFT JOIN pg_attribute a ON d.classoid = 'pg_class'::regclass AND d.objsubid <> 0 AND a.attrelid = d.objoid AND a.attnum = d.objsubid
	LEFT JOIN pg_constraint nn ON d.classoid = 'pg_constraint'::regclass AND nn.oid = d.objoid AND nn.contype = 'n' AND nn.conrelid <> 0
	LEFT JOIN pg_class c ON c.oid = coalesce(a.attrelid, nn.conrelid) LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_namespace p ON d.classoid = 'pg_namespace'::regclass AND p.oid = d.objoid AND p.nspname = 'public'
WHERE (d.objoid >= ` + userOID + ` OR p.oid IS NOT NULL) AND NOT (p.oid IS NOT NULL AND d.description = 'standard public schema')
UNION ALL SELECT d.classoid, d.objoid, 0, NULL, NULL, NULL, NULL, d.description FROM pg_shdescription d
WHERE d.classoid = 'pg_authid'::regclass OR d.classoid = 'pg_database'::regclass`
		},
		Ref: func(id schema.ID) string { return set.Ref(id.Subject()) },
		Create: func(c *kind.Ctx, id schema.ID, t comment) []kind.Action {
			return commentOn(c, id, pg.QuoteLiteral(t.Text))
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ comment) []kind.Action {
			if id.Of == "schema" && id.Name == "public" {
				return commentOn(c, id, "'standard public schema'") // what initdb says, and no comment of anybody's
			}
			return commentOn(c, id, "NULL")
		},
		Alter: kind.Alter[comment]{
			"text": func(c *kind.Ctx, id schema.ID, _, t comment) []kind.Action {
				return commentOn(c, id, pg.QuoteLiteral(t.Text))
			},
		},
	})
}

func commentOn(c *kind.Ctx, id schema.ID, text string) []kind.Action {
	subject := id.Subject()
	k := c.Kinds.Of(subject)
	return []kind.Action{{SQL: "COMMENT ON " + k.SQL + " " + k.Ref(subject) + " IS " + text}}
}
