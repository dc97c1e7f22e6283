package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// operatorFamily is an operator family without its members, manual chapter
// 36.16. The access method is a part of its name: the arguments of the identity.
type operatorFamily struct{}

// OperatorFamily defines operator families, also those that an operator class
// got by itself.
func (kinds) OperatorFamily(set *kind.Set) {
	kind.Define(set, kind.Spec[operatorFamily]{
		Name: "operator_family", SQL: "OPERATOR FAMILY", Rank: 84, Rename: kind.RenameTo, Hazards: onDrop[operatorFamily]("drop-object"),
		Doc:   "Operator families. Those of PostgreSQL and of extensions are left alone, also where they got members.",
		Found: ofUsers("pg_opfamily"),
		Query: func(int) string {
			return `SELECT 'pg_opfamily'::regclass::oid AS classid, f.oid AS objid, 0 AS objsubid, ` + familyName + `,
	pg_get_userbyid(f.opfowner) AS owner
FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am am ON am.oid = f.opfmethod
WHERE ` + userSchemas
		},
		Ref: usingMethod,
		Create: func(_ *kind.Ctx, id schema.ID, _ operatorFamily) []kind.Action {
			return kind.Do("CREATE OPERATOR FAMILY " + usingMethod(id))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ operatorFamily) []kind.Action {
			return kind.Do("DROP OPERATOR FAMILY " + usingMethod(id))
		},
		Alter: kind.Alter[operatorFamily]{},
		Whole: true, // an index is built by the functions that its class and family have then
	})
}

// familyName is the identity of the family f in the namespace n with the access
// method am.
const familyName = `n.nspname AS schema, f.opfname AS name, '(' || am.amname || ')' AS args`

// methodOf returns the access method of an operator family or class.
func methodOf(id schema.ID) string { return id.Args[1 : len(id.Args)-1] }

// usingMethod addresses an operator family or class.
func usingMethod(id schema.ID) string {
	return qualified(id) + " USING " + pg.QuoteIdent(methodOf(id))
}
