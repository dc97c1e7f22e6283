package object

import (
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// foreignTable is a foreign table without its parts, manual chapter 5.12.
type foreignTable struct {
	Server   string   // printed name
	Options  []string // name=value
	Inherits []string `info:"true"` // printed names of the parents, in order; not of a partition's
}

// ForeignTable defines foreign tables. What they are tied to is another object,
// as with tables; so are their columns, constraints and triggers.
func (kinds) ForeignTable(set *kind.Set) {
	kind.Define(set, kind.Spec[foreignTable]{
		Name: "foreign_table", SQL: "FOREIGN TABLE", Grant: "TABLE", Rank: 52, Rename: kind.RenameTo, Hazards: onDrop[foreignTable]("drop-foreign-table"),
		Doc: "Foreign tables with server and options; their columns, constraints, triggers, defaults, parents and partitioned " +
			"tables as those of tables. A foreign table on another server is a new one. No row is lost with it.",
		Found: "pg_foreign_table",
		Query: func(int) string {
			return `SELECT ` + relationColumns + `, quote_ident(s.srvname) AS server, ` + sortedOptions("f.ftoptions") + ` AS options,
	CASE WHEN NOT c.relispartition THEN (SELECT jsonb_agg(i.inhparent::regclass::text ORDER BY i.inhseqno)
		FROM pg_inherits i WHERE i.inhrelid = c.oid) END AS inherits
FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_foreign_server s ON s.oid = f.ftserver
WHERE ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, t foreignTable) []kind.Action {
			end := "\n)"
			if len(t.Inherits) > 0 {
				end += " INHERITS (" + list(t.Inherits) + ")"
			}
			return []kind.Action{{Open: "CREATE FOREIGN TABLE " + qualified(id) + " (\n    ", Separator: ",\n    ",
				Close: end + " SERVER " + kind.Words(t.Server, genericOptions(t.Options)), Relation: id}}
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ foreignTable) []kind.Action {
			return []kind.Action{{SQL: "DROP FOREIGN TABLE " + qualified(id), Relation: id, Lock: kind.AccessExclusive}}
		},
		Alter: kind.Alter[foreignTable]{
			"server": nil,
			"options": func(_ *kind.Ctx, id schema.ID, old, t foreignTable) []kind.Action {
				return []kind.Action{{SQL: "ALTER FOREIGN TABLE " + kind.Words(qualified(id), changeGenericOptions(old.Options, t.Options)),
					Relation: id, Lock: kind.AccessExclusive}}
			},
		},
		Names: func(id schema.ID, _ foreignTable) []string { return relationNames(id) },
		Tied:  tiedTable,
	})
}

// relationOf returns the table or foreign table of the state that a part
// belongs to.
func relationOf(s *schema.State, id schema.ID) schema.ID {
	foreign := schema.ID{Kind: "foreign_table", Schema: id.Schema, Name: id.Name}
	if s.Objects[foreign] != nil {
		return foreign
	}
	return tableOf(id)
}

// ofRelation makes a kind of parts of tables one of parts of foreign tables too:
// their statements say FOREIGN, and what they change holds no rows.
func ofRelation[T any](s kind.Spec[T]) kind.Spec[T] {
	create, drop, retarget := s.Create, s.Drop, s.Retarget
	s.Create = func(c *kind.Ctx, id schema.ID, t T) []kind.Action { return onRelation(c.New, id, create(c, id, t)) }
	s.Drop = func(c *kind.Ctx, id schema.ID, t T) []kind.Action { return onRelation(c.Old, id, drop(c, id, t)) }
	if retarget != nil {
		s.Retarget = func(c *kind.Ctx, id schema.ID, old, new T, replaced schema.ID) []kind.Action {
			return onRelation(c.New, id, retarget(c, id, old, new, replaced))
		}
	}
	for field, alter := range s.Alter {
		if alter != nil {
			s.Alter[field] = func(c *kind.Ctx, id schema.ID, old, new T) []kind.Action {
				return onRelation(c.New, id, alter(c, id, old, new))
			}
		}
	}
	return s
}

// onRelation turns statements about the part of a table into those about the
// same part of a foreign table, if it is one.
func onRelation(s *schema.State, id schema.ID, actions []kind.Action) []kind.Action {
	table, relation := tableOf(id), relationOf(s, id)
	if relation == table {
		return actions
	}
	for i := range actions {
		a := &actions[i]
		if a.Relation == table {
			a.Relation, a.Rewrite, a.Scan, a.Loses, a.Why = relation, false, false, "", ""
		}
		if a.Into != nil && *a.Into == table {
			a.Into = &relation
		}
		a.SQL, a.Open, a.Alters, a.Online = alterForeign(id, a.SQL), alterForeign(id, a.Open), alterForeign(id, a.Alters), nil
	}
	return actions
}

// alterForeign adds the word FOREIGN to a statement that alters the relation.
func alterForeign(id schema.ID, sql string) string {
	for _, only := range []string{"", "ONLY "} {
		if rest, ok := strings.CutPrefix(sql, "ALTER TABLE "+only+qualified(id)+" "); ok {
			return "ALTER FOREIGN TABLE " + only + qualified(id) + " " + rest
		}
	}
	return sql
}
