package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// database is the database itself, manual chapter 22. What can be said of it is
// said by its parts.
type database struct{}

// currentDatabase is the condition that the joined pg_database d is the one of
// the session.
const currentDatabase = `d.datname = current_database()`

// Database defines the database, for its comment and its privileges.
func (kinds) Database(set *kind.Set) {
	kind.Define(set, kind.Spec[database]{
		Name: "database", SQL: "DATABASE", Grant: "DATABASE", Rank: 2, Option: kind.Database,
		Doc: "With `--database-settings`: the target's database, with its comment and the privileges on it. It is neither created nor " +
			"dropped, and its owner, tablespace, encoding, locale, ALLOW_CONNECTIONS and IS_TEMPLATE are not compared.",
		Query: func(int) string {
			return `SELECT 'pg_database'::regclass::oid AS classid, d.oid AS objid, 0 AS objsubid, d.datname AS name, true AS builtin,
	pg_get_userbyid(d.datdba) AS aclowner, array_to_json(d.datacl::text[]) AS acl, array_to_json(acldefault('d', d.datdba)::text[]) AS acldefault
FROM pg_database d WHERE ` + currentDatabase
		},
		Ref:        outsideSchemas,
		Create:     func(*kind.Ctx, schema.ID, database) []kind.Action { return kind.Nothing },
		Drop:       func(*kind.Ctx, schema.ID, database) []kind.Action { return kind.Nothing },
		Alter:      kind.Alter[database]{},
		InDatabase: toDatabase,
	})
}

// toDatabase gives the identity of what has the name of its database another one.
func toDatabase(id schema.ID, name string) schema.ID {
	id.Name = name
	return id
}
