package object

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// foreignDataWrapper is a foreign-data wrapper, manual chapter 5.12.
type foreignDataWrapper struct {
	Handler   string // printed name of the function, "" for none
	Validator string
	Options   []string // name=value
}

// ForeignDataWrapper defines foreign-data wrappers.
func (kinds) ForeignDataWrapper(set *kind.Set) {
	kind.Define(set, kind.Spec[foreignDataWrapper]{
		Name: "foreign_data_wrapper", SQL: "FOREIGN DATA WRAPPER", Grant: "FOREIGN DATA WRAPPER", Rank: 75, Rename: kind.RenameTo, Hazards: onDrop[foreignDataWrapper]("drop-object"),
		Doc:   "Foreign-data wrappers with handler, validator and options.",
		Found: "pg_foreign_data_wrapper",
		Query: func(int) string {
			return `SELECT 'pg_foreign_data_wrapper'::regclass::oid AS classid, w.oid AS objid, 0 AS objsubid, w.fdwname AS name,
	pg_get_userbyid(w.fdwowner) AS owner, array_to_json(w.fdwacl::text[]) AS acl,
	array_to_json(acldefault('F', w.fdwowner)::text[]) AS acldefault,
	NULLIF(w.fdwhandler, 0)::regproc::text AS handler, NULLIF(w.fdwvalidator, 0)::regproc::text AS validator,
	` + sortedOptions("w.fdwoptions") + ` AS options
FROM pg_foreign_data_wrapper w
WHERE w.oid >= ` + userOID
		},
		Ref: outsideSchemas,
		Create: func(_ *kind.Ctx, id schema.ID, w foreignDataWrapper) []kind.Action {
			return kind.Do(kind.Words("CREATE FOREIGN DATA WRAPPER", outsideSchemas(id), word("HANDLER", w.Handler),
				word("VALIDATOR", w.Validator), genericOptions(w.Options)))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ foreignDataWrapper) []kind.Action {
			return kind.Do("DROP FOREIGN DATA WRAPPER " + outsideSchemas(id))
		},
		Alter: kind.Alter[foreignDataWrapper]{
			"handler": alterWrapper, "validator": alterWrapper, "options": alterWrapper,
		},
	})
}

// alterWrapper changes everything with one statement, because a validator looks
// at the options of the same statement.
func alterWrapper(_ *kind.Ctx, id schema.ID, old, w foreignDataWrapper) []kind.Action {
	function := func(name, old, new string) string {
		switch new {
		case old:
			return ""
		case "":
			return "NO " + name
		}
		return name + " " + new
	}
	return kind.Do(kind.Words("ALTER FOREIGN DATA WRAPPER", outsideSchemas(id), function("HANDLER", old.Handler, w.Handler),
		function("VALIDATOR", old.Validator, w.Validator), changeGenericOptions(old.Options, w.Options)))
}

// word returns the keyword with what follows it, or "" when nothing does.
func word(keyword, rest string) string {
	if rest == "" {
		return ""
	}
	return keyword + " " + rest
}

// genericOptions prints OPTIONS as the statements take it that create foreign
// objects.
func genericOptions(options []string) string {
	printed := make([]string, len(options))
	for i, o := range options {
		name, value, _ := strings.Cut(o, "=")
		printed[i] = pg.QuoteIdent(name) + " " + pg.QuoteLiteral(value)
	}
	return optionsClause(printed)
}

// changeGenericOptions prints OPTIONS as the statements take it that alter
// foreign objects.
func changeGenericOptions(old, new []string) string {
	values := map[string]string{}
	for _, o := range old {
		name, value, _ := strings.Cut(o, "=")
		values[name] = value
	}
	var printed []string
	for _, o := range new {
		name, value, _ := strings.Cut(o, "=")
		had, known := values[name]
		delete(values, name)
		switch {
		case !known:
			printed = append(printed, "ADD "+pg.QuoteIdent(name)+" "+pg.QuoteLiteral(value))
		case had != value:
			printed = append(printed, "SET "+pg.QuoteIdent(name)+" "+pg.QuoteLiteral(value))
		}
	}
	for _, o := range slices.Backward(old) {
		name, _, _ := strings.Cut(o, "=")
		if _, gone := values[name]; gone {
			printed = slices.Insert(printed, 0, "DROP "+pg.QuoteIdent(name))
		}
	}
	return optionsClause(printed)
}

func optionsClause(printed []string) string {
	if len(printed) == 0 {
		return ""
	}
	return "OPTIONS (" + list(printed) + ")"
}
