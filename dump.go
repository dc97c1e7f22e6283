package cairn

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/layout"
	"github.com/cairn-db/cairn/internal/plan"
)

// Dump returns the SQL that builds a state again in an empty database: the plan
// from nothing to that state. It is one file, or one for each object that stands
// by itself, in an order in which the files can be run one after the other.
func (e *Engine) Dump(ctx context.Context, r DumpRequest) ([]File, error) {
	state, err := e.readOne(ctx, r.From, r.Target, reading{selection: r.Selection, scratch: r.Scratch})
	if err != nil {
		return nil, err
	}
	empty, err := e.readEmpty(ctx, reading{other: state})
	if err != nil {
		return nil, err
	}
	empty.state.Default = ""
	if _, _, err := e.manage(empty.state, state, r.Selection.complete()); err != nil {
		return nil, err
	}
	statements, err := plan.Statements(e.kinds, empty.state, state)
	if err != nil {
		return nil, err
	}
	if !r.Split {
		return []File{{Name: "schema.sql", Text: script(statements)}}, nil
	}
	split, err := layout.Files(statements, state)
	if err != nil {
		return nil, fmt.Errorf("splitting the dump into files: %w", err)
	}
	files := make([]File, len(split))
	for i, f := range split {
		files[i] = File{Name: f.Name, Text: script(f.Statements)}
	}
	return files, nil
}

// script joins statements, a blank line between them.
func script(statements []plan.Statement) string {
	texts := make([]string, len(statements))
	for i, s := range statements {
		texts[i] = s.SQL + ";\n"
	}
	return strings.Join(texts, "\n")
}
