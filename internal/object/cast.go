package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// cast is a cast between two types, manual, CREATE CAST. Its name is that of the
// two types, as they are printed: "integer AS public.color".
type cast struct {
	Function string // with its arguments, "" when there is none
	Inout    bool   // converts by the text of the value
	Context  string // "", ASSIGNMENT or IMPLICIT
}

// Cast defines casts.
//
// What uses a cast does not depend on it, only on its function if it has one.
// So a cast comes as soon as its types and its function are there.
func (kinds) Cast(set *kind.Set) {
	kind.Define(set, kind.Spec[cast]{
		Name: "cast", SQL: "CAST", Rank: 15, Hazards: onDrop[cast]("drop-object"),
		Doc:   "Casts by a function, by the text of the value, and between types that are stored alike, with their context.",
		Found: ofUsers("pg_cast"),
		Query: func(int) string {
			return `SELECT 'pg_cast'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid,
	format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL) AS name,
	CASE WHEN c.castmethod = 'f' THEN c.castfunc::regprocedure::text END AS function, c.castmethod = 'i' AS inout,
	CASE c.castcontext WHEN 'a' THEN 'ASSIGNMENT' WHEN 'i' THEN 'IMPLICIT' END AS context
FROM pg_cast c
WHERE c.oid >= ` + userOID + ` AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')`
		},
		Ref: castRef,
		Create: func(_ *kind.Ctx, id schema.ID, c cast) []kind.Action {
			method := "WITHOUT FUNCTION"
			switch {
			case c.Function != "":
				method = "WITH FUNCTION " + c.Function
			case c.Inout:
				method = "WITH INOUT"
			}
			return kind.Do(kind.Words("CREATE CAST", castRef(id), method, onOff(c.Context != "", "AS "+c.Context, "")))
		},
		Drop:  func(_ *kind.Ctx, id schema.ID, _ cast) []kind.Action { return kind.Do("DROP CAST " + castRef(id)) },
		Alter: kind.Alter[cast]{"function": nil, "inout": nil, "context": nil},
	})
}

func castRef(id schema.ID) string { return "(" + id.Name + ")" }
