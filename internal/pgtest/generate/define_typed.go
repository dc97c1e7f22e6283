package generate

import (
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// typedTableKind defines tables of a composite type of their own, whose
// attributes and with them the columns come and go at the end.
func typedTableKind() *Kind {
	return &Kind{
		Name: "typed_table", Weight: 2, Makes: []string{"table", "column", "composite", "attribute", "table_type"},
		Words: "TABLE", Grants: []string{"SELECT"}, Address: (*Schema).name, Slots: []Slot{inSchema()},
		Picks: []Pick{{Name: "attributes", Size: 4, Chance: 80}, {Name: "tied", Size: 2, Chance: 80}, {Name: "required", Size: 2, Chance: 30}},
		SQL: func(s *Schema, o *Object) []string {
			attributes := []string{"a integer", `"B b" text COLLATE "C"`, "c numeric(5, 2)", "d date[]"}[:1+s.pick(o, "attributes")]
			name, of := s.name(o), pg.QuoteName(s.schemaName(o), fmt.Sprintf("row_%d", o.ID))
			list := []string{"CREATE TYPE " + of + " AS (" + strings.Join(attributes, ", ") + ")"}
			if s.pick(o, "tied") > 0 {
				list = append(list, "CREATE TABLE "+name+" OF "+of)
			} else {
				list = append(list, "CREATE TABLE "+name+" ("+strings.Join(attributes, ", ")+")")
			}
			if s.pick(o, "required") > 0 {
				list = append(list, "ALTER TABLE "+name+" ALTER a SET NOT NULL, ALTER a SET DEFAULT 1")
			}
			return list
		},
	}
}
