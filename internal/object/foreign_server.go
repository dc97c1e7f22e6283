package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// foreignServer is a foreign server, manual chapter 5.12.
type foreignServer struct {
	Wrapper string // printed name
	Type    string
	Version string
	Options []string // name=value
}

// ForeignServer defines foreign servers.
func (kinds) ForeignServer(set *kind.Set) {
	kind.Define(set, kind.Spec[foreignServer]{
		Name: "foreign_server", SQL: "SERVER", Grant: "FOREIGN SERVER", Rank: 76, Rename: kind.RenameTo, Hazards: onDrop[foreignServer]("drop-object"),
		Doc:   "Foreign servers with wrapper, type, version and options. A server of another wrapper or type is a new one.",
		Found: "pg_foreign_server",
		Query: func(int) string {
			return `SELECT 'pg_foreign_server'::regclass::oid AS classid, s.oid AS objid, 0 AS objsubid, s.srvname AS name,
	pg_get_userbyid(s.srvowner) AS owner, array_to_json(s.srvacl::text[]) AS acl,
	array_to_json(acldefault('S', s.srvowner)::text[]) AS acldefault,
	quote_ident(w.fdwname) AS wrapper, s.srvtype AS type, s.srvversion AS version,
	` + sortedOptions("s.srvoptions") + ` AS options
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE s.oid >= ` + userOID
		},
		Ref: outsideSchemas,
		Create: func(_ *kind.Ctx, id schema.ID, s foreignServer) []kind.Action {
			return kind.Do(kind.Words("CREATE SERVER", outsideSchemas(id), literal("TYPE", s.Type), literal("VERSION", s.Version),
				"FOREIGN DATA WRAPPER", s.Wrapper, genericOptions(s.Options)))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ foreignServer) []kind.Action {
			return kind.Do("DROP SERVER " + outsideSchemas(id))
		},
		Alter: kind.Alter[foreignServer]{
			"wrapper": nil, "type": nil, "version": alterServer, "options": alterServer,
		},
	})
}

func alterServer(_ *kind.Ctx, id schema.ID, old, s foreignServer) []kind.Action {
	version := ""
	if old.Version != s.Version {
		version = "VERSION NULL"
		if s.Version != "" {
			version = literal("VERSION", s.Version)
		}
	}
	return kind.Do(kind.Words("ALTER SERVER", outsideSchemas(id), version, changeGenericOptions(old.Options, s.Options)))
}

// literal returns the keyword with a quoted value, or "" when there is none.
func literal(keyword, value string) string {
	if value == "" {
		return ""
	}
	return keyword + " " + pg.QuoteLiteral(value)
}
