package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// composite is a composite type without its attributes, manual chapter 8.16.
type composite struct{}

// Composite defines composite types.
func (kinds) Composite(set *kind.Set) {
	kind.Define(set, kind.Spec[composite]{
		Name: "composite", SQL: "TYPE", Grant: "TYPE", Rank: 32, Rename: kind.RenameTo, Hazards: onDrop[composite]("drop-type"),
		Doc:   "Composite types. The order of their attributes is not compared.",
		Found: ofUsers("pg_class") + " AND relkind = 'c'",
		Query: func(int) string {
			return `SELECT ` + typeColumns + `
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typtype = 'c' AND c.relkind = 'c' AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, _ composite) []kind.Action {
			return []kind.Action{{Open: "CREATE TYPE " + qualified(id) + " AS (\n    ", Separator: ",\n    ", Close: "\n)"}}
		},
		Drop:  dropType[composite],
		Alter: kind.Alter[composite]{},
		Names: func(id schema.ID, _ composite) []string { return relationNames(id) },
	})
}

// storesType reports whether a column holds values of the type, directly or
// within another type.
func storesType(s *schema.State, id schema.ID) bool {
	holders := map[schema.ID]bool{id: true}
	for grown := true; grown; {
		grown = false
		for _, o := range s.Objects {
			holder := o.ID
			switch holder.Kind {
			case "column", "domain", "range":
			case "attribute":
				holder = o.Parent
			default:
				continue
			}
			if holders[holder] || !slices.ContainsFunc(o.Needs, func(need schema.ID) bool { return holders[need] }) {
				continue
			}
			if holder.Kind == "column" {
				return true
			}
			holders[holder], grown = true, true
		}
	}
	return false
}
