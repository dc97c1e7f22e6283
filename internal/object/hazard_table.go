package object

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

func tableHazards(_ *kind.Ctx, t kind.Turn[table]) []kind.Hazard {
	switch {
	case t.Field == "persistence" && t.New.Persistence == "u":
		return warn("set-unlogged", "")
	case t.Field == "rowsecurity" && !t.New.Rowsecurity:
		return warn("row-security-disabled", "")
	case t.Field == "forcerowsecurity" && !t.New.Forcerowsecurity:
		return warn("row-security-disabled", "policies count no more for the owner of the table")
	case t.Field == "rowsecurity", t.Field == "forcerowsecurity":
		return warn("row-security-enabled", "")
	}
	return nil
}

func columnHazards(c *kind.Ctx, t kind.Turn[column]) []kind.Hazard {
	switch {
	case t.Creates():
		if !fresh(c, t.ID) && demandsValue(c, t.ID, *t.New) {
			return warn("not-null-without-default", "INSERT of running code does not give "+t.ID.Part+" a value")
		}
	case t.Drops() && t.Old.Generated != "":
		return warn("drop-column", "the values can be computed again; code that reads them fails")
	case t.Drops():
	case t.Field == "", t.Field == "generated":
		return warn("generated-column-change", "")
	default:
		return columnFieldHazards(c, t)
	}
	return nil
}

func columnFieldHazards(c *kind.Ctx, t kind.Turn[column]) []kind.Hazard {
	switch t.Field {
	case "type":
		if rewrites(t.Old.Type, t.New.Type) {
			return warn("incompatible-type-change", t.Old.Type+" becomes "+t.New.Type)
		}
	case "collation":
		return warn("collation-change", "")
	case "notnull":
		if demandsValue(c, t.ID, *t.New) {
			return warn("not-null-without-default", "writes that give "+t.ID.Part+" no value fail")
		}
	case "identity":
		if t.Old.Identity != "" || t.New.Identity == "ALWAYS" {
			return warn("identity-change", "GENERATED "+onOff(t.Old.Identity != "", t.Old.Identity, "never")+" becomes "+onOff(t.New.Identity != "", t.New.Identity, "never"))
		}
	case "sequencemax", "sequencemin":
		before, _ := strconv.ParseInt(t.Old.Sequencemax, 10, 64)
		after, err := strconv.ParseInt(t.New.Sequencemax, 10, 64)
		if err == nil && after < before {
			return warn("sequence-type-shrinks", "")
		}
	}
	return nil
}

// demandsValue reports whether an INSERT that leaves the column out fails.
func demandsValue(c *kind.Ctx, id schema.ID, col column) bool {
	return col.Notnull && col.Generated == "" && col.Identity == "" && !hasDefault(c, id)
}

func defaultHazards(c *kind.Ctx, t kind.Turn[columnDefault]) []kind.Hazard {
	if !t.Drops() || goesWithWhole(c, t.ID) {
		return nil
	}
	of := t.ID
	of.Kind = "column"
	if o := c.New.Objects[of]; o != nil {
		col := kind.Decode[column](o)
		switch {
		case col.Identity != "" || col.Generated != "":
			return nil
		case col.Notnull:
			return warn("drop-default", "INSERT that gives "+t.ID.Part+" no value fails")
		}
	}
	return warn("drop-default", "INSERT that gives "+t.ID.Part+" no value puts NULL there")
}

func constraintHazards(c *kind.Ctx, t kind.Turn[constraint]) []kind.Hazard {
	switch {
	case t.Creates():
		return newConstraintHazards(c, t.ID, *t.New)
	case t.Drops() && !goesWithWhole(c, t.ID):
		return warn("drop-constraint", "rows that "+t.ID.Part+" refused can come in")
	case t.Field == "enforced" && !t.New.Enforced:
		return warn("drop-constraint", t.ID.Part+" is not enforced any more")
	}
	return nil
}

func newConstraintHazards(c *kind.Ctx, id schema.ID, con constraint) []kind.Hazard {
	var hazards []kind.Hazard
	switch con.Type {
	case "p", "u", "x":
		if !fresh(c, id) && !c.Dropped(id) {
			return warn("new-unique-constraint", "writes that break "+id.Part+" fail")
		}
	case "f":
		if !fresh(c, id) {
			hazards = warn("new-foreign-key", "")
		}
		columns, _ := cutParentheses(con.Definition)
		if own := listed(columns); !temporal(columns) && !startsAnIndex(c, c.New.Objects[id].Parent, own) {
			hazards = append(hazards, kind.Hazard{Code: "new-foreign-key-without-index", Why: "no index of the table starts with " + list(own)})
		}
	}
	return hazards
}

