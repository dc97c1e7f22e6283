package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// rangeType is a range type with its multirange type, manual chapter 8.17.
type rangeType struct {
	Subtype    string
	Opclass    string // printed name, "" for the subtype's default
	Collation  string // printed name, "" for the subtype's own
	Canonical  string // printed name of a function
	Diff       string // printed name of a function
	Multirange string // printed name of the multirange type, "" when it is the one PostgreSQL gives
}

// Range defines range types.
func (kinds) Range(set *kind.Set) {
	kind.Define(set, kind.Spec[rangeType]{
		Name: "range", SQL: "TYPE", Grant: "TYPE", Rank: 34, Rename: kind.RenameTo, Hazards: onDrop[rangeType]("drop-type"),
		Doc: "Range types with subtype, operator class, collation, canonical and difference function and " +
			"multirange type. Nothing of a range type can change in place.",
		Found: "pg_range WHERE rngtypid >= " + userOID,
		Query: rangeQuery,
		Ref:   qualified,
		Create: func(_ *kind.Ctx, id schema.ID, r rangeType) []kind.Action {
			return kind.Do("CREATE TYPE " + qualified(id) + " AS RANGE (" + settings(
				setting{"SUBTYPE", r.Subtype}, setting{"SUBTYPE_OPCLASS", r.Opclass}, setting{"COLLATION", r.Collation},
				setting{"CANONICAL", r.Canonical}, setting{"SUBTYPE_DIFF", r.Diff}, setting{"MULTIRANGE_TYPE_NAME", r.Multirange}) + ")")
		},
		Drop: dropType[rangeType],
		Alter: kind.Alter[rangeType]{
			"subtype": nil, "opclass": nil, "collation": nil, "canonical": nil, "diff": nil, "multirange": nil,
		},
		Names:   func(id schema.ID, _ rangeType) []string { return typeNames(id) },
		Shelled: true, // where it has a canonical function
	})
}

// rangeQuery reads range types. A multirange type without a name of its own is
// called like the range type with "multirange" for the first "range" in it, or
// else with "_multirange" behind it (manual, CREATE TYPE).
func rangeQuery(int) string {
	return `SELECT ` + typeColumns + `,
	CASE WHEN r.rngcanonical <> 0 THEN 'pg_type'::regclass::oid END AS pclass, CASE WHEN r.rngcanonical <> 0 THEN t.oid END AS pobj,
	CASE WHEN r.rngcanonical <> 0 THEN -1 END AS psub,
	format_type(r.rngsubtype, NULL) AS subtype,
	CASE WHEN NOT oc.opcdefault THEN quote_ident(ocn.nspname) || '.' || quote_ident(oc.opcname) END AS opclass,
	CASE WHEN r.rngcollation <> st.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
	NULLIF(r.rngcanonical::text, '-') AS canonical, NULLIF(r.rngsubdiff::text, '-') AS diff,
	CASE WHEN m.typnamespace <> t.typnamespace OR m.typname <> CASE WHEN strpos(t.typname, 'range') > 0
		THEN overlay(t.typname PLACING 'multirange' FROM strpos(t.typname, 'range') FOR 5)
		ELSE t.typname || '_multirange' END THEN quote_ident(mn.nspname) || '.' || quote_ident(m.typname) END AS multirange
FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace
	JOIN pg_type st ON st.oid = r.rngsubtype
	JOIN pg_type m ON m.oid = r.rngmultitypid JOIN pg_namespace mn ON mn.oid = m.typnamespace
	JOIN pg_opclass oc ON oc.oid = r.rngsubopc JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
	LEFT JOIN pg_collation co ON co.oid = r.rngcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
WHERE ` + userSchemas
}
