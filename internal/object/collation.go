package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// collation is a collation, manual chapter 23.2.
type collation struct {
	Provider      string // libc, icu or builtin
	Locale        string // "" when the two below differ
	Collate       string // of libc alone
	Ctype         string // of libc alone
	Deterministic bool
	Rules         string // tailoring of ICU's rules (16 and later)
}

// Collation defines collations.
//
// ALTER COLLATION changes nothing but names and the recorded version. A changed
// collation is made anew beside its old form, and columns move to it.
func (kinds) Collation(set *kind.Set) {
	kind.Define(set, kind.Spec[collation]{
		Name: "collation", SQL: "COLLATION", Rank: 12, Rename: kind.RenameTo, Hazards: onDrop[collation]("drop-object"),
		Doc: "Collations of libc, ICU and, on 17, PostgreSQL's own provider, with ICU rules on 16. A changed one is made anew, " +
			"and columns and indexes are moved to it. The version is not compared, because the scratch server may have another library.",
		Found: ofUsers("pg_collation"),
		Query: collationQuery,
		Ref:   qualified,
		Create: func(_ *kind.Ctx, id schema.ID, c collation) []kind.Action {
			return kind.Do("CREATE COLLATION " + qualified(id) + " (" + list(collationOptions(c)) + ")")
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ collation) []kind.Action {
			return kind.Do("DROP COLLATION " + qualified(id))
		},
		Alter: kind.Alter[collation]{
			"provider": nil, "locale": nil, "collate": nil, "ctype": nil, "deterministic": nil, "rules": nil,
		},
		Aside: func(c *kind.Ctx, id schema.ID, _ collation) []kind.Action {
			return kind.Do("ALTER COLLATION " + qualified(id) + " RENAME TO " + pg.QuoteIdent(asideName(c, id.Name)))
		},
		DropAside: func(c *kind.Ctx, id schema.ID, _ collation) []kind.Action {
			return kind.Do("DROP COLLATION " + pg.QuoteName(id.Schema, asideName(c, id.Name)))
		},
	})
}

// collationQuery reads the collations that the database's encoding can use; one
// name may stand for others in other encodings (manual, pg_collation). Where
// the locale of ICU is kept changed with 15 and with 17.
func collationQuery(server int) string {
	locale, rules := "co.collcollate", "NULL"
	switch {
	case server >= 17:
		locale = "co.colllocale"
	case server >= 15:
		locale = "co.colliculocale"
	}
	if server >= 16 {
		rules = "co.collicurules"
	}
	return `SELECT 'pg_collation'::regclass::oid AS classid, co.oid AS objid, 0 AS objsubid, n.nspname AS schema, co.collname AS name,
	pg_get_userbyid(co.collowner) AS owner,
	CASE co.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END AS provider,
	CASE WHEN co.collprovider <> 'c' THEN ` + locale + ` WHEN co.collcollate = co.collctype THEN co.collcollate END AS locale,
	CASE WHEN co.collprovider = 'c' AND co.collcollate <> co.collctype THEN co.collcollate END AS collate,
	CASE WHEN co.collprovider = 'c' AND co.collcollate <> co.collctype THEN co.collctype END AS ctype,
	co.collisdeterministic AS deterministic, ` + rules + ` AS rules
FROM pg_collation co JOIN pg_namespace n ON n.oid = co.collnamespace
WHERE co.collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database())) AND ` + userSchemas
}

func collationOptions(c collation) []string {
	options := []string{"PROVIDER = " + c.Provider}
	for _, o := range []struct{ name, value string }{
		{"LOCALE", c.Locale}, {"LC_COLLATE", c.Collate}, {"LC_CTYPE", c.Ctype}, {"RULES", c.Rules},
	} {
		if o.value != "" {
			options = append(options, o.name+" = "+pg.QuoteLiteral(o.value))
		}
	}
	if !c.Deterministic {
		options = append(options, "DETERMINISTIC = false")
	}
	return options
}
