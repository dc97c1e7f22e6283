package prove

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// condition is what rows of a table have to fulfil: a check constraint, or the
// bound of a partition.
type condition struct {
	text    string
	columns []int // places of the columns that it names
	numbers []string
	strings []string // literals, unquoted
	lengths []int
}

// newCondition finds the columns and the literals of an expression. It reports
// whether the expression is about columns that are filled in.
func newCondition(text string, columns []column) (condition, bool) {
	c := condition{text: text}
	computed := false
	for _, t := range pg.Tokens(text) {
		if t.Comment {
			continue
		}
		raw := t.Text
		switch {
		case t.Name:
			for i, col := range columns {
				if col.Name == t.Ident() && !slices.Contains(c.columns, i) {
					c.columns = append(c.columns, i)
					computed = computed || col.Generated
				}
			}
		case strings.HasPrefix(raw, "'"):
			c.strings = append(c.strings, strings.ReplaceAll(strings.Trim(raw, "'"), "''", "'"))
			if _, err := strconv.ParseFloat(strings.Trim(raw, "'"), 64); err == nil {
				c.numbers = append(c.numbers, strings.Trim(raw, "'"))
			}
		case raw != "" && raw[0] >= '0' && raw[0] <= '9':
			c.numbers = append(c.numbers, raw)
			if n, err := strconv.Atoi(raw); err == nil && n < 1000 {
				c.lengths = append(c.lengths, n)
			}
		}
	}
	return c, len(c.columns) > 0 && !computed
}

// factor is a column, or some that only go together, with values to choose from.
type factor struct {
	columns []int
	tuples  [][]string // SQL, one value for each column
}

// most bounds how many combinations the server looks at, and how many values
// one column can have in them.
const (
	most        = 4000
	mostMatches = 60
)

// matching is the query for the places of the tuples that fulfil conditions
// together, those of early ones first.
func matching(factors []factor, columns []column, conditions []condition) string {
	each := most
	if len(factors) > 1 {
		each = 1
		for pow(each+1, len(factors)) <= most {
			each++
		}
	}
	var places, from, where []string
	for i, f := range factors {
		names := []string{fmt.Sprintf("cairn_%d", i)}
		for _, c := range f.columns {
			names = append(names, pg.QuoteIdent(columns[c].Name))
		}
		var rows []string
		for n, tuple := range f.tuples[:min(len(f.tuples), each)] {
			rows = append(rows, fmt.Sprintf("(%d,%s)", n, strings.Join(tuple, ",")))
		}
		places = append(places, names[0])
		from = append(from, fmt.Sprintf("(VALUES %s) AS f%d(%s)", strings.Join(rows, ","), i, strings.Join(names, ",")))
	}
	for _, c := range conditions {
		where = append(where, "("+c.text+") IS NOT FALSE")
	}
	return "SELECT ARRAY[" + strings.Join(places, ",") + "]::int8[] FROM " + strings.Join(from, " CROSS JOIN ") + " WHERE " + strings.Join(where, " AND ") +
		" ORDER BY " + strings.Join(places, "+") + ", 1 LIMIT " + strconv.Itoa(mostMatches)
}

func pow(n, times int) int {
	result := 1
	for range times {
		result *= n
	}
	return result
}

// spread chooses up to n of the matches, each as different from the others as
// they allow.
func spread(matches [][]int64, n int) [][]int64 {
	var chosen [][]int64
	for len(chosen) < n {
		best, most := -1, 0
		for i, m := range matches {
			if fresh := different(m, chosen); fresh > most {
				best, most = i, fresh
			}
		}
		if best < 0 {
			return chosen
		}
		chosen = append(chosen, matches[best])
	}
	return chosen
}

// different counts the places in which a match differs from all others.
func different(m []int64, others [][]int64) int {
	n := 0
	for i := range m {
		if !slices.ContainsFunc(others, func(o []int64) bool { return o[i] == m[i] }) {
			n++
		}
	}
	return n
}

// components divides factors into those that conditions tie together.
func components(factors []factor, conditions []condition) (groups [][]int, of [][]condition) {
	group := make([]int, len(factors))
	for i := range group {
		group[i] = i
	}
	at := map[int]int{} // factor of each column
	for i, f := range factors {
		for _, c := range f.columns {
			at[c] = i
		}
	}
	for _, c := range conditions {
		for _, col := range c.columns[1:] {
			from, to := group[at[col]], group[at[c.columns[0]]]
			for i := range group {
				if group[i] == from {
					group[i] = to
				}
			}
		}
	}
	for g := range factors {
		var members []int
		for i := range factors {
			if group[i] == g {
				members = append(members, i)
			}
		}
		if len(members) == 0 {
			continue
		}
		var own []condition
		for _, c := range conditions {
			if group[at[c.columns[0]]] == g {
				own = append(own, c)
			}
		}
		groups, of = append(groups, members), append(of, own)
	}
	return groups, of
}
