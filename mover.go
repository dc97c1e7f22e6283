package cairn

import (
	"context"
	"fmt"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/stencil"
	"github.com/cairn-db/cairn/schema"
)

// mover gives the state that files made in one schema for others.
type mover struct {
	engine   *Engine
	built    read
	in       string                               // the schema that it was built in
	stencils map[stencil.Quoting]*stencil.Stencil // nil where the two readings differ in more than the name
}

// newMover reads what it needs for the schemas of the given names, the first of
// which the state was built in, before the shadow serves for more.
func (e *Engine) newMover(ctx context.Context, built read, names []string) (*mover, error) {
	m := &mover{engine: e, built: built, in: names[0], stencils: map[stencil.Quoting]*stencil.Stencil{}}
	for _, name := range names[1:] {
		q := stencil.QuotingOf(name)
		if _, made := m.stencils[q]; made || q == stencil.Other {
			continue
		}
		var err error
		if m.stencils[q], err = m.stencil(ctx, stencil.NamesFor(q, built.state)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// stencil reads the state under two names, or takes what was read another time.
func (m *mover) stencil(ctx context.Context, names stencil.Names) (*stencil.Stencil, error) {
	place := m.built.shadow.slot.moved(names.First)
	if found := m.engine.lookUp(place, nil); found.state != nil {
		return stencil.Known(names, found.state), nil
	}
	first, err := m.read(ctx, names.First)
	if err != nil {
		return nil, err
	}
	last, err := m.read(ctx, names.Last)
	if err != nil {
		return nil, err
	}
	s := stencil.New(names, first, last)
	if s != nil && place != nil && m.built.shadow.slot.isNew {
		m.engine.keep(place, kept{state: first})
	}
	return s, nil
}

// to returns the state in a schema.
func (m *mover) to(ctx context.Context, name string) (moved read, err error) {
	moved = m.built
	if moved.shadow != nil {
		moved.shadow.wanted = name
	}
	if name == m.in {
		return moved, nil
	}
	if s := m.stencils[stencil.QuotingOf(name)]; s != nil {
		if moved.state = s.State(name); moved.state != nil {
			return moved, nil
		}
	}
	moved.state, err = m.read(ctx, name)
	return moved, err
}

// read renames the schema on the shadow and reads it again.
func (m *mover) read(ctx context.Context, name string) (*schema.State, error) {
	m.built.shadow.wanted = name
	s, err := m.built.shadow.open(ctx)
	if err != nil {
		return nil, err
	}
	state, err := catalog.Read(ctx, s.Conn, m.engine.kinds,
		catalog.Options{Server: m.built.state.Server, Unowned: s.Unowned, Default: s.Unowned})
	if err != nil {
		return nil, fmt.Errorf("reading the shadow: %w", err)
	}
	return state, nil
}
