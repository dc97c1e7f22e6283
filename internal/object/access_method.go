package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// accessMethod is a way to store tables or indexes, manual chapters 62 and 63.
type accessMethod struct {
	Type    string // TABLE or INDEX
	Handler string // printed name of the function
}

// AccessMethod defines access methods that no extension brought.
func (kinds) AccessMethod(set *kind.Set) {
	kind.Define(set, kind.Spec[accessMethod]{
		Name: "access_method", SQL: "ACCESS METHOD", Rank: 13, Hazards: onDrop[accessMethod]("drop-object"),
		Doc: "Access methods of tables and indexes. PostgreSQL cannot change one: with another handler it is built again, " +
			"and the tables that use it too.",
		Found: ofUsers("pg_am"),
		Query: func(int) string {
			return `SELECT 'pg_am'::regclass::oid AS classid, a.oid AS objid, 0 AS objsubid, a.amname AS name,
	CASE a.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END AS type, a.amhandler::regproc::text AS handler
FROM pg_am a WHERE a.oid >= ` + userOID
		},
		Ref: outsideSchemas,
		Create: func(_ *kind.Ctx, id schema.ID, a accessMethod) []kind.Action {
			return kind.Do("CREATE ACCESS METHOD " + outsideSchemas(id) + " TYPE " + a.Type + " HANDLER " + a.Handler)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ accessMethod) []kind.Action {
			return kind.Do("DROP ACCESS METHOD " + outsideSchemas(id))
		},
		Alter: kind.Alter[accessMethod]{"type": nil, "handler": nil},
	})
}
