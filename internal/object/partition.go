package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// partition ties a table to the partitioned table that it is a partition of,
// manual chapter 5.12. It comes after the indexes and constraints of the table,
// so that PostgreSQL attaches those instead of making others.
type partition struct {
	Parent string // printed name
	Bound  string `print:"true"` // "FOR VALUES FROM (1) TO (2)" or "DEFAULT"
}

// Partition defines the attachment of partitions.
func (kinds) Partition(set *kind.Set) {
	kind.Define(set, ofRelation(kind.Spec[partition]{
		Name: "partition", Rank: 140, Hazards: partitionHazards,
		Doc: "The attachment of a partition to its table, with its bound.",
		Query: func(int) string {
			return `SELECT 0 AS classid, c.oid AS objid, -1 AS objsubid, n.nspname AS schema, c.relname AS name,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	i.inhparent::regclass::text AS parent, pg_get_expr(c.relpartbound, c.oid) AS bound
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f') AND ` + userSchemas
		},
		Ref:    qualified,
		Create: func(_ *kind.Ctx, id schema.ID, p partition) []kind.Action { return attach(id, p) },
		Drop:   func(_ *kind.Ctx, id schema.ID, p partition) []kind.Action { return detach(id, p) },
		Alter: kind.Alter[partition]{
			"parent": nil,
			"bound": func(_ *kind.Ctx, id schema.ID, old, p partition) []kind.Action {
				return append(detach(id, old), attach(id, p)...)
			},
		},
		After: func(c *kind.Ctx, s *schema.State, id schema.ID, _ partition) []schema.ID {
			ids := inheritable(c, s, relationOf(s, id))
			for _, own := range ids {
				for _, below := range c.Users(s, own, "index_attachment") {
					ids = append(ids, below.ID) // an index that lacks some is not taken
				}
			}
			for _, parent := range parentTables(s, id) {
				ids = append(ids, inheritable(c, s, parent)...)
			}
			ids = slices.DeleteFunc(ids, func(index schema.ID) bool { return index.Kind == "index" && lacksIndex(c, s, id, index) })
			return ids
		},
		Extra: func(s *schema.State, id schema.ID, _ partition) []schema.ID { return parentTables(s, id) },
	}))
}

// lacksIndex reports whether an index of the partitioned table has none of the
// partition attached to it.
func lacksIndex(c *kind.Ctx, s *schema.State, tie, index schema.ID) bool {
	if !slices.Contains(parentTables(s, tie), parentOf(s, index)) {
		return false
	}
	return !slices.ContainsFunc(c.Users(s, index, "index_attachment"), func(o *schema.Object) bool {
		return parentOf(s, o.Parent) == relationOf(s, tie)
	})
}

func attach(id schema.ID, p partition) []kind.Action {
	return []kind.Action{{SQL: "ALTER TABLE ONLY " + p.Parent + " ATTACH PARTITION " + qualified(id) + " " + p.Bound,
		Relation: tableOf(id), Lock: kind.AccessExclusive, Scan: true}}
}

func detach(id schema.ID, p partition) []kind.Action {
	return []kind.Action{{SQL: "ALTER TABLE ONLY " + p.Parent + " DETACH PARTITION " + qualified(id),
		Relation: tableOf(id), Lock: kind.AccessExclusive}}
}
