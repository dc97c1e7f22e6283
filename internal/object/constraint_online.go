package object

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// onlineConstraint adds a constraint without reading the table under the lock
// that adds it, nil where there is no such way; manual, ALTER TABLE, Notes.
func onlineConstraint(c *kind.Ctx, id schema.ID, con constraint) *kind.Online {
	if !con.Validated || !con.Enforced {
		return nil
	}
	switch con.Type {
	case "c":
		return laterValidated(c, id, con)
	case "f":
		if c.Server < 18 && isPartitioned(c.New, tableOf(id)) {
			return onlinePartitionedKey(c, id, con)
		}
		return laterValidated(c, id, con)
	case "p", "u":
		return onlineUnique(c, id, con)
	}
	return nil
}

// laterValidated adds a constraint for new rows, and checks the others later.
func laterValidated(c *kind.Ctx, id schema.ID, con constraint) *kind.Online {
	check := validate(id, con)
	con.Validated = false
	add := kind.Action{SQL: "ALTER TABLE " + qualified(id) + " ADD CONSTRAINT " + pg.QuoteIdent(id.Part) + " " + constraintText(con),
		Relation: tableOf(id), Lock: kind.AccessExclusive}
	if con.Type == "f" {
		add.Lock = kind.ShareRowExclusive
		add.Also = referencedLock(c, id, con)
	} else {
		add.Alters = "ALTER TABLE " + qualified(id) + " "
	}
	return &kind.Online{Now: []kind.Action{add}, After: check}
}

// referencedLock is what a foreign key takes on the other table when it is added.
func referencedLock(c *kind.Ctx, id schema.ID, con constraint) []kind.Held {
	var held []kind.Held
	for _, other := range referenced(c.New, id, con) {
		held = append(held, kind.Held{Relation: other, Lock: kind.ShareRowExclusive})
	}
	return held
}

// onlinePartitionedKey adds a foreign key to the partitions first, because
// servers before 18 do not take NOT VALID for that of a partitioned table. That
// one then finds the keys of the partitions and reads nothing.
func onlinePartitionedKey(c *kind.Ctx, id schema.ID, con constraint) *kind.Online {
	o := &kind.Online{Now: []kind.Action{{SQL: "ALTER TABLE " + qualified(id) + " ADD CONSTRAINT " + pg.QuoteIdent(id.Part) + " " + constraintText(con),
		Relation: tableOf(id), Lock: kind.ShareRowExclusive, Also: referencedLock(c, id, con)}}}
	for _, leaf := range leaves(c, tableOf(id)) {
		own := id
		own.Schema, own.Name = leaf.Schema, leaf.Name
		if c.New.Objects[own] != nil || c.Created(leaf) {
			continue
		}
		part := laterValidated(c, own, con)
		part.Now[0].Also = referencedLock(c, id, con)
		part.Now[0].Makes = []schema.ID{own}
		o.Before = append(append(o.Before, part.Now...), part.After...)
		o.Now[0].Makes = append(slices.Clip(o.Now[0].Makes), own)
		o.Now[0].Also = append(slices.Clip(o.Now[0].Also), kind.Held{Relation: leaf, Lock: kind.ShareRowExclusive})
	}
	return o
}

// leaves returns the partitions with rows that a partitioned table has before and after.
func leaves(c *kind.Ctx, table schema.ID) []schema.ID {
	var found []schema.ID
	for _, tie := range c.Users(c.New, table, "partition") {
		if partition := relationOf(c.New, tie.ID); isPartitioned(c.New, partition) {
			found = append(found, leaves(c, partition)...)
		} else if partition.Kind == "table" {
			found = append(found, partition)
		}
	}
	return found
}

func isPartitioned(s *schema.State, table schema.ID) bool {
	o := s.Objects[table]
	return o != nil && table.Kind == "table" && o.Attr("partitionkey") != ""
}

// onlineUnique builds the index of a primary key or unique constraint first. The
// constraint takes it over and gives it its name.
func onlineUnique(c *kind.Ctx, id schema.ID, con constraint) *kind.Online {
	columns, rest := cutParentheses(con.Definition)
	if con.Only || columns == "" || temporal(columns) {
		return nil
	}
	index := indexName(id)
	if c.Dropped(id) || c.Old.Objects[index] != nil {
		index.Name = besideName(c, id.Part)
	}
	keys := "btree " + columns + rest
	if strings.Contains(con.Definition[:strings.Index(con.Definition, "(")], "NULLS NOT DISTINCT") {
		keys += " NULLS NOT DISTINCT"
	}
	build := concurrently(tableOf(id), index, indexOf(id, con, keys))
	build.Violating, build.Violation = violations(id, con)
	build.Makes = []schema.ID{index}
	text := "CONSTRAINT " + pg.QuoteIdent(id.Part) + " " + onOff(con.Type == "p", "PRIMARY KEY", "UNIQUE") + " USING INDEX " + pg.QuoteIdent(index.Name)
	return &kind.Online{
		Before: []kind.Action{build},
		Now: []kind.Action{{SQL: "ALTER TABLE " + qualified(id) + " ADD " + text + deferrableText(con),
			Relation: tableOf(id), Lock: kind.AccessExclusive, Makes: build.Makes}},
	}
}

// indexOf is the index that a constraint has.
func indexOf(id schema.ID, con constraint, keys string) index {
	return index{Table: qualified(id), Unique: true, Keys: keys, Options: con.Options, Tablespace: con.Tablespace}
}
