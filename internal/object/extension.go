package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// extension is an installed extension, manual chapter 36.17. Extensions live
// outside schemas; only their members live in one.
type extension struct {
	Namespace   string // printed name of the schema of its members
	Relocatable bool   `info:"true"`
}

// Extension defines extensions. Those that initdb installs are left out.
func (kinds) Extension(set *kind.Set) {
	kind.Define(set, kind.Spec[extension]{
		Name: "extension", SQL: "EXTENSION", Rank: 10,
		Doc: "Extensions with the schema of their members. The version is not compared, because the scratch server may " +
			"carry another one; neither are the members.",
		Found: ofUsers("pg_extension"),
		Query: func(int) string {
			return `SELECT 'pg_extension'::regclass::oid AS classid, e.oid AS objid, 0 AS objsubid, e.extname AS name,
	quote_ident(n.nspname) AS namespace, e.extrelocatable AS relocatable
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.oid >= ` + userOID
		},
		Ref: func(id schema.ID) string { return pg.QuoteIdent(id.Name) },
		Create: func(_ *kind.Ctx, id schema.ID, e extension) []kind.Action {
			return kind.Do("CREATE EXTENSION " + pg.QuoteIdent(id.Name) + " WITH SCHEMA " + e.Namespace)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ extension) []kind.Action {
			return []kind.Action{{SQL: "DROP EXTENSION " + pg.QuoteIdent(id.Name),
				Loses: "drop-extension", Why: "whatever the extension keeps in tables of its own"}}
		},
		Alter: kind.Alter[extension]{
			"namespace": func(_ *kind.Ctx, id schema.ID, old, e extension) []kind.Action {
				if !old.Relocatable {
					return nil
				}
				return kind.Do("ALTER EXTENSION " + pg.QuoteIdent(id.Name) + " SET SCHEMA " + e.Namespace)
			},
			// The extension's own files say so; no statement changes it.
		},
	})
}
