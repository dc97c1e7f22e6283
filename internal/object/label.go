package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// label is one value of an enumerated type.
type label struct{}

// Label defines the labels of enumerated types. They exist so that a change of
// one is named; the statements are those of the type, because pg_depend knows
// only the type and what uses a new label has to come after it.
func (kinds) Label(set *kind.Set) {
	none := func(*kind.Ctx, schema.ID, label) []kind.Action { return nil }
	kind.Define(set, kind.Spec[label]{
		Name: "label", Rank: 21,
		Rename: func(_ *kind.Kind, at schema.ID, name string) string {
			return "ALTER TYPE " + qualified(at) + " RENAME VALUE " + pg.QuoteLiteral(at.Part) + " TO " + pg.QuoteLiteral(name)
		},
		Doc:   "Labels of enumerated types.",
		Found: "pg_enum",
		Query: func(int) string {
			return `SELECT 'pg_enum'::regclass::oid AS classid, e.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, t.typname AS name, e.enumlabel AS part,
	row_number() OVER (PARTITION BY e.enumtypid ORDER BY e.enumsortorder) AS ord,
	'pg_type'::regclass::oid AS pclass, t.oid AS pobj, 0 AS psub
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE ` + userSchemas
		},
		Ref:    func(id schema.ID) string { return qualified(id) + "." + pg.QuoteIdent(id.Part) },
		Create: none,
		Drop:   none,
		Alter:  kind.Alter[label]{},
		Inline: true,
	})
}
