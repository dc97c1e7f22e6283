package cairn

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairn-db/cairn/internal/server"
)

// Doctor checks what plan and apply need, without changing anything: the
// connection, the version, the rights of the role, and the shadow.
func (e *Engine) Doctor(ctx context.Context, r PlanRequest) []Check {
	t, err := e.connect(ctx, r.Target)
	if err != nil {
		return []Check{failed("connection", err), e.checkShadow(ctx, reading{scratch: r.Scratch})}
	}
	defer t.close(ctx)
	checks := []Check{
		{Name: "connection", OK: true, Message: fmt.Sprintf("database %s as role %s", t.identity.Name, t.user)},
		{Name: "server version", OK: true, Message: fmt.Sprintf("PostgreSQL %d", t.major)},
		e.checkRights(ctx, t),
	}
	if _, err := e.readDatabase(ctx, t); err != nil {
		checks = append(checks, failed("catalogs", err))
	} else {
		checks = append(checks, Check{Name: "catalogs", OK: true, Message: "readable"})
	}
	return append(checks, e.checkShadow(ctx, reading{target: t, scratch: r.Scratch}))
}

// checkRights counts the relations that the role could not alter.
func (e *Engine) checkRights(ctx context.Context, t *target) Check {
	var foreign int
	var create bool
	err := t.conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT pg_has_role(c.relowner, 'USAGE')),
	has_database_privilege(current_database(), 'CREATE')`).Scan(&foreign, &create)
	switch {
	case err != nil:
		return failed("rights", fmt.Errorf("reading rights: %w", err))
	case foreign > 0:
		return Check{Name: "rights", Message: fmt.Sprintf("%d relations belong to roles that %s is no member of", foreign, t.user),
			Hint: "connect as the owner of the schema, or grant its role to " + t.user}
	case !create:
		return Check{Name: "rights", OK: true, Message: t.user + " owns every relation, but may not create schemas"}
	}
	return Check{Name: "rights", OK: true, Message: t.user + " owns every relation and may create schemas"}
}

// checkShadow builds an empty state the way plan builds the desired one.
func (e *Engine) checkShadow(ctx context.Context, r reading) Check {
	built, err := e.build(ctx, nil, r)
	if err == nil {
		err = built.close(ctx)
	}
	if err != nil {
		return failed("shadow", err)
	}
	return Check{Name: "shadow", OK: true, Message: "a scratch database can be built"}
}

func failed(name string, err error) Check {
	c := Check{Name: name, Message: err.Error()}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		c.Hint = h.Hint()
	}
	return c
}

// Embedded is a local database that Cairn keeps for the user.
type Embedded struct {
	Name      string `json:"name"`
	Major     int    `json:"major"` // version of its server
	Running   bool   `json:"running"`
	Directory string `json:"directory"`
}

// EmbeddedList returns the embedded databases by name.
func (e *Engine) EmbeddedList() ([]Embedded, error) {
	kept, err := server.ListEmbedded(e.servers)
	if err != nil {
		return nil, err
	}
	list := make([]Embedded, len(kept))
	for i, k := range kept {
		list[i] = Embedded{Name: k.Name, Major: k.Major, Running: k.Running, Directory: k.Dir}
	}
	return list, nil
}

// EmbeddedStop stops the server of an embedded database; its data stay.
func (e *Engine) EmbeddedStop(ctx context.Context, name string) error {
	return server.StopEmbedded(ctx, name, e.servers)
}

// EmbeddedRemove stops an embedded database and deletes it.
func (e *Engine) EmbeddedRemove(ctx context.Context, name string) error {
	return server.RemoveEmbedded(ctx, name, e.servers)
}
