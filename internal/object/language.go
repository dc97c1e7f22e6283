package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// language is a procedural language, manual chapter 57.
type language struct {
	Trusted   bool
	Handler   string // printed name of the function
	Inline    string // of that which runs DO, "" for none
	Validator string // "" for none
}

// Language defines procedural languages that no extension brought.
func (kinds) Language(set *kind.Set) {
	replace := func(_ *kind.Ctx, id schema.ID, _, l language) []kind.Action {
		return createLanguage("CREATE OR REPLACE", id, l)
	}
	kind.Define(set, kind.Spec[language]{
		Name: "language", SQL: "LANGUAGE", Grant: "LANGUAGE", Rank: 14, Rename: kind.RenameTo, Hazards: onDrop[language]("drop-object"),
		Doc:   "Procedural languages with handler, inline handler and validator. Those of extensions come with them.",
		Found: ofUsers("pg_language"),
		Query: func(int) string {
			return `SELECT 'pg_language'::regclass::oid AS classid, l.oid AS objid, 0 AS objsubid, l.lanname AS name,
	pg_get_userbyid(l.lanowner) AS owner, array_to_json(l.lanacl::text[]) AS acl,
	array_to_json(acldefault('l', l.lanowner)::text[]) AS acldefault, l.lanpltrusted AS trusted,
	l.lanplcallfoid::regproc::text AS handler, NULLIF(l.laninline::regproc::text, '-') AS inline,
	NULLIF(l.lanvalidator::regproc::text, '-') AS validator
FROM pg_language l WHERE l.lanispl AND l.oid >= ` + userOID
		},
		Ref: outsideSchemas,
		Create: func(_ *kind.Ctx, id schema.ID, l language) []kind.Action {
			return createLanguage("CREATE", id, l)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ language) []kind.Action {
			return kind.Do("DROP LANGUAGE " + outsideSchemas(id))
		},
		Alter: kind.Alter[language]{
			"handler":   replace,
			"inline":    replace,
			"validator": replace,
			// A language that nobody may trust has no privileges any more, not
			// even some to be revoked (manual, GRANT).
			"trusted": func(c *kind.Ctx, id schema.ID, old, l language) []kind.Action {
				if !l.Trusted && len(c.Parts(c.Old, id, "grant")) > 0 {
					return nil
				}
				return replace(c, id, old, l)
			},
		},
	})
}

func createLanguage(verb string, id schema.ID, l language) []kind.Action {
	return kind.Do(kind.Words(verb, onOff(l.Trusted, "TRUSTED", ""), "LANGUAGE", outsideSchemas(id), "HANDLER", l.Handler,
		onOff(l.Inline != "", "INLINE "+l.Inline, ""), onOff(l.Validator != "", "VALIDATOR "+l.Validator, "")))
}
