package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// enum is an enumerated type, manual chapter 8.7.
type enum struct {
	Labels []string // in their order, which is that of the values
}

// Enum defines enumerated types.
//
// Labels are added in place. PostgreSQL can neither remove nor move one, so
// every other change makes a new type and moves the columns over by their text.
func (kinds) Enum(set *kind.Set) {
	kind.Define(set, kind.Spec[enum]{
		Name: "enum", SQL: "TYPE", Grant: "TYPE", Rank: 20, Rename: kind.RenameTo, Hazards: enumHazards,
		Doc: "Enumerated types. Labels are added in place, and committed before they are used; a label that is removed " +
			"or moved makes a new type, to which columns move.",
		Found: ofUsers("pg_type") + " AND typtype = 'e'",
		Query: func(int) string {
			return `SELECT ` + typeColumns + `, l.labels
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN (SELECT enumtypid, json_agg(enumlabel ORDER BY enumsortorder)
	AS labels FROM pg_enum GROUP BY enumtypid) l ON l.enumtypid = t.oid
WHERE t.typtype = 'e' AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, e enum) []kind.Action {
			labels := make([]string, len(e.Labels))
			for i, l := range e.Labels {
				labels[i] = pg.QuoteLiteral(l)
			}
			return kind.Do("CREATE TYPE " + qualified(id) + " AS ENUM (" + list(labels) + ")")
		},
		Drop: dropType[enum],
		Alter: kind.Alter[enum]{
			"labels": func(_ *kind.Ctx, id schema.ID, old, e enum) []kind.Action { return addLabels(id, old, e) },
		},
		Names:     func(id schema.ID, _ enum) []string { return typeNames(id) },
		Aside:     setAside[enum],
		DropAside: dropAside[enum],
	})
}

// addLabels adds the new labels from the first to the last, each behind the one
// before it, which is there by then. It returns nil when an old label would have
// to go or to move. A label cannot be used by the transaction that adds it.
func addLabels(id schema.ID, old, e enum) []kind.Action {
	kept := slices.DeleteFunc(slices.Clone(e.Labels), func(l string) bool { return !slices.Contains(old.Labels, l) })
	if !slices.Equal(kept, old.Labels) {
		return nil
	}
	var actions []kind.Action
	for i, l := range e.Labels {
		if slices.Contains(old.Labels, l) {
			continue
		}
		place := ""
		if later := slices.ContainsFunc(e.Labels[i:], func(l string) bool { return slices.Contains(old.Labels, l) }); later && i == 0 {
			place = " BEFORE " + pg.QuoteLiteral(old.Labels[0])
		} else if later {
			place = " AFTER " + pg.QuoteLiteral(e.Labels[i-1])
		}
		actions = append(actions, kind.Action{SQL: "ALTER TYPE " + qualified(id) + " ADD VALUE " + pg.QuoteLiteral(l) + place})
	}
	actions[len(actions)-1].Commit = true
	return actions
}

// typeColumns are the identity, the owner and the privileges of a type t in the
// namespace n. Everybody may use a new type (manual table 5.2).
const typeColumns = `'pg_type'::regclass::oid AS classid, t.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, t.typname AS name, pg_get_userbyid(t.typowner) AS owner,
	array_to_json(t.typacl::text[]) AS acl, array_to_json(acldefault('T', t.typowner)::text[]) AS acldefault`

// typeNames is the name that a type takes.
func typeNames(id schema.ID) []string { return []string{"type " + id.Schema + "." + id.Name} }

func dropType[T any](_ *kind.Ctx, id schema.ID, _ T) []kind.Action {
	return kind.Do("DROP TYPE " + qualified(id))
}

// setAside renames a type, which takes its array type along.
func setAside[T any](c *kind.Ctx, id schema.ID, _ T) []kind.Action {
	return kind.Do("ALTER TYPE " + qualified(id) + " RENAME TO " + pg.QuoteIdent(asideName(c, id.Name)))
}

func dropAside[T any](c *kind.Ctx, id schema.ID, _ T) []kind.Action {
	return kind.Do("DROP TYPE " + pg.QuoteName(id.Schema, asideName(c, id.Name)))
}
