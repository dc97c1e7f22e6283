package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// DatabaseSetting defines the settings of the database.
func (kinds) DatabaseSetting(set *kind.Set) {
	change := func(id schema.ID, s parameterSetting) []kind.Action {
		return kind.Do("ALTER DATABASE " + outsideSchemas(id) + " SET " + printSetting(id.Part+"="+s.Value))
	}
	kind.Define(set, kind.Spec[parameterSetting]{
		Name: "database_setting", Rank: 4, Option: kind.Database,
		Doc: "With `--database-settings`: settings of the target's database (ALTER DATABASE ... SET). Parameters whose name contains " +
			"`password` or `secret` are neither read nor set.",
		Query: func(int) string {
			return `SELECT 'pg_db_role_setting'::regclass::oid AS classid, d.oid AS objid, -row_number() OVER (ORDER BY x.name) AS objsubid,
	d.datname AS name, x.name AS part, 'pg_database'::regclass::oid AS pclass, d.oid AS pobj, 0 AS psub, x.value
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase ` + settingsOf("s") + `
WHERE s.setrole = 0 AND ` + currentDatabase
		},
		Ref:    func(id schema.ID) string { return pg.QuoteIdent(id.Part) },
		Create: func(_ *kind.Ctx, id schema.ID, s parameterSetting) []kind.Action { return change(id, s) },
		Drop: func(_ *kind.Ctx, id schema.ID, _ parameterSetting) []kind.Action {
			return kind.Do("ALTER DATABASE " + outsideSchemas(id) + " RESET " + pg.QuoteIdent(id.Part))
		},
		Alter: kind.Alter[parameterSetting]{
			"value": func(_ *kind.Ctx, id schema.ID, _, s parameterSetting) []kind.Action { return change(id, s) },
		},
		InDatabase: toDatabase,
	})
}
