package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// textSearchParser is a text search parser, manual chapter 12.5: printed names
// of functions.
type textSearchParser struct {
	Start    string
	Gettoken string
	End      string
	Headline string // "" for none
	Lextypes string
}

// TextSearchParser defines text search parsers. They have no owner.
func (kinds) TextSearchParser(set *kind.Set) {
	kind.Define(set, kind.Spec[textSearchParser]{
		Name: "text_search_parser", SQL: "TEXT SEARCH PARSER", Rank: 74, Rename: kind.RenameTo, Hazards: onDrop[textSearchParser]("drop-object"),
		Doc:   "Text search parsers. Nothing of one can change in place.",
		Found: ofUsers("pg_ts_parser"),
		Query: func(int) string {
			return `SELECT 'pg_ts_parser'::regclass::oid AS classid, p.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, p.prsname AS name, p.prsstart::text AS start, p.prstoken::text AS gettoken, p.prsend::text AS end,
	NULLIF(p.prsheadline::text, '-') AS headline, p.prslextype::text AS lextypes
FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace
WHERE ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, p textSearchParser) []kind.Action {
			return kind.Do("CREATE TEXT SEARCH PARSER " + qualified(id) + " (" + settings(
				setting{"START", p.Start}, setting{"GETTOKEN", p.Gettoken}, setting{"END", p.End},
				setting{"HEADLINE", p.Headline}, setting{"LEXTYPES", p.Lextypes}) + ")")
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ textSearchParser) []kind.Action {
			return kind.Do("DROP TEXT SEARCH PARSER " + qualified(id))
		},
		Alter: kind.Alter[textSearchParser]{"start": nil, "gettoken": nil, "end": nil, "headline": nil, "lextypes": nil},
	})
}

// setting is one word of a definition with its printed value.
type setting struct{ word, value string }

// settings prints those that have a value: WORD = value, WORD = value.
func settings(all ...setting) string { return list(printSettings(all)) }

// printSettings prints each that has a value.
func printSettings(all []setting) []string {
	var printed []string
	for _, s := range all {
		if s.value != "" {
			printed = append(printed, s.word+" = "+s.value)
		}
	}
	return printed
}
