package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// membership makes the role of its identity a member of the role that is its
// name, manual chapter 21.3.
type membership struct {
	Admin    bool
	Inherit  bool     // before 16, that of the member
	Set      bool     // 16 and later
	Grantors []string `info:"true"` // who granted it, 16 and later; "" for the role that initdb made
}

// Membership defines memberships in roles. From 16 on, several roles can grant
// the same one; what counts is what all of them grant together.
func (kinds) Membership(set *kind.Set) {
	kind.Define(set, kind.Spec[membership]{
		Name: "membership", Rank: 2, Option: kind.Roles, Hazards: onDrop[membership]("revokes-privilege"),
		Doc: "With `--roles`: memberships in roles, with their options ADMIN and, on 16, INHERIT and SET. They belong to the member: those of " +
			"a role that the desired state does not create are added and changed as it says, and never taken away. Who granted one is " +
			"not compared. What PostgreSQL 16 grants to the creator of a role by itself is left alone.",
		Query: membershipQuery,
		Ref:   func(id schema.ID) string { return pg.QuoteIdent(id.Name) },
		Create: func(c *kind.Ctx, id schema.ID, m membership) []kind.Action {
			var options []string
			if m.Admin {
				options = append(options, "ADMIN OPTION")
			}
			if c.Server >= 16 {
				if !m.Inherit {
					options = append(options, "INHERIT FALSE")
				} else if !inherits(c.New, id.Role) {
					options = append(options, "INHERIT TRUE")
				}
				if !m.Set {
					options = append(options, "SET FALSE")
				}
			}
			return kind.Do(grantMembership(id, options))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, m membership) []kind.Action {
			return byGrantors(m, "REVOKE "+pg.QuoteIdent(id.Name)+" FROM "+pg.QuoteIdent(id.Role))
		},
		Alter: kind.Alter[membership]{"admin": alterMembership, "inherit": alterMembership, "set": alterMembership},
		Roles: func(id schema.ID, _ membership) []string { return []string{id.Name, id.Role} },
	})
}

// membershipQuery leaves out what a role with CREATEROLE gets on the roles that
// it creates: ADMIN without the rest, granted by the role that initdb made
// (manual chapter 21.2). It would come with a role that a plan creates. Before
// 16, what a membership inherits is said by the member.
func membershipQuery(server int) string {
	columns, rows := "bool_or(m.admin_option) AS admin, bool_or(u.rolinherit) AS inherit, true AS set, NULL AS grantors", ""
	if server >= 16 {
		columns = `bool_or(m.admin_option) AS admin, bool_or(m.inherit_option) AS inherit, bool_or(m.set_option) AS set,
	json_agg(CASE m.grantor WHEN 10 THEN '' ELSE pg_get_userbyid(m.grantor) END ORDER BY m.grantor) AS grantors`
		rows = " AND NOT (m.grantor = 10 AND m.admin_option AND NOT m.inherit_option AND NOT m.set_option)"
	}
	return `SELECT 'pg_auth_members'::regclass::oid AS classid, m.member AS objid, m.roleid AS objsubid, g.rolname AS name, u.rolname AS role,
	'pg_authid'::regclass::oid AS pclass, m.member AS pobj, 0 AS psub, ` + columns + `
FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
WHERE g.rolname <> 'cairn_shadow_owner' AND ` + userRole("u") + rows + `
GROUP BY m.member, m.roleid, g.rolname, u.rolname`
}

// inherits reports whether a new membership of the role has INHERIT by itself,
// as far as the state says.
func inherits(s *schema.State, name string) bool {
	member := s.Objects[schema.ID{Kind: "role", Name: name}]
	return member != nil && kind.Decode[role](member).Inherit
}

func grantMembership(id schema.ID, options []string) string {
	sql := "GRANT " + pg.QuoteIdent(id.Name) + " TO " + pg.QuoteIdent(id.Role)
	if len(options) > 0 {
		sql += " WITH " + list(options)
	}
	return sql
}

func alterMembership(c *kind.Ctx, id schema.ID, old, m membership) []kind.Action {
	var options []string
	if m.Admin && !old.Admin {
		options = append(options, "ADMIN OPTION")
	}
	if c.Server >= 16 {
		for _, o := range []struct {
			word     string
			old, new bool
		}{{"INHERIT", old.Inherit, m.Inherit}, {"SET", old.Set, m.Set}} {
			if o.old != o.new {
				options = append(options, o.word+" "+onOff(o.new, "TRUE", "FALSE"))
			}
		}
	}
	actions := slices.Clone(kind.Nothing)
	if old.Admin && !m.Admin {
		actions = append(actions, byGrantors(old, "REVOKE ADMIN OPTION FOR "+pg.QuoteIdent(id.Name)+" FROM "+pg.QuoteIdent(id.Role))...)
	}
	if len(options) > 0 {
		actions = append(actions, byGrantors(old, grantMembership(id, options))...)
	}
	return actions
}

// byGrantors repeats a statement for each role that granted the membership. A
// superuser grants as the role that initdb made (manual, GRANT).
func byGrantors(m membership, sql string) []kind.Action {
	if len(m.Grantors) == 0 {
		return kind.Do(sql)
	}
	var actions []kind.Action
	for _, g := range m.Grantors {
		if g == "" {
			actions = append(actions, kind.Do(sql)...)
		} else {
			actions = append(actions, kind.Do(sql+" GRANTED BY "+pg.QuoteIdent(g))...)
		}
	}
	return actions
}
