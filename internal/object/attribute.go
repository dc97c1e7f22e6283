package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// attribute is an attribute of a composite type.
type attribute struct {
	Type      string // with modifier
	Collation string // printed name, "" for the type's own
}

// Attribute defines the attributes of composite types.
func (kinds) Attribute(set *kind.Set) {
	kind.Define(set, kind.Spec[attribute]{
		Name: "attribute", Rank: 33, Hazards: attributeHazards,
		Rename: func(_ *kind.Kind, at schema.ID, name string) string {
			return "ALTER TYPE " + qualified(at) + " RENAME ATTRIBUTE " + pg.QuoteIdent(at.Part) + " TO " + pg.QuoteIdent(name)
		},
		Doc: "Attributes of composite types with type and collation. Their order is not compared. The type of one whose composite type a column " +
			"stores cannot change in place.",
		Found: ofUsers("pg_class") + " AND relkind = 'c'",
		Query: func(int) string {
			return `SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, a.attnum AS objsubid,
	n.nspname AS schema, c.relname AS name, a.attname AS part, a.attnum AS ord,
	'pg_type'::regclass::oid AS pclass, c.reltype AS pobj, 0 AS psub,
	format_type(a.atttypid, a.atttypmod) AS type,
	CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_type t ON t.oid = a.atttypid
	LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
WHERE c.relkind = 'c' AND a.attnum > 0 AND NOT a.attisdropped AND ` + userSchemas
		},
		Ref: columnRef,
		Create: func(c *kind.Ctx, id schema.ID, a attribute) []kind.Action {
			return []kind.Action{{
				Open:      "ALTER TYPE " + qualified(id) + " ADD ATTRIBUTE ",
				Fragments: []kind.Fragment{{ID: id, Text: pg.QuoteIdent(id.Part) + " " + attributeType(a)}},
				Close:     cascade(c, id),
			}}
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ attribute) []kind.Action {
			drop := kind.Action{SQL: "ALTER TYPE " + qualified(id) + " DROP ATTRIBUTE " + pg.QuoteIdent(id.Part) + cascade(c, id)}
			if storesType(c.Old, compositeOf(id)) || cascade(c, id) != "" {
				drop.Loses, drop.Why = "drop-attribute", "every value of the attribute in columns of the type"
			}
			return []kind.Action{drop}
		},
		Alter: kind.Alter[attribute]{
			"type":      alterAttribute,
			"collation": alterAttribute,
		},
		Rebuild: map[string]bool{"type": true, "collation": true},
		Retarget: func(c *kind.Ctx, id schema.ID, old, a attribute, _ schema.ID) []kind.Action {
			return alterAttribute(c, id, old, a)
		},
		Inline: true,
	})
}

// alterAttribute changes the type of an attribute, which PostgreSQL does only
// when it has no stored value to convert.
func alterAttribute(c *kind.Ctx, id schema.ID, _, a attribute) []kind.Action {
	if storesType(c.Old, compositeOf(id)) {
		return nil
	}
	return kind.Do("ALTER TYPE " + qualified(id) + " ALTER ATTRIBUTE " + pg.QuoteIdent(id.Part) + " TYPE " + attributeType(a) + cascade(c, id))
}

func attributeType(a attribute) string {
	if a.Collation == "" {
		return a.Type
	}
	return a.Type + " COLLATE " + a.Collation
}

func compositeOf(id schema.ID) schema.ID {
	return schema.ID{Kind: "composite", Schema: id.Schema, Name: id.Name}
}