// primaryKeyOf is the name that a primary key takes: a table has one.
func primaryKeyOf(id schema.ID, con constraint) []string {
	if con.Type != "p" {
		return nil
	}
	return []string{"primary key " + id.Schema + "." + id.Name}
}

// startsAnIndex reports whether an index of the new state finds rows by these
// columns: it has them first, in any order, and covers every row.
func startsAnIndex(c *kind.Ctx, table schema.ID, columns []string) bool {
	for _, o := range c.Parts(c.New, table, "index") {
		x := kind.Decode[index](o)
		if x.Predicate == "" && (strings.HasPrefix(x.Keys, "btree ") || strings.HasPrefix(x.Keys, "hash ")) && startsWith(x.Keys, columns) {
			return true
		}
	}
	for _, o := range c.Parts(c.New, table, "constraint") {
		con := kind.Decode[constraint](o)
		if (con.Type == "p" || con.Type == "u") && startsWith(con.Definition, columns) {
			return true
		}
	}
	return false
}

// startsWith reports whether the first list in parentheses starts with the columns.
func startsWith(definition string, columns []string) bool {
	inside, _ := cutParentheses(definition)
	if inside == "" {
		return false
	}
	keys := splitTop(inside[1 : len(inside)-1])
	if len(keys) < len(columns) {
		return false
	}
	for _, key := range keys[:len(columns)] {
		if !slices.ContainsFunc(columns, func(column string) bool { return key == column || strings.HasPrefix(key, column+" ") }) {
			return false
		}
	}
	return true
}

// splitTop splits a list at the commas that stand in no parentheses.
func splitTop(text string) []string {
	var parts []string
	depth, start := 0, 0
	for _, t := range pg.Tokens(text) {
		switch t.Text {
		case "(":
			depth++
		case ")":
			depth--
		case ",":
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(text[start:t.Offset]))
				start = t.Offset + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(text[start:]))
}

func indexHazards(c *kind.Ctx, t kind.Turn[index]) []kind.Hazard {
	switch {
	case t.Creates() && t.New.Unique && !fresh(c, t.ID) && !c.Dropped(t.ID):
		return warn("new-unique-constraint", "writes that repeat a value of "+t.ID.Name+" fail")
	case t.Drops() && !goesWithWhole(c, t.ID):
		hazards := warn("drop-index", "")
		if t.Old.Unique {
			hazards = append(hazards, warn("drop-constraint", "rows that "+t.ID.Name+" refused can come in")...)
		}
		return hazards
	}
	return nil
}

func triggerHazards(c *kind.Ctx, t kind.Turn[trigger]) []kind.Hazard {
	switch {
	case t.Creates() && !fresh(c, t.ID) && !c.Dropped(t.ID):
		return warn("new-trigger", "")
	case t.Drops() && !goesWithWhole(c, t.ID):
		return warn("drop-trigger", "")
	case t.Field == "enabled" && t.New.Enabled == "D":
		return warn("drop-trigger", "the trigger is disabled")
	}
	return nil
}

func policyHazards(c *kind.Ctx, t kind.Turn[policy]) []kind.Hazard {
	on := c.Old.Objects[tableOf(t.ID)]
	if on == nil || on.Attr("rowsecurity") != "t" || fresh(c, t.ID) || goesWithWhole(c, t.ID) || t.Creates() && c.Dropped(t.ID) {
		return nil
	}
	return warn("policy-change", "")
}

func replicaIdentityHazards(c *kind.Ctx, t kind.Turn[replicaIdentity]) []kind.Hazard {
	if fresh(c, t.ID) || goesWithWhole(c, t.ID) {
		return nil
	}
	return warn("replication-identity", "")
}

func partitionHazards(c *kind.Ctx, t kind.Turn[partition]) []kind.Hazard {
	return leavesParent(c, t.ID, t.Drops())
}

func inheritanceHazards(c *kind.Ctx, t kind.Turn[inheritance]) []kind.Hazard {
	return leavesParent(c, t.ID, t.Drops())
}

// leavesParent is the hazard of a table that stays when its tie to a parent goes.
func leavesParent(c *kind.Ctx, id schema.ID, drops bool) []kind.Hazard {
	if !drops || goesWithWhole(c, id) || slices.ContainsFunc(parentTables(c.Old, id), func(p schema.ID) bool { return c.Dropped(p) }) {
		return nil
	}
	return warn("detach-partition", "queries on the parent do not see the rows of "+qualified(id)+" any more")
}

func attributeHazards(_ *kind.Ctx, t kind.Turn[attribute]) []kind.Hazard {
	if t.Field == "type" && rewrites(t.Old.Type, t.New.Type) {
		return warn("incompatible-type-change", t.Old.Type+" becomes "+t.New.Type)
	}
	return nil
}
