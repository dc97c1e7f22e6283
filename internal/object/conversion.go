package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// conversion converts between two encodings, manual chapter 23.3.4.
type conversion struct {
	Source   string // name of an encoding
	Target   string
	Function string // printed name
	Default  bool   // is used between these encodings when its schema is in the search_path
}

// Conversion defines conversions of encodings.
func (kinds) Conversion(set *kind.Set) {
	kind.Define(set, kind.Spec[conversion]{
		Name: "conversion", SQL: "CONVERSION", Rank: 75, Rename: kind.RenameTo, Hazards: onDrop[conversion]("drop-object"),
		Doc:   "Conversions between encodings, with their function and whether they are the default.",
		Found: ofUsers("pg_conversion"),
		Query: func(int) string {
			return `SELECT 'pg_conversion'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid, n.nspname AS schema, c.conname AS name,
	pg_get_userbyid(c.conowner) AS owner, pg_encoding_to_char(c.conforencoding) AS source,
	pg_encoding_to_char(c.contoencoding) AS target, c.conproc::regproc::text AS function, c.condefault AS default
FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace
WHERE ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, c conversion) []kind.Action {
			return kind.Do(kind.Words("CREATE", onOff(c.Default, "DEFAULT", ""), "CONVERSION", qualified(id), "FOR", pg.QuoteLiteral(c.Source),
				"TO", pg.QuoteLiteral(c.Target), "FROM", c.Function))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ conversion) []kind.Action {
			return kind.Do("DROP CONVERSION " + qualified(id))
		},
		Alter: kind.Alter[conversion]{"source": nil, "target": nil, "function": nil, "default": nil},
		// A schema has one default for two encodings.
		Names: func(id schema.ID, c conversion) []string {
			if !c.Default {
				return nil
			}
			return []string{"default conversion " + id.Schema + "." + c.Source + "." + c.Target}
		},
	})
}
