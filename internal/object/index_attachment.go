package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// indexAttachment ties the index of a partition to that of its table. The index
// of the table is valid when every partition's is attached; manual, ALTER INDEX.
type indexAttachment struct {
	Parent string // printed name
}

// IndexAttachment defines the attachment of indexes.
func (kinds) IndexAttachment(set *kind.Set) {
	kind.Define(set, kind.Spec[indexAttachment]{
		Name: "index_attachment", Rank: 145,
		Doc:   "The attachment of a partition's index to the index of its table.",
		Found: "pg_inherits",
		Query: func(int) string {
			return `SELECT 0 AS classid, i.oid AS objid, -3 AS objsubid, n.nspname AS schema, i.relname AS name,
	'pg_class'::regclass::oid AS pclass, i.oid AS pobj, 0 AS psub, h.inhparent::regclass::text AS parent
FROM pg_inherits h JOIN pg_class i ON i.oid = h.inhrelid JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE i.relkind IN ('i', 'I') AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, a indexAttachment) []kind.Action {
			return kind.Do("ALTER INDEX " + a.Parent + " ATTACH PARTITION " + qualified(id))
		},
		// An index is detached with its table, or dropped; there is no statement.
		Drop:  func(*kind.Ctx, schema.ID, indexAttachment) []kind.Action { return nil },
		Alter: kind.Alter[indexAttachment]{"parent": nil},
		Extra: attachedTo,
		// Where the partition stays, only the index above can give it free.
		Bound: func(c *kind.Ctx, id schema.ID, a indexAttachment) []schema.ID {
			table := c.Old.Objects[c.Old.Objects[id].Parent].Parent
			table.Kind = "partition"
			if c.Dropped(table) {
				return nil
			}
			return attachedTo(c.Old, id, a)
		},
		After: func(_ *kind.Ctx, s *schema.State, id schema.ID, _ indexAttachment) []schema.ID {
			if index := s.Objects[s.Objects[id].Parent]; index != nil {
				table := index.Parent
				table.Kind = "partition"
				return []schema.ID{table}
			}
			return nil
		},
	})
}

// attachedTo returns the index or constraint that the parent index belongs to,
// which the child needs too.
func attachedTo(s *schema.State, id schema.ID, _ indexAttachment) []schema.ID {
	o := s.Objects[id]
	child := s.Objects[o.Parent]
	if child == nil {
		return nil
	}
	var needs []schema.ID
	for _, n := range child.Needs {
		if n.Kind == "index" || n.Kind == "constraint" {
			needs = append(needs, n)
		}
	}
	return needs
}

// attachments returns those of the indexes below an index or a constraint whose
// partitions were there before.
func attachments(c *kind.Ctx, s *schema.State, id schema.ID) []schema.ID {
	var ids []schema.ID
	if id.Kind != "index" && id.Kind != "constraint" {
		return nil
	}
	for _, o := range c.Users(s, id, "index_attachment") {
		tie := parentOf(s, o.Parent)
		tie.Kind = "partition"
		if !c.Created(tie) {
			ids = append(append(ids, o.ID), attachments(c, s, o.Parent)...)
		}
	}
	return ids
}

// attached reports whether an index, or the constraint that owns it, is
// attached and stays so: then it can only be dropped with the one it is
// attached to.
func attached(c *kind.Ctx, index schema.ID) bool {
	o := c.Old.Objects[schema.ID{Kind: "index_attachment", Schema: index.Schema, Name: index.Name}]
	if o == nil {
		return false
	}
	table := c.Old.Objects[o.Parent].Parent
	part := table
	part.Kind = "partition"
	return !c.Dropped(part) || c.Dropped(table)
}
