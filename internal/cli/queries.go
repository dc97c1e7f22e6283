package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
)

// queries are those of verify in cairn.yaml: files, queries and expressions.
func (c *config) queries() ([]cairn.Query, error) {
	var list []cairn.Query
	for _, entry := range c.verify {
		query := cairn.Query{Name: strings.Join(strings.Fields(entry), " ")}
		text, name := entry, c.path
		if strings.HasSuffix(strings.ToLower(entry), ".sql") && !strings.ContainsAny(entry, "\n;()") {
			name = c.beside(entry)
			content, err := os.ReadFile(name)
			if err != nil {
				return nil, hintf("verify in "+c.path+" lists files, queries and expressions", "reading what to verify: %w", pathError(err, name))
			}
			text = string(content)
		}
		statements, err := pg.Split(name, text)
		if err != nil {
			return nil, fmt.Errorf("reading what to verify: %w", err)
		}
		for _, s := range statements {
			if s.Copy || s.Meta != "" {
				return nil, fmt.Errorf("reading what to verify: %s:%d:%d: it is no query", s.File, s.Line, s.Column)
			}
			query.Statements = append(query.Statements, question(s.SQL))
		}
		if len(query.Statements) == 0 {
			return nil, fmt.Errorf("reading what to verify: %s holds no query", name)
		}
		list = append(list, query)
	}
	return list, nil
}

// question makes a query of an expression.
func question(sql string) string {
	if words := pg.Words(sql, 1); len(words) > 0 {
		switch words[0] {
		case "SELECT", "WITH", "VALUES", "TABLE":
			return sql
		}
	}
	return "SELECT (" + sql + "\n)"
}
