package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// materializedView is a materialized view, manual chapter 41.3.
type materializedView struct {
	Definition string `print:"true"`
	Method     string // table access method, "" for the server's default
	Tablespace string
	Options    []string
	Populated  bool
}

// MaterializedView defines materialized views. Their indexes are objects of
// their own and are built again with them.
func (kinds) MaterializedView(set *kind.Set) {
	kind.Define(set, kind.Spec[materializedView]{
		Name: "materialized_view", SQL: "MATERIALIZED VIEW", Grant: "TABLE", Rank: 110, Rename: kind.RenameTo, Hazards: materializedViewHazards,
		Doc: "Materialized views with storage parameters, access method, tablespace, and whether they hold rows. " +
			"A changed definition builds the view again.",
		Found: ofUsers("pg_class") + " AND relkind = 'm'",
		Query: func(int) string {
			return `SELECT ` + relationColumns + `, c.reltuples AS tuples, ` + relationSize + ` AS bytes,
	rtrim(pg_get_viewdef(c.oid), ';') AS definition, quote_ident(NULLIF(am.amname, 'heap')) AS method,
	quote_ident(sp.spcname) AS tablespace, ` + sortedOptions("c.reloptions") + ` AS options, c.relispopulated AS populated
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam
	LEFT JOIN pg_tablespace sp ON sp.oid = c.reltablespace
WHERE c.relkind = 'm' AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, m materializedView) []kind.Action {
			sql := "CREATE MATERIALIZED VIEW " + qualified(id)
			if m.Method != "" {
				sql += " USING " + m.Method
			}
			sql += withOptions(m.Options)
			if m.Tablespace != "" {
				sql += " TABLESPACE " + m.Tablespace
			}
			return kind.Do(sql + " AS\n" + m.Definition + onOff(m.Populated, "", "\nWITH NO DATA"))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ materializedView) []kind.Action {
			return kind.Do("DROP MATERIALIZED VIEW " + qualified(id))
		},
		Alter: kind.Alter[materializedView]{
			"definition": nil,
			"method": func(c *kind.Ctx, id schema.ID, _, m materializedView) []kind.Action {
				if c.Server < 15 {
					return nil
				}
				method := m.Method
				if method == "" {
					method = "heap"
				}
				return kind.Do("ALTER MATERIALIZED VIEW " + qualified(id) + " SET ACCESS METHOD " + method)
			},
			"tablespace": func(_ *kind.Ctx, id schema.ID, _, m materializedView) []kind.Action {
				space := m.Tablespace
				if space == "" {
					space = "pg_default"
				}
				return kind.Do("ALTER MATERIALIZED VIEW " + qualified(id) + " SET TABLESPACE " + space)
			},
			"options": func(_ *kind.Ctx, id schema.ID, old, m materializedView) []kind.Action {
				return alterOptions("ALTER MATERIALIZED VIEW "+qualified(id), old.Options, m.Options)
			},
			"populated": func(_ *kind.Ctx, id schema.ID, _, m materializedView) []kind.Action {
				return kind.Do("REFRESH MATERIALIZED VIEW " + qualified(id) + onOff(m.Populated, "", " WITH NO DATA"))
			},
		},
		Names: func(id schema.ID, _ materializedView) []string { return relationNames(id) },
	})
}
