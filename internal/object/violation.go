package object

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// missingValues makes the statement one that fails on rows without a value in
// the column.
func missingValues(id schema.ID, actions []kind.Action) []kind.Action {
	column := pg.QuoteIdent(id.Part)
	actions[0].Violating = "FROM " + qualified(id) + " WHERE " + column + " IS NULL"
	actions[0].Violation = "without a value in " + columnRef(id)
	return actions
}

// anyRow makes the statement one that fails on every row: it adds a column that
// must have a value and gets none.
func anyRow(c *kind.Ctx, id schema.ID, col column, actions []kind.Action) []kind.Action {
	if !col.Notnull || laterNotNull(col) || col.Generated != "" || col.Identity != "" || hasDefault(c, id) {
		return actions
	}
	actions[0].Violating = "FROM " + qualified(id)
	actions[0].Violation = "with no value for " + columnRef(id)
	return actions
}

// hasDefault reports whether a new column has a default, its own or that of its
// domain.
func hasDefault(c *kind.Ctx, id schema.ID) bool {
	own := id
	own.Kind = "default"
	if c.New.Objects[own] != nil {
		return true
	}
	return slices.ContainsFunc(c.New.Objects[id].Needs, func(need schema.ID) bool {
		return need.Kind == "domain" && c.New.Objects[need].Attr("default") != ""
	})
}

// violations returns the FROM clause that yields what violates a constraint,
// and what it yields; "" where that cannot be told from the definition.
func violations(id schema.ID, con constraint) (from, what string) {
	table, name := qualified(id), "against constraint "+onTable(id)
	if !con.Validated || !con.Enforced {
		return "", ""
	}
	switch con.Type {
	case "c":
		expression, rest := cutParentheses(con.Definition)
		return "FROM " + onOff(strings.Contains(rest, "NO INHERIT"), "ONLY ", "") + table + " WHERE NOT " + expression, name
	case "p", "u":
		columns, _ := cutParentheses(con.Definition)
		if columns == "" || temporal(columns) {
			return "", ""
		}
		present := " WHERE ROW" + columns + " IS NOT NULL"
		if strings.Contains(con.Definition, "NULLS NOT DISTINCT") {
			present = ""
		}
		return "FROM (SELECT row_number() OVER (PARTITION BY " + list(listed(columns)) + ") AS occurrence FROM " + table + present + ") AS counted WHERE occurrence > 1",
			"with the values of another in " + onTable(id)
	case "f":
		return orphans(table, con.Definition), name
	}
	return "", ""
}

// orphans yields the rows whose foreign key refers to nothing.
func orphans(table, definition string) string {
	columns, rest := cutParentheses(definition)
	target, _, _ := strings.Cut(strings.TrimPrefix(rest, " REFERENCES "), "(")
	keys, rest := cutParentheses(strings.TrimPrefix(rest, " REFERENCES "+target))
	own, other := listed(columns), listed(keys)
	if temporal(columns) || len(own) != len(other) || strings.Contains(rest, "MATCH FULL") {
		return ""
	}
	var present, equal []string
	for i := range own {
		present = append(present, "violating."+own[i]+" IS NOT NULL")
		equal = append(equal, "referred."+other[i]+" = violating."+own[i])
	}
	return "FROM " + table + " AS violating WHERE " + strings.Join(present, " AND ") +
		" AND NOT EXISTS (SELECT FROM " + target + " AS referred WHERE " + strings.Join(equal, " AND ") + ")"
}

// cutParentheses returns the first pair of parentheses with what is in them, and
// what follows.
func cutParentheses(sql string) (inside, rest string) {
	depth, start := 0, 0
	for _, t := range pg.Tokens(sql) {
		switch t.Text {
		case "(":
			if depth == 0 {
				start = t.Offset
			}
			depth++
		case ")":
			depth--
			if depth == 0 {
				return sql[start : t.Offset+1], sql[t.Offset+1:]
			}
		}
	}
	return "", ""
}

// listed returns the names of a list in parentheses, as they are written.
func listed(columns string) []string {
	var names []string
	for _, t := range pg.Tokens(columns) {
		if t.Name {
			names = append(names, t.Text)
		}
	}
	return names
}

// temporal reports whether a list of columns ends with a range that is compared
// for overlap (18 and later).
func temporal(columns string) bool {
	return strings.Contains(columns, " WITHOUT OVERLAPS") || strings.Contains(columns, "PERIOD ")
}
