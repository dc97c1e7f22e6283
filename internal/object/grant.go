package object

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// grant is what one role holds on one object, where that differs from what it
// holds on a new object; manual chapter 5.8.
type grant struct {
	Privileges []string // sorted
	Grantable  []string // those of them that come with grant option
	Baseline   []string `info:"true"` // what the role holds on a new object
}

// Grant defines the privileges of roles on all objects that have any.
func (kinds) Grant(set *kind.Set) {
	kind.Define(set, kind.Spec[grant]{
		Name: "grant", Rank: 210, Satellite: kind.FromACL, Hazards: grantHazards,
		Doc: "Privileges of a role on an object or a column, with grant options, also on members of extensions. Who granted them is not compared.",
		Query: func(int) string {
			return `SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid, 'column' AS of,
	n.nspname AS schema, c.relname AS name, a.attname AS part, pg_get_userbyid(c.relowner) AS aclowner,
	array_to_json(a.attacl::text[]) AS acl, array_to_json(acldefault('c', c.relowner)::text[]) AS acldefault
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('v', 'm') AND ` + userSchemas
		},
		Roles: func(id schema.ID, _ grant) []string { return namedRole(id.Role) },
		Ref:   func(id schema.ID) string { return set.Ref(id.Subject()) },
		Create: func(c *kind.Ctx, id schema.ID, g grant) []kind.Action {
			have, option := firstGrants(firstDefaults(c, id.Subject())[id.Role], g.Baseline)
			return changeGrants(c, id, have, option, g.Privileges, g.Grantable)
		},
		Drop: func(c *kind.Ctx, id schema.ID, g grant) []kind.Action {
			return changeGrants(c, id, g.Privileges, g.Grantable, g.Baseline, nil)
		},
		Alter: kind.Alter[grant]{
			"privileges": alterGrant,
			"grantable":  alterGrant,
		},
		Settle: takeDefaults,
	})
}

func alterGrant(c *kind.Ctx, id schema.ID, old, g grant) []kind.Action {
	return changeGrants(c, id, old.Privileges, old.Grantable, g.Privileges, g.Grantable)
}

// changeGrants revokes what is held and not wanted and grants what is wanted
// and not held.
func changeGrants(c *kind.Ctx, id schema.ID, have, haveOption, want, wantOption []string) []kind.Action {
	on := func(privileges []string) string { return grantOn(c, id, privileges) }
	return grantStatements("", grantee(c, id), on, have, haveOption, want, wantOption)
}

// grantStatements prints what changeGrants does, each statement behind the
// given words. Revoking only the grant option keeps the privilege.
func grantStatements(words, role string, on func([]string) string, have, haveOption, want, wantOption []string) []kind.Action {
	actions := slices.Clone(kind.Nothing)
	add := func(verb string, privileges []string, tail string) {
		if len(privileges) > 0 {
			actions = append(actions, kind.Action{SQL: words + verb + on(privileges) + tail})
		}
	}
	var plain []string
	for _, p := range without(want, have) {
		if !slices.Contains(wantOption, p) {
			plain = append(plain, p)
		}
	}
	add("REVOKE ", without(have, want), " FROM "+role)
	add("REVOKE GRANT OPTION FOR ", without(without(haveOption, wantOption), without(have, want)), " FROM "+role)
	add("GRANT ", plain, " TO "+role)
	add("GRANT ", without(wantOption, haveOption), " TO "+role+" WITH GRANT OPTION")
	return actions
}

// grantOn prints privileges and the object that they are held on.
func grantOn(c *kind.Ctx, id schema.ID, privileges []string) string {
	subject := id.Subject()
	k := c.Kinds.Of(subject)
	if subject.Kind != "column" {
		return list(privileges) + " ON " + k.Grant + " " + k.Ref(subject)
	}
	printed := make([]string, len(privileges))
	for i, p := range privileges {
		printed[i] = p + " (" + pg.QuoteIdent(subject.Part) + ")"
	}
	return list(printed) + " ON TABLE " + qualified(subject)
}

// grantee prints the role. The owner of an object that no statement gives an
// owner is whoever runs the plan.
func grantee(c *kind.Ctx, id schema.ID) string {
	if !strings.HasPrefix(id.Role, "$") {
		if id.Role == "PUBLIC" {
			return id.Role
		}
		return pg.QuoteIdent(id.Role)
	}
	for _, s := range []*schema.State{c.New, c.Old} {
		if role := ownerRole(s, id); role != "" {
			return pg.QuoteIdent(role)
		}
	}
	return "CURRENT_USER"
}

// namedRole returns the grantee where it is a role that can be missing.
func namedRole(role string) []string {
	if role == "PUBLIC" {
		return nil
	}
	return []string{role}
}

// ownerRole returns the role that owns the subject of a grant, or for a column
// its relation; "" when no statement says it. The columns of views are no
// objects: their grants hang on the view.
func ownerRole(s *schema.State, grant schema.ID) string {
	at := grant.Subject()
	if s.Objects[at] == nil && s.Objects[grant] != nil {
		at = s.Objects[grant].Parent
	}
	for s.Objects[at] != nil {
		if owner := s.Objects[at.Satellite("owner")]; owner != nil {
			return owner.Attrs[0].Value
		}
		at = s.Objects[at].Parent
	}
	return ""
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}
