package object

import (
	"cmp"
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// textSearchMapping is what a text search configuration does with one type of
// token, manual chapter 12.1.3.
type textSearchMapping struct {
	Dictionaries []string // printed names, in the order in which they are asked
}

// TextSearchMapping defines the mappings of text search configurations.
//
// The catalog knows a type of token by its number; the name is the parser's.
// pg_depend records the dictionaries as needs of the configuration.
func (kinds) TextSearchMapping(set *kind.Set) {
	kind.Define(set, kind.Spec[textSearchMapping]{
		Name: "text_search_mapping", Rank: 81,
		Doc:   "The dictionaries that a text search configuration asks for a type of token.",
		Found: ofUsers("pg_ts_config"),
		Query: func(int) string {
			return `SELECT 'pg_ts_config'::regclass::oid AS classid, c.oid AS objid, m.maptokentype AS objsubid,
	n.nspname AS schema, c.cfgname AS name, t.alias AS part, m.maptokentype AS ord,
	'pg_ts_config'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	json_agg(quote_ident(dn.nspname) || '.' || quote_ident(d.dictname) ORDER BY m.mapseqno) AS dictionaries,
	json_agg(json_build_array('pg_ts_dict'::regclass::bigint, d.oid::bigint)) AS uses
FROM pg_ts_config_map m JOIN pg_ts_config c ON c.oid = m.mapcfg JOIN pg_namespace n ON n.oid = c.cfgnamespace
	JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN pg_namespace dn ON dn.oid = d.dictnamespace
	JOIN (SELECT p.oid, t.tokid, t.alias FROM pg_ts_parser p CROSS JOIN LATERAL ts_token_type(p.oid) AS t
		WHERE p.oid IN (SELECT uc.cfgparser FROM pg_ts_config uc JOIN pg_ts_config_map um ON um.mapcfg = uc.oid WHERE uc.oid >= ` + userOID + `)
	) t ON t.oid = c.cfgparser AND t.tokid = m.maptokentype
WHERE ` + userSchemas + `
GROUP BY n.nspname, c.cfgname, c.oid, m.maptokentype, t.alias`
		},
		Ref: func(id schema.ID) string { return qualified(id) + "." + pg.QuoteIdent(id.Part) },
		Create: func(c *kind.Ctx, id schema.ID, m textSearchMapping) []kind.Action {
			return mapToken("ADD", id, " WITH "+list(m.Dictionaries), c.Parts(c.New, c.New.Objects[id].Parent, id.Kind),
				func(o *schema.Object) bool {
					return c.Created(o.ID) && slices.Equal(kind.Decode[textSearchMapping](o).Dictionaries, m.Dictionaries)
				})
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ textSearchMapping) []kind.Action {
			return mapToken("DROP", id, "", c.Parts(c.Old, c.Old.Objects[id].Parent, id.Kind),
				func(o *schema.Object) bool { return c.Dropped(o.ID) && !c.Created(o.ID) })
		},
		Alter: kind.Alter[textSearchMapping]{
			"dictionaries": func(c *kind.Ctx, id schema.ID, old, m textSearchMapping) []kind.Action {
				return mapToken("ALTER", id, " WITH "+list(m.Dictionaries), c.Parts(c.New, c.New.Objects[id].Parent, id.Kind),
					func(o *schema.Object) bool { return remapped(c, o, m.Dictionaries) })
			},
		},
	})
}

// remapped reports whether the mapping gets these dictionaries in place.
func remapped(c *kind.Ctx, o *schema.Object, dictionaries []string) bool {
	was := c.Old.Objects[o.ID]
	return was != nil && !c.Created(o.ID) && slices.Equal(kind.Decode[textSearchMapping](o).Dictionaries, dictionaries) &&
		!slices.Equal(kind.Decode[textSearchMapping](was).Dictionaries, dictionaries)
}

// mapToken changes the mapping of one type of token. Those to which the same
// happens share the statement.
func mapToken(verb string, id schema.ID, with string, mappings []*schema.Object, same func(*schema.Object) bool) []kind.Action {
	alike := slices.DeleteFunc(slices.Clone(mappings), func(o *schema.Object) bool { return !same(o) })
	return together(id, "ALTER TEXT SEARCH CONFIGURATION "+qualified(id)+" "+verb+" MAPPING FOR ", pg.QuoteIdent(id.Part), ", ", with, alike)
}

// together is a statement for one object that takes in those for the other ones
// to which the same happens: that of the first of them, whose others say what
// they would do alone.
func together(id schema.ID, open, text, separator, close string, alike []*schema.Object) []kind.Action {
	fragments := []kind.Fragment{{ID: id, Text: text}}
	statement := kind.Action{SQL: open + text + close, Fragments: fragments}
	if len(alike) == 0 {
		return []kind.Action{statement}
	}
	first := slices.MinFunc(alike, func(a, b *schema.Object) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), schema.Compare(a.ID, b.ID))
	})
	if first.ID == id {
		return []kind.Action{{Open: open, Fragments: fragments, Separator: separator, Close: close}}
	}
	statement.Into = &first.ID
	return []kind.Action{statement}
}
