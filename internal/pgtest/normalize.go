package pgtest

import (
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

// sortOptions sorts the storage parameters at the end of a statement, which the
// catalog keeps in the order in which they were set.
func sortOptions(sql string) string {
	at := strings.LastIndex(sql, "WITH (")
	if at < 0 || !strings.HasSuffix(sql, ")") || strings.Contains(sql[at:], "\n") {
		return sql
	}
	options := strings.Split(sql[at+len("WITH ("):len(sql)-1], ", ")
	slices.Sort(options)
	return sql[:at] + "WITH (" + strings.Join(options, ", ") + ")"
}
