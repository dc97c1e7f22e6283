package cairn

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/layout"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/schema"
)

// Dump returns the SQL that builds a state again in an empty database: the plan
// from nothing to that state. It is one file, or one for each object that stands
// by itself, in an order in which the files can be run one after the other. The
// findings say what the SQL leaves out.
func (e *Engine) Dump(ctx context.Context, r DumpRequest) ([]File, []schema.Finding, error) {
	state, err := e.readOne(ctx, r.From, r.Target, reading{selection: r.Selection, scratch: r.Scratch})
	if err != nil {
		return nil, nil, err
	}
	statements, findings, err := e.dumpState(ctx, state, r.Selection.complete())
	if err != nil {
		return nil, nil, err
	}
	if !r.Split {
		return []File{{Name: "schema.sql", Text: script(statements)}}, findings, nil
	}
	split, err := layout.Files(statements, state)
	if err != nil {
		return nil, nil, fmt.Errorf("splitting the dump into files: %w", err)
	}
	files := make([]File, len(split))
	for i, f := range split {
		files[i] = File{Name: f.Name, Text: script(f.Statements)}
	}
	return files, findings, nil
}

// dumpState returns the statements that build what a selection takes of a state.
func (e *Engine) dumpState(ctx context.Context, state *schema.State, s Selection) ([]plan.Statement, []schema.Finding, error) {
	empty, err := e.readEmpty(ctx, reading{other: state})
	if err != nil {
		return nil, nil, err
	}
	empty.state.Default = ""
	_, findings, err := e.manage(empty.state, state, s)
	if err != nil {
		return nil, nil, err
	}
	statements, err := plan.Statements(e.kinds, empty.state, state)
	return statements, findings, err
}

// script joins statements, a blank line between them.
func script(statements []plan.Statement) string {
	texts := make([]string, len(statements))
	for i, s := range statements {
		texts[i] = s.SQL + ";\n"
	}
	return strings.Join(texts, "\n")
}
