package cairn

import (
	"context"
	"fmt"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/shadow"
)

// holder has the shadow that a state was built on. A state that comes from the
// cache is built there only when somebody asks for the shadow.
type holder struct {
	shadow     *shadow.Shadow
	build      func(context.Context) (*shadow.Shadow, error)
	at, wanted string // the schema that the state is in on the shadow, and that it is wanted in
	slot       *slot  // where the state is kept, nil when it is not
	changed    bool   // the shadow has served for more than the state
}

// open returns the shadow with the state on it.
func (h *holder) open(ctx context.Context) (*shadow.Shadow, error) {
	if h.shadow == nil {
		s, err := h.build(ctx)
		if err != nil {
			return nil, err
		}
		h.shadow = s
	}
	if h.at != h.wanted {
		_, err := h.shadow.Conn.Exec(ctx, "ALTER SCHEMA "+pg.QuoteIdent(h.at)+" RENAME TO "+pg.QuoteIdent(h.wanted))
		if err != nil {
			return nil, fmt.Errorf("moving the desired state to schema %s: %w", h.wanted, err)
		}
		h.at = h.wanted
	}
	return h.shadow, nil
}

// opened returns the shadow when there is one already, else nil.
func (h *holder) opened() *shadow.Shadow {
	if h == nil {
		return nil
	}
	return h.shadow
}

func (h *holder) close(ctx context.Context) error {
	if h.opened() == nil {
		return nil
	}
	return h.shadow.Close(ctx)
}
