package pgtest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// sortStatements splits a dump into statements, sorts the lines inside CREATE
// TABLE and CREATE TYPE AS, and sorts the statements.
func sortStatements(dump string) []string {
	statements, err := pg.Split("pg_dump", dump)
	if err != nil {
		return []string{dump}
	}
	texts := make([]string, len(statements))
	for i, s := range statements {
		texts[i] = sortOptions(sortColumns(s.SQL)) + ";"
	}
	slices.Sort(texts)
	return texts
}

func sortColumns(sql string) string {
	head, body, ok := strings.Cut(sql, "(\n")
	composite := strings.HasPrefix(head, "CREATE TYPE ") && strings.HasSuffix(head, " AS ")
	if !ok || !composite && (!strings.HasPrefix(sql, "CREATE ") || !strings.Contains(head, "TABLE")) {
		return sql
	}
	body, tail, ok := strings.Cut(body, "\n)")
	if !ok {
		return sql
	}
	lines := strings.Split(body, ",\n")
	slices.Sort(lines)
	return head + "(\n" + strings.Join(lines, ",\n") + "\n)" + tail
}

var storageParameters = regexp.MustCompile(`WITH \(([^()]*)\)`)

// sortOptions sorts storage parameters, which the catalog keeps in the order in
// which they were set.
func sortOptions(sql string) string {
	return storageParameters.ReplaceAllStringFunc(sql, func(list string) string {
		options := strings.Split(strings.TrimSuffix(strings.TrimPrefix(list, "WITH ("), ")"), ", ")
		slices.Sort(options)
		return "WITH (" + strings.Join(options, ", ") + ")"
	})
}
