package cairn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/schema"
)

// SchemaPlan is the plan of one schema of a database that holds many alike.
type SchemaPlan struct {
	Schema string
	Plan   *schema.Plan
}

// PlanEach returns a plan for each schema of the target that a pattern of the
// selection matches, in the order of their names. The desired state names no
// schema; it is built in the first of them, and that for the others is made of what
// was built. The plans are not proven.
func (e *Engine) PlanEach(ctx context.Context, r PlanRequest) (plans []SchemaPlan, err error) {
	if err := r.Selection.checkEach(); err != nil {
		return nil, err
	}
	target, err := e.connect(ctx, r.Target)
	if err != nil {
		return nil, err
	}
	defer target.close(ctx)
	old, err := e.readDatabase(ctx, target)
	if err != nil {
		return nil, err
	}
	names, err := matchingSchemas(ctx, target, r.Selection.Schemas)
	if err != nil {
		return nil, err
	}
	selection := r.Selection
	selection.Schemas = names[:1]
	desired, err := e.read(ctx, r.Desired, reading{target: target, other: old, selection: selection, alike: names, scratch: r.Scratch})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, desired.close(ctx)) }()
	if desired.shadow == nil && len(names) > 1 {
		return nil, hinted{errors.New("only SQL files can be planned for many schemas"), "name one schema, or give a file"}
	}
	moves, err := e.newMover(ctx, desired, names)
	if err != nil {
		return nil, err
	}
	parts := e.bySchema(old, names)
	for _, name := range names {
		goal, err := moves.to(ctx, name)
		if err != nil {
			return nil, err
		}
		part := stateOf(old, parts[name])
		delete(parts, name)
		each := r
		each.Prove = NoProof
		each.Selection.Schemas = []string{name}
		p, err := e.planFor(ctx, target, part, &goal, each)
		if err != nil {
			return nil, fmt.Errorf("planning schema %s: %w", name, err)
		}
		if err := e.finish(ctx, target, goal, p, r.Policy); err != nil {
			return nil, err
		}
		plans = append(plans, SchemaPlan{name, p})
	}
	return plans, nil
}

// matchingSchemas lists the schemas of the target that match a pattern. A name
// without a wildcard need not exist.
func matchingSchemas(ctx context.Context, t *target, patterns []string) ([]string, error) {
	rows, err := t.conn.Query(ctx, `SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname COLLATE "C"`)
	if err != nil {
		return nil, fmt.Errorf("reading the schemas: %w", err)
	}
	existing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("reading the schemas: %w", err)
	}
	var names []string
	for _, pattern := range patterns {
		matched := false
		for _, name := range existing {
			ok, err := path.Match(pattern, name)
			if err != nil {
				return nil, fmt.Errorf("reading the schema pattern %q: %w", pattern, err)
			}
			if ok {
				names, matched = append(names, name), true
			}
		}
		if !matched && !IsPattern(pattern) {
			names = append(names, pattern)
		}
	}
	if len(names) == 0 {
		return nil, hinted{fmt.Errorf("no schema of database %s matches %s", t.identity.Name, strings.Join(patterns, ", ")),
			"name an existing schema, or another pattern"}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// IsPattern reports whether the name of a schema is a pattern for many.
func IsPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// bySchema takes a state apart: it returns the objects of each named schema, with
// those that say for all schemas which privileges a new object has. The state keeps
// none, so that what was planned can be given back.
func (e *Engine) bySchema(s *schema.State, names []string) map[string][]*schema.Object {
	parts := map[string][]*schema.Object{}
	for _, name := range names {
		parts[name] = nil
	}
	for id, o := range s.Objects {
		if id.Schema == "" && e.kinds.Of(id).Privilege {
			for _, name := range names {
				parts[name] = append(parts[name], o)
			}
		} else if part, named := parts[cmp.Or(id.Schema, id.Name)]; named {
			parts[cmp.Or(id.Schema, id.Name)] = append(part, o)
		}
	}
	s.Objects = nil
	return parts
}

// stateOf returns a state like another one, with these objects.
func stateOf(like *schema.State, objects []*schema.Object) *schema.State {
	s := *like
	s.Objects, s.Outside = make(map[schema.ID]*schema.Object, len(objects)), map[schema.ID]*schema.Object{}
	for _, o := range objects {
		s.Objects[o.ID] = o
	}
	return &s
}
