package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// tableType ties a table to the composite type that its columns come from
// (CREATE TABLE ... OF, manual, CREATE TABLE). PostgreSQL changes the columns
// with the attributes of the type.
type tableType struct {
	Type string // printed name
}

// TableType defines the types of typed tables.
func (kinds) TableType(set *kind.Set) {
	kind.Define(set, ofRelation(kind.Spec[tableType]{
		Name: "table_type", Rank: 119,
		Doc:   "The composite type of a typed table. PostgreSQL ties a table only when its columns stand in the order of the type.",
		Found: "pg_class WHERE reloftype <> 0",
		Query: func(int) string {
			return `SELECT 0 AS classid, c.oid AS objid, -4 AS objsubid, n.nspname AS schema, c.relname AS name,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub, c.reloftype::regtype::text AS type,
	json_build_array(json_build_array('pg_type'::regclass::oid::bigint, c.reloftype::bigint)) AS uses
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.reloftype <> 0 AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, t tableType) []kind.Action {
			return alterTable(id, "OF "+t.Type)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ tableType) []kind.Action {
			return alterTable(id, "NOT OF")
		},
		Alter: kind.Alter[tableType]{"type": nil},
		After: func(c *kind.Ctx, s *schema.State, id schema.ID, _ tableType) []schema.ID {
			var ids []schema.ID
			for _, side := range []*schema.State{c.Old, c.New} { // what goes has to be gone, too
				for _, need := range s.Objects[id].Needs {
					for _, attribute := range c.Parts(side, need, "attribute") {
						ids = append(ids, attribute.ID)
					}
				}
				for _, column := range c.Parts(side, relationOf(s, id), "column") {
					ids = append(ids, column.ID)
				}
			}
			return ids
		},
	}))
}

// attributesOf returns the attribute that the column of a typed table is.
func attributesOf(s *schema.State, column schema.ID) []schema.ID {
	tie := s.Objects[schema.ID{Kind: "table_type", Schema: column.Schema, Name: column.Name}]
	if column.Kind != "column" || tie == nil {
		return nil
	}
	var ids []schema.ID
	for _, need := range tie.Needs {
		id := schema.ID{Kind: "attribute", Schema: need.Schema, Name: need.Name, Part: column.Part}
		if s.Objects[id] != nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// followsType reports whether the column of a typed table changes with an
// attribute: the table has the same type before and after.
func followsType(c *kind.Ctx, column, attribute schema.ID) bool {
	tie := schema.ID{Kind: "table_type", Schema: column.Schema, Name: column.Name}
	return !c.Dropped(tie) && !c.Created(tie) && !c.Created(compositeOf(attribute))
}

// cascade is what makes the change of an attribute one of the typed tables too.
func cascade(c *kind.Ctx, attribute schema.ID) string {
	stays := func(tie *schema.Object) bool { return !c.Dropped(tie.ID) }
	return onOff(slices.ContainsFunc(c.Users(c.Old, compositeOf(attribute), "table_type"), stays), " CASCADE", "")
}
