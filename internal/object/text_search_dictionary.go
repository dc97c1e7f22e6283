package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// textSearchDictionary is a text search dictionary, manual chapter 12.6.
type textSearchDictionary struct {
	Template string   // printed name
	Options  []string // name = 'value', in the order in which they were set
}

// TextSearchDictionary defines text search dictionaries.
func (kinds) TextSearchDictionary(set *kind.Set) {
	kind.Define(set, kind.Spec[textSearchDictionary]{
		Name: "text_search_dictionary", SQL: "TEXT SEARCH DICTIONARY", Rank: 78, Rename: kind.RenameTo, Hazards: onDrop[textSearchDictionary]("drop-object"),
		Doc: "Text search dictionaries with template and options. The files that options name are not compared.",
		// The catalog keeps the options as one text, which is what DDL takes.
		Found: ofUsers("pg_ts_dict"),
		Query: func(int) string {
			return `SELECT 'pg_ts_dict'::regclass::oid AS classid, d.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, d.dictname AS name, pg_get_userbyid(d.dictowner) AS owner,
	quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname) AS template,
	(SELECT json_agg(o.found[1] ORDER BY o.i) FROM regexp_matches(d.dictinitoption,
		'((?:"(?:[^"]|"")*"|[^\s"=,]+) = (?:E?''(?:[^'']|'''')*''|[^\s'',]+))', 'g') WITH ORDINALITY AS o(found, i)) AS options
FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
	JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
WHERE ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, d textSearchDictionary) []kind.Action {
			clauses := append([]string{"TEMPLATE = " + d.Template}, d.Options...)
			return kind.Do("CREATE TEXT SEARCH DICTIONARY " + qualified(id) + " (" + list(clauses) + ")")
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ textSearchDictionary) []kind.Action {
			return kind.Do("DROP TEXT SEARCH DICTIONARY " + qualified(id))
		},
		Alter: kind.Alter[textSearchDictionary]{
			"template": nil,
			"options":  alterDictionary,
		},
	})
}

// alterDictionary changes options. One that is named without a value goes, one
// that gets a value moves behind the others, and those that are not named stay
// in front.
func alterDictionary(_ *kind.Ctx, id schema.ID, old, d textSearchDictionary) []kind.Action {
	kept := 0
	var removed []string
	for _, o := range old.Options {
		name := dictionaryOption(o)
		switch {
		case kept < len(d.Options) && o == d.Options[kept]:
			kept++
		case !slices.ContainsFunc(d.Options, func(n string) bool { return dictionaryOption(n) == name }):
			removed = append(removed, pg.QuoteIdent(name))
		}
	}
	return kind.Do("ALTER TEXT SEARCH DICTIONARY " + qualified(id) + " (" + list(append(removed, d.Options[kept:]...)) + ")")
}

// dictionaryOption returns the name of an option that is printed as name = 'value'.
func dictionaryOption(option string) string { return splitNames(option)[0] }
