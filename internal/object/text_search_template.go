package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// textSearchTemplate is a text search template, manual chapter 12.6: printed
// names of functions.
type textSearchTemplate struct {
	Init   string // "" for none
	Lexize string
}

// TextSearchTemplate defines text search templates. They have no owner.
func (kinds) TextSearchTemplate(set *kind.Set) {
	kind.Define(set, kind.Spec[textSearchTemplate]{
		Name: "text_search_template", SQL: "TEXT SEARCH TEMPLATE", Rank: 76, Rename: kind.RenameTo, Hazards: onDrop[textSearchTemplate]("drop-object"),
		Doc:   "Text search templates. Nothing of one can change in place.",
		Found: ofUsers("pg_ts_template"),
		Query: func(int) string {
			return `SELECT 'pg_ts_template'::regclass::oid AS classid, t.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, t.tmplname AS name, NULLIF(t.tmplinit::text, '-') AS init, t.tmpllexize::text AS lexize
FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace
WHERE ` + userSchemas
		},
		Ref: qualified,
		Create: func(_ *kind.Ctx, id schema.ID, t textSearchTemplate) []kind.Action {
			return kind.Do("CREATE TEXT SEARCH TEMPLATE " + qualified(id) + " (" +
				settings(setting{"INIT", t.Init}, setting{"LEXIZE", t.Lexize}) + ")")
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ textSearchTemplate) []kind.Action {
			return kind.Do("DROP TEXT SEARCH TEMPLATE " + qualified(id))
		},
		Alter: kind.Alter[textSearchTemplate]{"init": nil, "lexize": nil},
	})
}
