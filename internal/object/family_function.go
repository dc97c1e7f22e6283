package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// familyFunction is a support function that belongs to an operator family and to
// none of its classes. Its number and types are the part of its identity.
type familyFunction struct {
	Function string // printed with the types of its arguments
}

// FamilyFunction defines the loose support functions of operator families.
func (kinds) FamilyFunction(set *kind.Set) {
	kind.Define(set, kind.Spec[familyFunction]{
		Name: "family_function", Rank: 85,
		Doc:   "Support functions of an operator family that belong to none of its classes.",
		Found: ofUsers("pg_amproc"),
		Query: func(int) string {
			return `SELECT 'pg_amproc'::regclass::oid AS classid, m.oid AS objid, 0 AS objsubid, ` + familyName + `,
	m.amprocnum || ' ' || ` + memberTypes("amproc") + ` AS part, 100000 + m.amprocnum AS ord, -- behind the operators
	'pg_opfamily'::regclass::oid AS pclass, f.oid AS pobj, 0 AS psub, m.amproc::regprocedure::text AS function
FROM pg_amproc m JOIN pg_opfamily f ON f.oid = m.amprocfamily ` + looseMembers("pg_amproc")
		},
		Ref: memberRef,
		Create: func(c *kind.Ctx, id schema.ID, f familyFunction) []kind.Action {
			return changeFamily(c, "ADD", id, "FUNCTION "+id.Part+" "+f.Function)
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ familyFunction) []kind.Action {
			return changeFamily(c, "DROP", id, "FUNCTION "+id.Part)
		},
		Alter: kind.Alter[familyFunction]{"function": nil},
	})
}
