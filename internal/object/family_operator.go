package object

import (
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// familyOperator is an operator that belongs to an operator family and to none
// of its classes. Its strategy and types are the part of its identity.
type familyOperator struct {
	Operator string // printed with the types of its operands, and FOR ORDER BY
}

// FamilyOperator defines the loose operators of operator families.
func (kinds) FamilyOperator(set *kind.Set) {
	kind.Define(set, kind.Spec[familyOperator]{
		Name: "family_operator", Rank: 85,
		Doc:   "Operators of an operator family that belong to none of its classes, with their strategy.",
		Found: ofUsers("pg_amop"),
		Query: func(int) string {
			return `SELECT 'pg_amop'::regclass::oid AS classid, m.oid AS objid, 0 AS objsubid, ` + familyName + `,
	m.amopstrategy || ' ' || ` + memberTypes("amop") + ` AS part, m.amopstrategy AS ord,
	'pg_opfamily'::regclass::oid AS pclass, f.oid AS pobj, 0 AS psub, ` + memberOperator + ` AS operator
FROM pg_amop m JOIN pg_opfamily f ON f.oid = m.amopfamily ` + looseMembers("pg_amop")
		},
		Ref: memberRef,
		Create: func(c *kind.Ctx, id schema.ID, o familyOperator) []kind.Action {
			strategy, _, _ := strings.Cut(id.Part, " ")
			return changeFamily(c, "ADD", id, "OPERATOR "+strategy+" "+o.Operator)
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ familyOperator) []kind.Action {
			return changeFamily(c, "DROP", id, "OPERATOR "+id.Part)
		},
		Alter: kind.Alter[familyOperator]{"operator": nil},
	})
}

// memberOperator prints the operator of the member m of an operator family.
const memberOperator = `m.amopopr::regoperator::text || CASE WHEN m.amopsortfamily <> 0 THEN ' FOR ORDER BY ' || (SELECT quote_ident(sn.nspname)
		|| '.' || quote_ident(s.opfname) FROM pg_opfamily s JOIN pg_namespace sn ON sn.oid = s.opfnamespace WHERE s.oid = m.amopsortfamily) ELSE '' END`

// memberTypes prints the types of a member m; prefix is that of its columns.
func memberTypes(prefix string) string {
	return `'(' || format_type(m.` + prefix + `lefttype, NULL) || ', ' || format_type(m.` + prefix + `righttype, NULL) || ')'`
}

// looseMembers joins what the identity of the family f needs and leaves out the
// members of classes.
func looseMembers(catalog string) string {
	return `JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am am ON am.oid = f.opfmethod
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '` + catalog + `'::regclass AND d.objid = m.oid
	AND d.refclassid = 'pg_opclass'::regclass) AND ` + userSchemas
}

func memberRef(id schema.ID) string { return id.Part + " IN " + usingMethod(id) }

// changeFamily adds or drops a member; one statement does so with all members.
func changeFamily(c *kind.Ctx, verb string, id schema.ID, text string) []kind.Action {
	s := c.New
	if verb == "DROP" {
		s = c.Old
	}
	var members []*schema.Object
	for _, o := range c.Parts(s, s.Objects[id].Parent, "") {
		loose := o.ID.Kind == "family_operator" || o.ID.Kind == "family_function"
		if loose && (verb == "ADD" && c.Created(o.ID) || verb == "DROP" && c.Dropped(o.ID) && !c.Created(o.ID)) {
			members = append(members, o)
		}
	}
	return together(id, "ALTER OPERATOR FAMILY "+usingMethod(id)+" "+verb+"\n    ", text, ",\n    ", "", members)
}
