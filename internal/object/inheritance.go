package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// inheritance ties a table to a parent that it inherits from, manual chapter
// 5.11. The printed name of the parent is the part of its identity.
type inheritance struct{}

// Inheritance defines the ties between inheriting tables and their parents.
//
// What the table inherits, it can also declare itself. PostgreSQL has no
// statement that changes this alone, so that it is not compared.
func (kinds) Inheritance(set *kind.Set) {
	kind.Define(set, ofRelation(kind.Spec[inheritance]{
		Name: "inheritance", Rank: 139, Hazards: inheritanceHazards,
		Doc: "The parents that tables inherit from. Their order, and whether a table also declares by itself what it inherits, " +
			"are not compared.",
		Found: "pg_inherits",
		Query: func(int) string {
			return `SELECT 0 AS classid, c.oid AS objid, -100 - i.inhseqno AS objsubid, n.nspname AS schema, c.relname AS name,
	i.inhparent::regclass::text AS part, 'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT c.relispartition AND c.relkind IN ('r', 'f') AND c.relpersistence <> 't' AND ` + userSchemas
		},
		Ref: onTable,
		Create: func(c *kind.Ctx, id schema.ID, _ inheritance) []kind.Action {
			if c.Created(relationOf(c.New, id)) {
				return nil // CREATE TABLE says it
			}
			return alterTable(id, "INHERIT "+id.Part)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ inheritance) []kind.Action {
			return alterTable(id, "NO INHERIT "+id.Part)
		},
		Alter: kind.Alter[inheritance]{},
		Extra: func(s *schema.State, id schema.ID, _ inheritance) []schema.ID {
			return slices.DeleteFunc(parentTables(s, id), func(parent schema.ID) bool { return qualified(parent) != id.Part })
		},
		After: func(c *kind.Ctx, s *schema.State, id schema.ID, _ inheritance) []schema.ID {
			ids := inheritable(c, s, relationOf(s, id))
			for _, parent := range parentTables(s, id) {
				if qualified(parent) == id.Part {
					ids = append(ids, inheritable(c, s, parent)...)
				}
			}
			return ids
		},
	}))
}

// inheritable returns the parts of a table that have to fit those of its parent
// or its children when they are tied.
func inheritable(c *kind.Ctx, s *schema.State, table schema.ID) []schema.ID {
	var ids []schema.ID
	for _, of := range []string{"column", "constraint", "index"} {
		for _, o := range c.Parts(s, table, of) {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// parentTables returns the tables that the table of id inherits from or is a
// partition of.
func parentTables(s *schema.State, id schema.ID) []schema.ID {
	var parents []schema.ID
	if t := s.Objects[relationOf(s, id)]; t != nil {
		for _, n := range t.Needs {
			if n.Kind == "table" || n.Kind == "foreign_table" {
				parents = append(parents, n)
			}
		}
	}
	return parents
}

// above returns the parts of the same name and kind of the parent tables, and
// of the type of a typed table.
func above(s *schema.State, id schema.ID) []schema.ID {
	var parts []schema.ID
	for _, parent := range parentTables(s, id) {
		part := id
		part.Schema, part.Name = parent.Schema, parent.Name
		if s.Objects[part] != nil {
			parts = append(parts, part)
		}
	}
	return append(parts, attributesOf(s, id)...)
}

// follows returns the parts of the parent tables whose changes PostgreSQL makes
// in this one too: the tables were tied before and stay so.
func follows(c *kind.Ctx, id schema.ID) []schema.ID {
	if c.Created(relationOf(c.New, id)) {
		return nil
	}
	var parts []schema.ID
	for _, s := range []*schema.State{c.Old, c.New} {
		for _, part := range above(s, id) {
			if part.Kind == "attribute" && followsType(c, id, part) ||
				!c.Created(relationOf(s, part)) && tied(c.Old, id, part) && tied(c.New, id, part) {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// tied reports whether the tables of two parts are child and parent.
func tied(s *schema.State, child, parent schema.ID) bool {
	for _, p := range parentTables(s, child) {
		if tableOf(p) == tableOf(parent) {
			return true
		}
	}
	return false
}

// arrives reports whether PostgreSQL creates the part of a table because a
// parent has or gets it. A partition is made before it is attached and has to
// have everything then.
func arrives(c *kind.Ctx, id schema.ID, local bool) bool {
	if relation := relationOf(c.New, id); c.Created(relation) {
		return !local && c.New.Objects[relation].Attr("inherits") != ""
	}
	return len(follows(c, id)) > 0
}

// dropInherited drops a part with what its children inherit of it. Children
// that keep it need ONLY, which makes it their own; children that declare it
// themselves lose it by their own statement.
func dropInherited(c *kind.Ctx, id schema.ID, change string, local func(*schema.Object) bool) []kind.Action {
	var rest []schema.ID
	only := ""
	for _, child := range children(c, id) {
		part := id
		part.Schema, part.Name = child.ID.Schema, child.ID.Name
		old := c.Old.Objects[part]
		switch {
		case old == nil || c.Dropped(child.ID) || !tied(c.New, part, id):
		case !c.Dropped(part):
			only = "ONLY "
		case local(old):
			rest = append(rest, part)
		}
	}
	if only != "" {
		rest = nil
		for _, child := range children(c, id) {
			part := id
			part.Schema, part.Name = child.ID.Schema, child.ID.Name
			if c.Old.Objects[part] != nil && c.Dropped(part) && !c.Dropped(child.ID) && tied(c.New, part, id) {
				rest = append(rest, part)
			}
		}
	}
	actions := onRelation(c.Old, id, []kind.Action{{SQL: "ALTER TABLE " + only + qualified(id) + " " + change,
		Relation: tableOf(id), Lock: kind.AccessExclusive}})
	for _, part := range rest {
		actions = append(actions, dropInherited(c, part, change, local)...)
	}
	return actions
}

// children returns the tables and foreign tables of the old state that need the
// table of a part.
func children(c *kind.Ctx, id schema.ID) []*schema.Object {
	table := relationOf(c.Old, id)
	return append(slices.Clip(c.Users(c.Old, table, "table")), c.Users(c.Old, table, "foreign_table")...)
}

// holdsForeign reports whether the table of a part, or one that inherits from
// it, is a foreign table.
func holdsForeign(c *kind.Ctx, id schema.ID) bool {
	return relationOf(c.Old, id) != tableOf(id) || slices.ContainsFunc(children(c, id), func(o *schema.Object) bool {
		return holdsForeign(c, o.ID)
	})
}
