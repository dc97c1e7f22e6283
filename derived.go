package cairn

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/cairn-db/cairn/internal/cache"
	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/partial"
	"github.com/cairn-db/cairn/internal/shadow"
	"github.com/cairn-db/cairn/schema"
)

// Limits of deriving states.
const (
	leastDerived = 600 // statements from which on running some of them twice is less than running all
	mostDerived  = 20  // states in a row that are derived from another
	mostRuns     = 3   // how often the statements are run that depend on a change
	mostFollowed = 100 // part of the statements that is run at most before a script is kept in the place of the one that it followed
)

// errNoRecord says that no script is known that a script could follow.
var errNoRecord = errors.New("no script with few differences is known")

// deriveState returns the state of a script that differs in few statements from one
// whose state is kept. Only what can depend on these statements is run, see package
// partial. When anything about it is not certain nothing is returned, and the
// script is built.
func (e *Engine) deriveState(ctx context.Context, s *slot, c recipe) (read, bool) {
	if !derivable(s, c) {
		return read{}, false
	}
	pieces := c.script.Pieces()
	if len(pieces) < leastDerived {
		return read{}, false
	}
	start := time.Now()
	var d derived
	record, err := s.recalled(pieces)
	if err == nil {
		d, err = e.deriveFrom(ctx, s, c, record, pieces, len(pieces)/4)
	}
	if err != nil {
		e.options.Logger.Debug("the state is not derived from a cached one", "because", err, "took", time.Since(start))
		return read{}, false
	}
	e.event("derive", fmt.Sprintf("derived %d objects of PostgreSQL %d from a cached state by running %d of %d statements",
		len(d.state.Objects), d.state.Server, d.ran, len(pieces)), time.Since(start))
	e.keep(s, d.kept)
	if d.ran > len(pieces)/mostFollowed { // else the next one follows the same script as quickly
		e.record(s, c, pieces, d.row)
	}
	return e.unbuilt(s, c, d.kept), true
}

// derivable reports whether states of a recipe are derived at all: they stand for
// themselves, without what belongs to the server.
func derivable(s *slot, c recipe) bool {
	return s.known() != nil && s.isNew && c.ground == nil && len(c.selection.options()) == 0
}

// derived is a state that was derived.
type derived struct {
	kept
	row int // how many were derived since one was built
	ran int // statements
}

// recalled returns the record of the script that is nearest.
func (s *slot) recalled(pieces []*load.Piece) (partial.Record, error) {
	content, err := s.dir.Get(s.nearest(pieces))
	if err == nil && content == nil {
		err = errNoRecord
	}
	if err != nil {
		return partial.Record{}, err
	}
	record, err := partial.Decode(content)
	if err == nil && record.Derived >= mostDerived {
		err = errors.New("too many states in a row were derived")
	}
	return record, err
}

// deriveFrom derives a state from that of a record by running at most so many
// statements.
func (e *Engine) deriveFrom(ctx context.Context, s *slot, c recipe, record partial.Record, pieces []*load.Piece, most int) (d derived, err error) {
	choice, err := partial.Choose(record, pieces, most)
	if err != nil {
		return derived{}, err
	}
	whole, err := readEntry(s.dir, record.State, c.other)
	if err == nil && whole.state == nil {
		err = errNoRecord
	}
	if err != nil {
		return derived{}, err
	}
	on, err := e.openParts(ctx, c)
	if err != nil {
		return derived{}, err
	}
	defer func() { err = errors.Join(err, on.GiveBack(context.WithoutCancel(ctx))) }()
	for range mostRuns {
		old, err := e.runPart(ctx, on, c, choice.Old())
		if err != nil {
			return derived{}, err
		}
		new, err := e.runPart(ctx, on, c, choice.New())
		if err != nil {
			return derived{}, err
		}
		merged, changed, err := choice.Merge(whole.state, old, new)
		if err != nil {
			return derived{}, err
		}
		if merged {
			next := kept{whole.state, whole.roles, whole.further(record.State, whole.state, changed)}
			return derived{next, record.Derived + 1, choice.Count()}, nil
		}
	}
	return derived{}, errors.New("more and more depends on the change")
}

// openParts opens a shadow for parts of a script, on a server that serves for all of
// it, too.
func (e *Engine) openParts(ctx context.Context, c recipe) (*shadow.Shadow, error) {
	request := e.shadowFor(c.reading)
	request.Statements = c.script.Statements()
	return e.shadows.Open(ctx, request)
}

// runPart returns what some statements make on an empty shadow. They run in one
// transaction, which is rolled back: making another database takes longer than
// most parts.
func (e *Engine) runPart(ctx context.Context, on *shadow.Shadow, c recipe, pieces []*load.Piece) (state *schema.State, err error) {
	if _, err := on.Conn.Exec(ctx, "BEGIN"); err != nil {
		return nil, fmt.Errorf("beginning with a part of the files: %w", err)
	}
	defer func() {
		if _, end := on.Conn.Exec(context.WithoutCancel(ctx), "ROLLBACK"); end != nil {
			err = errors.Join(err, fmt.Errorf("taking a part of the files back: %w", end))
		}
	}()
	if err := prepare(ctx, on.Conn, c.reading); err != nil {
		return nil, err
	}
	loaded, err := c.script.With(pieces).Run(ctx, on.Conn, func(err error) bool { return on.Supply(ctx, err) })
	if err != nil {
		return nil, err
	}
	if !loaded.InOrder {
		return nil, errors.New("statements had to be tried again")
	}
	return e.readBuilt(ctx, on, loaded, c.reading)
}

// record keeps what deriving from a kept state takes.
func (e *Engine) record(s *slot, c recipe, pieces []*load.Piece, row int) {
	if !derivable(s, c) || len(pieces) == 0 {
		return
	}
	if err := s.dir.Put(s.nearest(pieces), partial.NewRecord(s.key, row, pieces).Encode()); err != nil {
		e.options.Logger.Debug("the script is not cached", "because", err)
	}
}

// nearest is where scripts are kept that mostly have the same statements and are
// built alike. The last one stays.
func (s *slot) nearest(pieces []*load.Piece) cache.Key {
	return sha256.Sum256(append(s.frame.Sum([]byte("script ")), partial.Anchor(pieces)...))
}
