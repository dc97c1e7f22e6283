package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// partition ties a table to the partitioned table that it is a partition of,
// manual chapter 5.12. It comes after the indexes and constraints of the table,
// so that PostgreSQL attaches those instead of making others.
type partition struct {
	Parent     string // printed name
	Bound      string `print:"true"` // "FOR VALUES FROM (1) TO (2)" or "DEFAULT"
	Constraint string `info:"true"`  // what the bound demands of a row, as an expression; "" when nothing
	Pending    bool   `info:"true"`  // a concurrent detachment was interrupted between its two transactions
}

// Partition defines the attachment of partitions.
func (kinds) Partition(set *kind.Set) {
	kind.Define(set, ofRelation(kind.Spec[partition]{
		Name: "partition", Rank: 140, Hazards: partitionHazards,
		Doc: "The attachment of a partition to its table, with its bound. Where it goes and was cut halfway by an interrupted " +
			"`DETACH PARTITION CONCURRENTLY`, that is finished.",
		Found: "pg_inherits",
		Soon:  true, // it looks through all constraints for those that refer to the table
		Query: func(int) string {
			return `SELECT 0 AS classid, c.oid AS objid, -1 AS objsubid, n.nspname AS schema, c.relname AS name,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	i.inhparent::regclass::text AS parent, pg_get_expr(c.relpartbound, c.oid) AS bound,
	replace(pg_get_partition_constraintdef(c.oid), format('satisfies_hash_partition(''%s''::oid,', i.inhparent),
		format('satisfies_hash_partition(%L::regclass,', i.inhparent::regclass)) AS constraint, i.inhdetachpending AS pending
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f') AND ` + userSchemas
		},
		Ref:    qualified,
		Create: attach,
		Drop:   detach,
		Copy: func(id schema.ID, p partition) string {
			if !p.Pending {
				return ""
			}
			return "UPDATE pg_catalog.pg_inherits SET inhdetachpending = true WHERE inhrelid = " + regclass(id)
		},
		Alter: kind.Alter[partition]{
			"parent": nil,
			"bound": func(c *kind.Ctx, id schema.ID, old, p partition) []kind.Action {
				attaching := attach(c, id, p)[0]
				online := attaching.Online
				attaching.Online = &kind.Online{} // done with what detaches
				if old.Pending {
					return nil
				}
				detaching := detachFrom(c, id, old)
				detaching.Online = &kind.Online{Before: online.Before, Now: append([]kind.Action{detaching}, online.Now...)}
				return []kind.Action{detaching, attaching}
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

// attach ties a partition to its table. Its rows are looked at before, as a
// check that says what the bound says, and those of the default partition as one
// that says the opposite; manual, ALTER TABLE, ATTACH PARTITION. PostgreSQL sees
// that it need not look again only where the check says no more than that.
func attach(c *kind.Ctx, id schema.ID, p partition) []kind.Action {
	sql := "ALTER TABLE ONLY " + p.Parent + " ATTACH PARTITION " + qualified(id) + " " + p.Bound
	action := kind.Action{SQL: sql, Relation: tableOf(id), Lock: kind.AccessExclusive, Scan: true}
	online := &kind.Online{}
	var after []kind.Action
	help := func(table schema.ID, demand string) {
		before, drop := helpBound(c, table, id, demand)
		online.Before, after = append(online.Before, before...), append(after, drop)
	}
	if c.InUse(tableOf(id)) && p.Constraint != "" {
		help(tableOf(id), p.Constraint)
	}
	for _, parent := range parentTables(c.New, id) {
		action.Also = append(action.Also, kind.Held{Relation: parent, Lock: kind.ShareUpdateExclusive})
		if other, ok := defaultPartition(c, parent); ok && other != id && c.InUse(tableOf(other)) {
			help(tableOf(other), "NOT ("+p.Constraint+")")
			action.Also = append(action.Also, kind.Held{Relation: tableOf(other), Lock: kind.AccessExclusive})
		}
	}
	if !c.InUse(tableOf(id)) && len(action.Also) > 1 { // the scan is that of the default partition
		action.Relation, action.Also = action.Also[1].Relation, action.Also[:1]
	}
	now := action
	now.Scan = false
	online.Now = append([]kind.Action{now}, after...)
	action.Online = online
	return []kind.Action{action}
}

// helpBound makes a check of what the bound of a partition demands of the rows of
// a table, and drops it.
func helpBound(c *kind.Ctx, table, tie schema.ID, demand string) (before []kind.Action, after kind.Action) {
	name := pg.QuoteIdent(besideName(c, tie.Name))
	add := alterTable(table, "ADD CONSTRAINT "+name+" CHECK ("+demand+") NOT VALID")
	check := kind.Action{SQL: "ALTER TABLE " + qualified(table) + " VALIDATE CONSTRAINT " + name,
		Relation: table, Lock: kind.ShareUpdateExclusive, Scan: true}
	return append(add, check), alterTable(table, "DROP CONSTRAINT "+name)[0]
}

// defaultPartition returns the tie of the default partition that a table keeps.
func defaultPartition(c *kind.Ctx, table schema.ID) (schema.ID, bool) {
	for _, tie := range c.Users(c.New, table, "partition") {
		if kind.Decode[partition](tie).Bound == "DEFAULT" && c.Old.Objects[tie.ID] != nil && !c.Created(tie.ID) {
			return tie.ID, true
		}
	}
	return schema.ID{}, false
}

// detach cuts the tie. Concurrently, PostgreSQL leaves a check of the bound on
// the table unless there is one already, which is made and dropped here; it does
// not where there is a default partition; manual, ALTER TABLE, DETACH PARTITION.
//
// Where that was begun before, only its end is left to do, and nobody can alter the
// table before.
func detach(c *kind.Ctx, id schema.ID, p partition) []kind.Action {
	if p.Pending {
		return []kind.Action{finish(c, id, p)}
	}
	action := detachFrom(c, id, p)
	if concurrent, ok := detachConcurrently(c, id, p); ok && p.Constraint != "" && !c.Created(id) {
		before, after := helpBound(c, tableOf(id), id, p.Constraint)
		action.Online = &kind.Online{Before: before, Now: []kind.Action{concurrent, after}}
	}
	return []kind.Action{action}
}

func detachFrom(c *kind.Ctx, id schema.ID, p partition) kind.Action {
	action := kind.Action{SQL: "ALTER TABLE ONLY " + p.Parent + " DETACH PARTITION " + qualified(id), Relation: tableOf(id), Lock: kind.AccessExclusive}
	for _, parent := range parentTables(c.Old, id) {
		action.Also = append(action.Also, kind.Held{Relation: parent, Lock: kind.AccessExclusive})
	}
	return action
}

// detachConcurrently returns the statement that lets others use the table
// meanwhile, unless the server would refuse it. A foreign key to the table would
// keep its hold on the partition, which then could not be dropped.
func detachConcurrently(c *kind.Ctx, id schema.ID, p partition) (kind.Action, bool) {
	if p.Pending {
		return finish(c, id, p), true
	}
	action := kind.Action{SQL: "ALTER TABLE ONLY " + p.Parent + " DETACH PARTITION " + qualified(id) + " CONCURRENTLY",
		Relation: tableOf(id), Lock: kind.AccessExclusive, NoTx: true, Recover: recoverDetach(id, p)}
	for _, parent := range parentTables(c.Old, id) {
		if !c.InUse(parent) || c.Dropped(parent) || isReferenced(c, parent) || slices.ContainsFunc(c.Users(c.Old, parent, "partition"), func(tie *schema.Object) bool {
			return kind.Decode[partition](tie).Bound == "DEFAULT"
		}) {
			return action, false
		}
		action.Also = append(action.Also, kind.Held{Relation: parent, Lock: kind.ShareUpdateExclusive})
	}
	return action, true
}

// finish ends a detachment that was begun before.
func finish(c *kind.Ctx, id schema.ID, p partition) kind.Action {
	action := detachFrom(c, id, p)
	action.SQL = finalize(id, p)
	for i := range action.Also {
		action.Also[i].Lock = kind.ShareUpdateExclusive
	}
	return action
}

// recoverDetach goes on with a detachment that was interrupted between its two
// transactions; manual, ALTER TABLE, DETACH PARTITION.
func recoverDetach(id schema.ID, p partition) *kind.Recover {
	tie := "EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = " + regclass(id)
	return &kind.Recover{Done: "NOT " + tie + ")", Half: tie + " AND inhdetachpending)",
		Mend: finalize(id, p)}
}

func finalize(id schema.ID, p partition) string {
	return "ALTER TABLE ONLY " + p.Parent + " DETACH PARTITION " + qualified(id) + " FINALIZE"
}

// isReferenced reports whether a foreign key refers to the table.
func isReferenced(c *kind.Ctx, table schema.ID) bool {
	isKey := func(o *schema.Object) bool { return kind.Decode[constraint](o).Type == "f" }
	return slices.ContainsFunc(c.Users(c.Old, table, "constraint"), isKey) ||
		slices.ContainsFunc(c.Parts(c.Old, table, "constraint"), func(o *schema.Object) bool {
			return isKey(o) && slices.ContainsFunc(o.Needs, func(need schema.ID) bool { return need.Kind == "constraint" && tableOf(need) == table })
		})
}
