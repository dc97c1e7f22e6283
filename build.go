package cairn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/internal/shadow"
	"github.com/cairn-db/cairn/schema"
)

// recipe is what a state is built from.
type recipe struct {
	script *load.Script
	ground *schema.State // what the shadow holds before, nil for nothing
	reading
}

// build returns the state that SQL makes: a cached one, or what is read back from a
// shadow on which it was run. The caller closes the result. Files of a part of the
// target may use the rest of it: when they do, the rest is made on the shadow
// first.
func (e *Engine) build(ctx context.Context, sources []load.Source, r reading) (read, error) {
	script, err := load.Parse(sources, load.Options{
		CreateRoles: true, SearchPath: searchPath(r.selection), Schema: only(r.selection.Schemas), Roles: r.selection.Roles, Database: r.selection.Database,
		Name: databaseName(r), NoInherit: e.noInherit(r.other),
	})
	if err != nil {
		return read{}, err
	}
	plain := recipe{script: script, reading: r}
	at := e.slotOf(ctx, plain)
	if found, ok := e.recall(at, plain); ok {
		return found, nil
	}
	if found, ok := e.deriveState(ctx, at, plain); ok {
		return found, nil
	}
	upon, atUpon := recipe{}, (*slot)(nil)
	if at != nil { // what is kept was built only after the attempt without a ground
		if upon, err = e.uponRest(plain); err == nil && upon.ground != nil {
			atUpon = e.slotOf(ctx, upon)
		}
		if found, ok := e.recall(atUpon, upon); ok {
			return found, nil
		}
	}
	result, err := e.buildUpon(ctx, plain, at)
	if !load.IsMissing(err) || r.other == nil {
		return result, err
	}
	upon, restErr := e.uponRest(plain)
	if restErr != nil || upon.ground == nil {
		return read{}, errors.Join(err, restErr)
	}
	second, retryErr := e.buildUpon(ctx, upon, atUpon)
	if retryErr == nil || load.IsMissing(retryErr) {
		return second, retryErr
	}
	return read{}, err // the files make what the rest holds, too
}

// uponRest is the recipe upon the rest of the target, without a ground when there
// is none.
func (e *Engine) uponRest(c recipe) (recipe, error) {
	if c.other == nil {
		return c, nil
	}
	plain, _ := scope.Plain(e.kinds, c.other)
	rest, err := scope.Rest(e.kinds, schema.Scope{Schemas: append(slices.Clip(c.alike), c.selection.Schemas...), Ignore: c.selection.Ignore}, plain)
	if err != nil || rest == nil {
		return c, err
	}
	c.ground = e.unowned(rest)
	if c.selection.Roles {
		c.ground.Roles = nil // a role that is there already could not be created
	}
	return c, nil
}

// buildUpon builds the state of a recipe and keeps it, if there is a place for it.
func (e *Engine) buildUpon(ctx context.Context, c recipe, at *slot) (result read, err error) {
	start := time.Now()
	s, loaded, err := e.load(ctx, c, at)
	if err != nil {
		return read{}, err
	}
	state, err := e.readBuilt(ctx, s, loaded, c.reading)
	if err != nil {
		return read{}, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	e.event("build", fmt.Sprintf("built %d objects on PostgreSQL %d", len(state.Objects), state.Server), time.Since(start))
	held := &holder{shadow: s, at: only(c.selection.Schemas)}
	if at.known() != nil && at.isNew {
		e.keep(at, kept{state: state, roles: loaded.Roles})
		if loaded.InOrder {
			e.record(at, c, c.script.Pieces(), 0)
		}
		held.slot = at
	}
	held.wanted = held.at
	return e.built(state, loaded, held), nil
}

// load opens a shadow and runs on it what a recipe says.
func (e *Engine) load(ctx context.Context, c recipe, at *slot) (s *shadow.Shadow, loaded load.Result, err error) {
	if c.scratch.Shadow == shadow.Target && c.target == nil {
		return nil, loaded, hinted{errors.New("--shadow target needs a target"), "leave it out, or give the URL of an empty database"}
	}
	if err := c.selection.checkShadow(c.scratch.Shadow); err != nil {
		return nil, loaded, err
	}
	request := e.shadowFor(c.reading)
	request.Statements = c.script.Statements()
	if s, err = e.shadows.Open(ctx, request); err != nil {
		return nil, loaded, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}()
	e.locate(ctx, at, s)
	if c.ground != nil {
		if _, err := e.fill(ctx, s, c.ground, c.ground.Server); err != nil {
			return nil, loaded, err
		}
	}
	if err := prepare(ctx, s.Conn, c.reading); err != nil {
		return nil, loaded, err
	}
	loaded, err = c.script.Run(ctx, s.Conn, func(err error) bool { return s.Supply(ctx, err) })
	return s, loaded, err
}

// shadowFor is the request for the shadow that files are loaded on.
func (e *Engine) shadowFor(r reading) shadow.Request {
	request := shadow.Request{Where: r.scratch.Shadow, Major: e.majorFor(r), Options: e.connectOptions(), Server: e.servers, Alone: r.selection.Roles}
	if r.target != nil {
		request.Beside, request.Encoding = r.target.conn, r.target.encoding
	}
	return request
}

// readBuilt reads what files made on a shadow.
func (e *Engine) readBuilt(ctx context.Context, s *shadow.Shadow, loaded load.Result, r reading) (*schema.State, error) {
	major, err := pg.CheckVersion(s.Conn)
	if err != nil {
		return nil, err
	}
	state, err := catalog.Read(ctx, s.Conn, e.kinds,
		catalog.Options{Server: major, Unowned: s.Unowned, Default: s.Unowned, With: r.selection.options(), Like: r.other})
	if err != nil {
		return nil, fmt.Errorf("reading the shadow: %w", err)
	}
	scope.Mentioned(e.kinds, state, loaded.Roles)
	return state, nil
}

// built is a state with what its files say beside it. It gets the name of their
// database.
func (e *Engine) built(state *schema.State, loaded load.Result, held *holder) read {
	if loaded.Name == "" {
		loaded.Name = scope.Unnamed
	}
	scope.Call(e.kinds, state, loaded.Name)
	result := read{state: state, shadow: held, renames: loaded.Renames}
	for _, f := range loaded.Findings {
		result.findings = append(result.findings,
			schema.Finding{Code: f.Code, File: f.File, Line: f.Line, Column: f.Column, Message: f.Message, Hint: f.Hint})
	}
	return result
}

// prepare creates the extensions that the configuration names.
func prepare(ctx context.Context, conn *pgx.Conn, r reading) error {
	for _, x := range r.scratch.Extensions {
		if _, err := conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS "+pg.QuoteIdent(x)+" CASCADE"); err != nil {
			return hinted{fmt.Errorf("creating extension %s on the shadow: %w", x, err),
				"install the extension for the shadow's server, or name a server that has it with --shadow"}
		}
	}
	return nil
}
