package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// operatorClass is an operator class, manual chapter 36.16. The access method is
// a part of its name: the arguments of the identity.
type operatorClass struct {
	Type      string
	Default   bool
	Family    string   // printed name
	Operators []string // OPERATOR 1 public.<(text,text)
	Functions []string // FUNCTION 1 (text, text) public.f(text,text)
	Storage   string   // "" for the type itself
}

// OperatorClass defines operator classes.
//
// Which members belong to the class is the access method's to say: what an index
// can do without belongs to the family, wherever it was named (manual chapter
// 62.2, amadjustmembers).
func (kinds) OperatorClass(set *kind.Set) {
	kind.Define(set, kind.Spec[operatorClass]{
		Name: "operator_class", SQL: "OPERATOR CLASS", Rank: 86, Rename: kind.RenameTo, Hazards: onDrop[operatorClass]("drop-object"),
		Doc: "Operator classes with the operators and functions that an index cannot do without. All others are members of " +
			"the family. A class of btree or hash gets new members in place.",
		Found: ofUsers("pg_opclass"),
		Query: operatorClassQuery,
		Ref:   usingMethod,
		Create: func(_ *kind.Ctx, id schema.ID, o operatorClass) []kind.Action {
			members := slices.Concat(o.Operators, o.Functions)
			if o.Storage != "" {
				members = append(members, "STORAGE "+o.Storage)
			} else if len(members) == 0 {
				members = []string{"STORAGE " + o.Type} // says nothing, where something has to be said
			}
			return kind.Do(kind.Words("CREATE OPERATOR CLASS", qualified(id), onOff(o.Default, "DEFAULT", ""), "FOR TYPE", o.Type,
				"USING", pg.QuoteIdent(methodOf(id)), "FAMILY", o.Family, "AS") + lines(members))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ operatorClass) []kind.Action {
			return kind.Do("DROP OPERATOR CLASS " + usingMethod(id))
		},
		Alter: kind.Alter[operatorClass]{
			"type": nil, "default": nil, "family": nil, "storage": nil, "operators": addMembers, "functions": addMembers,
		},
		Names: func(id schema.ID, o operatorClass) []string {
			if !o.Default {
				return nil
			}
			return []string{"default operator class of " + o.Type + id.Args}
		},
		Whole: true,
	})
}

func operatorClassQuery(int) string {
	members := func(catalog, text, order string) string {
		return `LEFT JOIN (SELECT d.refobjid, json_agg(` + text + ` ORDER BY ` + order + `) AS list
		FROM pg_depend d JOIN ` + catalog + ` m ON m.oid = d.objid
		WHERE d.classid = '` + catalog + `'::regclass AND d.refclassid = 'pg_opclass'::regclass GROUP BY d.refobjid)`
	}
	return `SELECT 'pg_opclass'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, c.opcname AS name, '(' || am.amname || ')' AS args, pg_get_userbyid(c.opcowner) AS owner,
	format_type(c.opcintype, NULL) AS type, c.opcdefault AS default,
	quote_ident(fn.nspname) || '.' || quote_ident(f.opfname) AS family, o.list AS operators, p.list AS functions,
	CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END AS storage
FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am am ON am.oid = c.opcmethod
	JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace
	` + members("pg_amop", "'OPERATOR ' || m.amopstrategy || ' ' || "+memberOperator, "m.amopstrategy, m.amopopr::regoperator::text") + ` o ON o.refobjid = c.oid
	` + members("pg_amproc", "'FUNCTION ' || m.amprocnum || ' ' || "+memberTypes("amproc")+" || ' ' || m.amproc::regprocedure::text",
		"m.amprocnum, m.amproc::regprocedure::text") + ` p ON p.refobjid = c.oid
WHERE ` + userSchemas
}

// addMembers adds to the family what belongs to the class. Only btree and hash
// find the class that it belongs to.
func addMembers(_ *kind.Ctx, id schema.ID, old, o operatorClass) []kind.Action {
	before, after := slices.Concat(old.Operators, old.Functions), slices.Concat(o.Operators, o.Functions)
	if len(without(before, after)) > 0 || !slices.Contains([]string{"btree", "hash"}, methodOf(id)) {
		return nil
	}
	return kind.Do("ALTER OPERATOR FAMILY " + o.Family + " USING " + methodOf(id) + " ADD" + lines(without(after, before)))
}

// lines prints each text in a line of its own.
func lines(texts []string) string {
	text := ""
	for i, t := range texts {
		text += onOff(i > 0, ",", "") + "\n    " + t
	}
	return text
}
