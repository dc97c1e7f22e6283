package object

import (
	"strconv"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// connectionLimit is how many sessions a database can have.
type connectionLimit struct {
	Limit int64
}

// ConnectionLimit defines the limit of sessions of the database, if it has one.
func (kinds) ConnectionLimit(set *kind.Set) {
	change := func(id schema.ID, limit int64) []kind.Action {
		return kind.Do("ALTER DATABASE " + outsideSchemas(id) + " CONNECTION LIMIT " + strconv.FormatInt(limit, 10))
	}
	kind.Define(set, kind.Spec[connectionLimit]{
		Name: "connection_limit", Rank: 3, Option: kind.Database,
		Doc: "With `--database-settings`: the connection limit of the target's database.",
		Query: func(int) string {
			return `SELECT 'pg_database'::regclass::oid AS classid, d.oid AS objid, 1 AS objsubid, d.datname AS name,
	'pg_database'::regclass::oid AS pclass, d.oid AS pobj, 0 AS psub, d.datconnlimit AS limit
FROM pg_database d WHERE d.datconnlimit >= 0 AND ` + currentDatabase
		},
		Ref:    outsideSchemas,
		Create: func(_ *kind.Ctx, id schema.ID, l connectionLimit) []kind.Action { return change(id, l.Limit) },
		Drop:   func(_ *kind.Ctx, id schema.ID, _ connectionLimit) []kind.Action { return change(id, -1) },
		Alter: kind.Alter[connectionLimit]{
			"limit": func(_ *kind.Ctx, id schema.ID, _, l connectionLimit) []kind.Action { return change(id, l.Limit) },
		},
		InDatabase: toDatabase,
	})
}
