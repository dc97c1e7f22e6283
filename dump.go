package cairn

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// Dump returns the SQL that builds a state again in an empty database: the plan
// from nothing to that state, cut into one file for each object that stands by
// itself. The files run in the order in which they are returned.
func (e *Engine) Dump(ctx context.Context, r DumpRequest) ([]File, error) {
	state, err := e.dumped(ctx, r)
	if err != nil {
		return nil, err
	}
	empty, err := e.readEmpty(ctx, reading{other: state})
	if err != nil {
		return nil, err
	}
	empty.state.Default = ""
	p, err := e.compare(ctx, empty.state, read{state: state}, r.Selection.complete())
	if err != nil {
		return nil, err
	}
	return files(p), nil
}

func (e *Engine) dumped(ctx context.Context, r DumpRequest) (*schema.State, error) {
	if r.From != "" {
		result, err := e.read(ctx, r.From, reading{selection: r.Selection, scratch: r.Scratch})
		if err != nil {
			return nil, err
		}
		return result.state, result.close(ctx)
	}
	t, err := e.connect(ctx, r.Target)
	if err != nil {
		return nil, err
	}
	defer t.close(ctx)
	return e.readDatabase(ctx, t)
}

// files cuts the steps of a plan into files by the object that each step is
// for, keeping their order: a file ends where another object's step follows.
func files(p *schema.Plan) []File {
	parents := map[string]string{}
	for _, c := range p.Changes {
		parents[c.Object] = c.Parent
	}
	var result []File
	var text strings.Builder
	current := ""
	flush := func() {
		if text.Len() > 0 {
			result = append(result, File{Name: fmt.Sprintf("%04d_%s.sql", len(result)+1, fileName(current)), Text: text.String()})
			text.Reset()
		}
	}
	for _, s := range p.Steps {
		whole := s.Object
		for parents[whole] != "" {
			whole = parents[whole]
		}
		if whole != current {
			flush()
			current = whole
		}
		text.WriteString(s.SQL + ";\n\n")
	}
	flush()
	return result
}

// fileName makes a file name of the text of an identity.
func fileName(object string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		case r == ':':
			return '-'
		}
		return '_'
	}, object)
}
