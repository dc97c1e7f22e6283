package object

import (
	"strconv"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// role is a role of the server, manual chapter 21. Its password is no part of it.
type role struct {
	Superuser       bool
	Createdb        bool
	Createrole      bool
	Inherit         bool
	Login           bool
	Replication     bool
	Bypassrls       bool
	Connectionlimit int64  // -1 for none
	Validuntil      string // of the password; "" for ever
}

// userRole is the condition that a role in pg_roles under the given name is no
// one of PostgreSQL's own: predefined, made by initdb or reserved for shadows.
func userRole(r string) string {
	return r + ".oid >= " + userOID + " AND " + r + ".rolname !~ '^pg_' AND " + r + ".rolname <> 'cairn_shadow_owner'"
}

// Role defines roles.
func (kinds) Role(set *kind.Set) {
	alter := func(_ *kind.Ctx, id schema.ID, old, r role) []kind.Action {
		return kind.Do(kind.Words(append([]string{"ALTER ROLE", outsideSchemas(id)}, roleOptions(old, r)...)...))
	}
	kind.Define(set, kind.Spec[role]{
		Name: "role", SQL: "ROLE", Rank: 1, Option: kind.Roles, Role: true,
		Doc: "With `--roles`: roles with their attributes. Passwords are neither read nor set. A role that the desired state does not " +
			"create is left alone; it is dropped only when `drops:` in `cairn.decisions.yaml` names it. Predefined roles and the one " +
			"that initdb made are not managed. A role with another name is another role.",
		Query: func(int) string {
			return `SELECT 'pg_authid'::regclass::oid AS classid, r.oid AS objid, 0 AS objsubid, r.rolname AS name,
	r.rolsuper AS superuser, r.rolcreatedb AS createdb, r.rolcreaterole AS createrole, r.rolinherit AS inherit, r.rolcanlogin AS login,
	r.rolreplication AS replication, r.rolbypassrls AS bypassrls, r.rolconnlimit AS connectionlimit,
	nullif(r.rolvaliduntil, 'infinity')::text AS validuntil
FROM pg_roles r WHERE ` + userRole("r")
		},
		Ref: outsideSchemas,
		Create: func(_ *kind.Ctx, id schema.ID, r role) []kind.Action {
			return kind.Do(kind.Words(append([]string{"CREATE ROLE", outsideSchemas(id)}, roleOptions(role{Inherit: true, Connectionlimit: -1}, r)...)...))
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ role) []kind.Action {
			var actions []kind.Action
			for _, o := range c.Parts(c.Old, id, "parameter_privilege") { // PostgreSQL does not take them along
				actions = append(actions, set.Of(o.ID).Drop(c, o)...)
			}
			return append(actions, kind.Action{SQL: "DROP ROLE " + outsideSchemas(id), Loses: "drop-role",
				Why: "the password, and what the role may do in every database"})
		},
		Alter: kind.Alter[role]{
			"superuser": alter, "createdb": alter, "createrole": alter, "inherit": alter, "login": alter, "replication": alter,
			"bypassrls": alter, "connectionlimit": alter, "validuntil": alter,
		},
	})
}

// roleOptions prints what differs.
func roleOptions(old, r role) []string {
	var options []string
	for _, o := range []struct {
		word     string
		old, new bool
	}{
		{"SUPERUSER", old.Superuser, r.Superuser}, {"CREATEDB", old.Createdb, r.Createdb}, {"CREATEROLE", old.Createrole, r.Createrole},
		{"INHERIT", old.Inherit, r.Inherit}, {"LOGIN", old.Login, r.Login}, {"REPLICATION", old.Replication, r.Replication},
		{"BYPASSRLS", old.Bypassrls, r.Bypassrls},
	} {
		if o.old != o.new {
			options = append(options, onOff(o.new, o.word, "NO"+o.word))
		}
	}
	if old.Connectionlimit != r.Connectionlimit {
		options = append(options, "CONNECTION LIMIT "+strconv.FormatInt(r.Connectionlimit, 10))
	}
	if old.Validuntil != r.Validuntil {
		until := r.Validuntil
		if until == "" {
			until = "infinity"
		}
		options = append(options, "VALID UNTIL "+pg.QuoteLiteral(until))
	}
	return options
}
