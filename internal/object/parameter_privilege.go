package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// parameterPrivilege is what a role may do to a parameter of the server that
// only superusers may otherwise, manual chapter 5.8.
type parameterPrivilege struct {
	Privileges []string // sorted
	Grantable  []string // those of them that come with grant option
}

// ParameterPrivilege defines privileges on parameters.
func (kinds) ParameterPrivilege(set *kind.Set) {
	change := func(id schema.ID, old, p parameterPrivilege) []kind.Action {
		on := func(privileges []string) string { return list(privileges) + " ON PARAMETER " + parameterRef(id) }
		role := id.Role
		if role != "PUBLIC" {
			role = pg.QuoteIdent(role)
		}
		return grantStatements("", role, on, old.Privileges, old.Grantable, p.Privileges, p.Grantable)
	}
	alter := func(_ *kind.Ctx, id schema.ID, old, p parameterPrivilege) []kind.Action { return change(id, old, p) }
	kind.Define(set, kind.Spec[parameterPrivilege]{
		Name: "parameter_privilege", Rank: 4, Since: 15, Option: kind.Roles, Hazards: onDrop[parameterPrivilege]("revokes-privilege"),
		Doc: "With `--roles`, on 15: the privileges SET and ALTER SYSTEM of roles on parameters. Those of PUBLIC, and of a role that the " +
			"desired state does not create, are added and changed as it says, and never taken away.",
		Query: func(int) string {
			return `SELECT 'pg_parameter_acl'::regclass::oid AS classid, p.oid AS objid,
	row_number() OVER (PARTITION BY p.oid ORDER BY g.grantee) AS objsubid, p.parname AS name,
	CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE u.rolname END AS role,
	'pg_authid'::regclass::oid AS pclass, g.grantee AS pobj, 0 AS psub, g.privileges, g.grantable
FROM pg_parameter_acl p CROSS JOIN LATERAL (SELECT a.grantee,
		jsonb_agg(a.privilege_type ORDER BY a.privilege_type COLLATE "C") AS privileges,
		jsonb_agg(a.privilege_type ORDER BY a.privilege_type COLLATE "C") FILTER (WHERE a.is_grantable) AS grantable
		FROM aclexplode(p.paracl) AS a GROUP BY 1) AS g
	LEFT JOIN pg_roles u ON u.oid = g.grantee
WHERE g.grantee = 0 OR ` + userRole("u")
		},
		Ref: parameterRef,
		Create: func(_ *kind.Ctx, id schema.ID, p parameterPrivilege) []kind.Action {
			return change(id, parameterPrivilege{}, p)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, p parameterPrivilege) []kind.Action {
			return change(id, p, parameterPrivilege{})
		},
		Alter: kind.Alter[parameterPrivilege]{"privileges": alter, "grantable": alter},
		Roles: func(id schema.ID, _ parameterPrivilege) []string { return namedRole(id.Role) },
	})
}

// parameterRef addresses a parameter, whose name can have a prefix.
func parameterRef(id schema.ID) string { return pg.QuoteIdent(id.Name) }
