package object

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

func notNullText(col column) string {
	if !col.Notnull || laterNotNull(col) {
		return ""
	}
	text := " NOT NULL"
	if col.Notnullname != "" {
		text = " CONSTRAINT " + col.Notnullname + text
	}
	if col.Notnulloptions != "" {
		text += " " + col.Notnulloptions
	}
	return text
}

// laterNotNull reports whether NOT NULL is one that rows break, which PostgreSQL
// takes only where it adds a constraint to a table.
func laterNotNull(col column) bool { return strings.HasSuffix(col.Notnulloptions, "NOT VALID") }

func addNotNull(id schema.ID, col column) []kind.Action {
	return alterTable(id, kind.Words("ADD", notNullName(col), "NOT NULL", pg.QuoteIdent(id.Part), col.Notnulloptions))
}

func alterNotNull(c *kind.Ctx, id schema.ID, old, col column) []kind.Action {
	if slices.ContainsFunc(follows(c, id), func(part schema.ID) bool { return changesNotNull(c, part, col.Notnull) }) {
		return kind.Nothing
	}
	if !col.Notnull {
		var first []kind.Action
		if old.Identity != "" && col.Identity == "" {
			first = alterColumn(id, "DROP IDENTITY")
		}
		return append(first, alterColumn(id, "DROP NOT NULL")...)
	}
	set := alterColumn(id, "SET NOT NULL")
	if col.Notnullname != "" || col.Notnulloptions != "" {
		set = addNotNull(id, col)
	}
	if set[0].Scan = !laterNotNull(col); set[0].Scan {
		set[0].Online = onlineNotNull(c, id, col)
		return missingValues(id, set)
	}
	return set
}

// onlineNotNull looks for missing values under a lock that lets others write:
// before 18 with a CHECK that says the same, from which PostgreSQL then sees that
// it need not look again; manual, ALTER TABLE, SET NOT NULL.
func onlineNotNull(c *kind.Ctx, id schema.ID, col column) *kind.Online {
	helper, later := pg.QuoteIdent(besideName(c, id.Part)), kind.Words("ADD CONSTRAINT", col.Notnullis, "NOT NULL", pg.QuoteIdent(id.Part), col.Notnulloptions, "NOT VALID")
	if c.Server < 18 {
		later = "ADD CONSTRAINT " + helper + " CHECK (" + pg.QuoteIdent(id.Part) + " IS NOT NULL) NOT VALID"
	}
	check := kind.Action{SQL: "ALTER TABLE " + qualified(id) + " VALIDATE CONSTRAINT " + col.Notnullis,
		Relation: tableOf(id), Lock: kind.ShareUpdateExclusive, Scan: true}
	o := &kind.Online{Now: alterTable(id, later)}
	if c.Server < 18 {
		check.SQL = "ALTER TABLE " + qualified(id) + " VALIDATE CONSTRAINT " + helper
		o.Finally = append(alterTable(id, "ALTER COLUMN "+pg.QuoteIdent(id.Part)+" SET NOT NULL"), alterTable(id, "DROP CONSTRAINT "+helper)...)
	}
	o.After = missingValues(id, []kind.Action{check})
	return o
}

func notNullName(col column) string {
	if col.Notnullname == "" {
		return ""
	}
	return "CONSTRAINT " + col.Notnullname
}

// changesNotNull reports whether a column of a parent becomes NOT NULL, or
// ceases to be, as its children then do.
func changesNotNull(c *kind.Ctx, id schema.ID, to bool) bool {
	old, new := c.Old.Objects[id], c.New.Objects[id]
	return old != nil && new != nil && kind.Decode[column](old).Notnull != to && kind.Decode[column](new).Notnull == to
}

// alterNotNullName renames the constraint, unless it is that of a parent.
func alterNotNullName(c *kind.Ctx, id schema.ID, old, col column) []kind.Action {
	if !old.Notnull || !col.Notnull {
		return kind.Nothing // said with the constraint
	}
	for _, part := range follows(c, id) {
		if parent := c.Old.Objects[part]; parent != nil && kind.Decode[column](parent).Notnullis == old.Notnullis {
			return kind.Nothing
		}
	}
	return alterTable(id, "RENAME CONSTRAINT "+old.Notnullis+" TO "+col.Notnullis)
}

// alterNotNullOptions validates; every other change drops and adds.
func alterNotNullOptions(c *kind.Ctx, id schema.ID, old, col column) []kind.Action {
	switch {
	case !old.Notnull || !col.Notnull:
		return kind.Nothing // said with the constraint
	case old.Notnulloptions == "NOT VALID" && col.Notnulloptions == "":
		return missingValues(id, []kind.Action{{SQL: "ALTER TABLE " + qualified(id) + " VALIDATE CONSTRAINT " + col.Notnullis,
			Relation: tableOf(id), Lock: kind.ShareUpdateExclusive, Scan: true}})
	case laterNotNull(old) == laterNotNull(col):
		return alterTable(id, "ALTER CONSTRAINT "+col.Notnullis+onOff(strings.HasPrefix(col.Notnulloptions, "NO INHERIT"), " NO INHERIT", " INHERIT"))
	}
	return append(alterColumn(id, "DROP NOT NULL"), alterNotNull(c, id, old, col)...)
}
