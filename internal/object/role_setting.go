package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// parameterSetting is the value of a parameter in sessions of a role or of a database,
// manual chapter 20.1.3. The parameter is the part of its identity.
type parameterSetting struct {
	Value string // as pg_db_role_setting has it
}

// RoleSetting defines the settings of roles. The arguments of their identity
// are the database that they are for, if it is one.
func (kinds) RoleSetting(set *kind.Set) {
	where := func(id schema.ID) string {
		if id.Args != "" {
			return pg.QuoteIdent(id.Name) + " IN DATABASE " + id.Args[1:len(id.Args)-1]
		}
		return pg.QuoteIdent(id.Name)
	}
	change := func(id schema.ID, s parameterSetting) []kind.Action {
		return kind.Do("ALTER ROLE " + where(id) + " SET " + printSetting(id.Part+"="+s.Value))
	}
	kind.Define(set, kind.Spec[parameterSetting]{
		Name: "role_setting", Rank: 3, Option: kind.Roles,
		Doc: "With `--roles`: settings of roles (ALTER ROLE ... SET), everywhere or in the target's database. Parameters whose name " +
			"contains `password` or `secret` are neither read nor set.",
		Query: func(int) string {
			return `SELECT 'pg_db_role_setting'::regclass::oid AS classid, s.setrole AS objid,
	row_number() OVER (PARTITION BY s.setrole ORDER BY s.setdatabase, x.name) AS objsubid,
	u.rolname AS name, CASE WHEN s.setdatabase <> 0 THEN '(' || quote_ident(current_database()) || ')' END AS args, x.name AS part,
	'pg_authid'::regclass::oid AS pclass, s.setrole AS pobj, 0 AS psub, x.value
FROM pg_db_role_setting s JOIN pg_roles u ON u.oid = s.setrole ` + settingsOf("s") + `
WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())) AND ` + userRole("u")
		},
		Ref:    where,
		Create: func(_ *kind.Ctx, id schema.ID, s parameterSetting) []kind.Action { return change(id, s) },
		Drop: func(_ *kind.Ctx, id schema.ID, _ parameterSetting) []kind.Action {
			return kind.Do("ALTER ROLE " + where(id) + " RESET " + pg.QuoteIdent(id.Part))
		},
		Alter: kind.Alter[parameterSetting]{
			"value": func(_ *kind.Ctx, id schema.ID, _, s parameterSetting) []kind.Action { return change(id, s) },
		},
		Roles: func(id schema.ID, _ parameterSetting) []string { return []string{id.Name} },
		InDatabase: func(id schema.ID, database string) schema.ID {
			if id.Args != "" {
				id.Args = "(" + pg.QuoteIdent(database) + ")"
			}
			return id
		},
	})
}

// settingsOf joins x with the names and values of the settings of a row.
func settingsOf(s string) string {
	return `JOIN LATERAL (SELECT split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
	FROM unnest(` + s + `.setconfig) AS t(c)) AS x ON NOT x.name ` + secretOption
}
