package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// textSearchConfiguration is a text search configuration without its mappings,
// manual chapter 12.7.
type textSearchConfiguration struct {
	Parser string // printed name
}

// TextSearchConfiguration defines text search configurations.
func (kinds) TextSearchConfiguration(set *kind.Set) {
	kind.Define(set, kind.Spec[textSearchConfiguration]{
		Name: "text_search_configuration", SQL: "TEXT SEARCH CONFIGURATION", Rank: 80, Rename: kind.RenameTo, Hazards: onDrop[textSearchConfiguration]("drop-object"),
		Doc:   "Text search configurations. The parser of one cannot change in place.",
		Found: ofUsers("pg_ts_config"),
		Query: func(int) string {
			return `SELECT 'pg_ts_config'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, c.cfgname AS name, pg_get_userbyid(c.cfgowner) AS owner,
	quote_ident(pn.nspname) || '.' || quote_ident(p.prsname) AS parser
FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
	JOIN pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_namespace pn ON pn.oid = p.prsnamespace
WHERE ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, t textSearchConfiguration) []kind.Action {
			return kind.Do("CREATE TEXT SEARCH CONFIGURATION " + qualified(id) + " (PARSER = " + t.Parser + ")")
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ textSearchConfiguration) []kind.Action {
			return kind.Do("DROP TEXT SEARCH CONFIGURATION " + qualified(id))
		},
		Alter: kind.Alter[textSearchConfiguration]{"parser": nil},
		Whole: true, // an index that is built before its mappings holds no word
	})
}
