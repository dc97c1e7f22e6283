package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// replicaIdentity is what logical replication identifies rows by, where that
// is not the primary key. It is an object because it may need an index of the
// table; manual, ALTER TABLE, REPLICA IDENTITY.
type replicaIdentity struct {
	Method string // FULL, NOTHING or USING INDEX name
}

// ReplicaIdentity defines the replica identities of tables.
func (kinds) ReplicaIdentity(set *kind.Set) {
	kind.Define(set, kind.Spec[replicaIdentity]{
		Name: "replica_identity", Rank: 150, Hazards: replicaIdentityHazards,
		Doc: "Replica identity of a table, where it is not the default.",
		Query: func(int) string {
			return `SELECT 0 AS classid, c.oid AS objid, -2 AS objsubid, n.nspname AS schema, c.relname AS name,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	CASE c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE 'USING INDEX ' || quote_ident(i.relname) END AS method,
	CASE WHEN i.oid IS NOT NULL THEN json_build_array(json_build_array('pg_class'::regclass::oid::bigint, i.oid::bigint)) END AS uses
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_index x ON x.indrelid = c.oid AND x.indisreplident LEFT JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relkind IN ('r', 'p') AND (c.relreplident IN ('f', 'n') OR i.oid IS NOT NULL) AND c.relpersistence <> 't' AND ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, r replicaIdentity) []kind.Action {
			return alterTable(id, "REPLICA IDENTITY "+r.Method)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ replicaIdentity) []kind.Action {
			return alterTable(id, "REPLICA IDENTITY DEFAULT")
		},
		Alter: kind.Alter[replicaIdentity]{
			"method": func(_ *kind.Ctx, id schema.ID, _, r replicaIdentity) []kind.Action {
				return alterTable(id, "REPLICA IDENTITY "+r.Method)
			},
		},
	})
}
