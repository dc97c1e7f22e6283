package object

import (
	"maps"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// defaultPrivilege is what one role gets on the objects of a type that another
// role creates, anywhere or in one schema; manual, ALTER DEFAULT PRIVILEGES. Of
// its identity, the name is the type, the role the one that creates, and the
// part the one that gets.
type defaultPrivilege struct {
	Privileges []string // sorted
	Grantable  []string // those of them that come with grant option
	Baseline   []string `info:"true"` // what the role gets where nothing is said
}

// DefaultPrivilege defines default privileges. Those in a schema come on top of
// those anywhere, and so start from nothing.
//
// They come last and go first, so that they do not change what else the plan
// creates.
func (kinds) DefaultPrivilege(set *kind.Set) {
	kind.Define(set, kind.Spec[defaultPrivilege]{
		Name: "default_privilege", Rank: 230, Privilege: true, Hazards: onDrop[defaultPrivilege]("revokes-privilege"),
		Doc: "Default privileges, everywhere or in a schema, by creating role, type of object and grantee. They are managed where " +
			"privileges are.",
		Found: "pg_default_acl",
		Query: func(int) string { return defaultPrivilegeQuery },
		Ref:   func(id schema.ID) string { return strings.ToUpper(id.Name) },
		Create: func(_ *kind.Ctx, id schema.ID, p defaultPrivilege) []kind.Action {
			return changeDefaults(id, p.Baseline, nil, p.Privileges, p.Grantable)
		},
		Drop: func(c *kind.Ctx, id schema.ID, p defaultPrivilege) []kind.Action {
			if c.Dropped(schemaOf(id)) {
				return nil // goes with the schema
			}
			return changeDefaults(id, p.Privileges, p.Grantable, p.Baseline, nil)
		},
		Alter: kind.Alter[defaultPrivilege]{"privileges": alterDefaults, "grantable": alterDefaults},
		Extra: func(_ *schema.State, id schema.ID, _ defaultPrivilege) []schema.ID { return []schema.ID{schemaOf(id)} },
		Roles: func(id schema.ID, _ defaultPrivilege) []string { return append(namedRole(id.Part), id.Role) },
	})
}

// defaultPrivilegeQuery compares with what a new object has: defaclacl replaces
// that where it holds anywhere (manual chapter 52.17).
const defaultPrivilegeQuery = `SELECT 'pg_default_acl'::regclass::oid AS classid, d.oid AS objid,
	row_number() OVER (PARTITION BY d.oid ORDER BY g.grantee) - 1 AS objsubid, n.nspname AS schema,
	CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
		WHEN 'n' THEN 'schemas' ELSE 'large objects' END AS name,
	pg_get_userbyid(d.defaclrole) AS role,
	CASE g.grantee WHEN 0 THEN 'PUBLIC' WHEN d.defaclrole THEN '$owner' ELSE pg_get_userbyid(g.grantee) END AS part,
	g.privileges, g.grantable, g.baseline
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
	CROSS JOIN LATERAL (SELECT coalesce(h.grantee, b.grantee) AS grantee,
		jsonb_agg(h.privilege_type ORDER BY h.privilege_type COLLATE "C") FILTER (WHERE h.privilege_type IS NOT NULL) AS privileges,
		jsonb_agg(h.privilege_type ORDER BY h.privilege_type COLLATE "C") FILTER (WHERE h.is_grantable AND h.grantee <> d.defaclrole) AS grantable,
		jsonb_agg(b.privilege_type ORDER BY b.privilege_type COLLATE "C") FILTER (WHERE b.privilege_type IS NOT NULL) AS baseline
		FROM aclexplode(d.defaclacl) AS h
			FULL JOIN aclexplode(CASE WHEN d.defaclnamespace = 0
				THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) END) AS b
			ON b.grantee = h.grantee AND b.privilege_type = h.privilege_type
		GROUP BY 1) AS g
WHERE (n.oid IS NULL OR ` + userSchemas + `) AND (g.privileges IS DISTINCT FROM g.baseline OR g.grantable IS NOT NULL)`

func alterDefaults(_ *kind.Ctx, id schema.ID, old, p defaultPrivilege) []kind.Action {
	return changeDefaults(id, old.Privileges, old.Grantable, p.Privileges, p.Grantable)
}

func changeDefaults(id schema.ID, have, haveOption, want, wantOption []string) []kind.Action {
	words, role := "ALTER DEFAULT PRIVILEGES", "CURRENT_USER"
	if id.Role != kind.Creator {
		role = pg.QuoteIdent(id.Role)
		words += " FOR ROLE " + role
	}
	if id.Schema != "" {
		words += " IN SCHEMA " + pg.QuoteIdent(id.Schema)
	}
	switch id.Part {
	case "PUBLIC":
		role = id.Part
	case "$owner":
	default:
		role = pg.QuoteIdent(id.Part)
	}
	on := func(privileges []string) string { return list(privileges) + " ON " + strings.ToUpper(id.Name) }
	return grantStatements(words+" ", role, on, have, haveOption, want, wantOption)
}

// schemaOf is the schema that an object lies in.
func schemaOf(id schema.ID) schema.ID { return schema.ID{Kind: "schema", Name: id.Schema} }

// defaultsOn are the types of objects for which default privileges exist, by
// the words of GRANT ... ON.
var defaultsOn = map[string]string{"TABLE": "tables", "SEQUENCE": "sequences", "FUNCTION": "functions", "PROCEDURE": "functions",
	"TYPE": "types", "SCHEMA": "schemas"}

// firstDefaults returns the default privileges on the object that hold when a
// plan creates it: by role, those that hold anywhere first. They are of the
// role that runs the plan, whoever owns the object in the end.
func firstDefaults(c *kind.Ctx, subject schema.ID) map[string][]*schema.Object {
	found := map[string][]*schema.Object{}
	on := defaultsOn[c.Kinds.Of(subject).Grant]
	if on == "" || subject.Part != "" || !c.Created(subject) {
		return found
	}
	for _, objects := range []map[schema.ID]*schema.Object{c.Old.Objects, c.Old.Outside} {
		for id, o := range objects {
			if id.Kind != "default_privilege" || id.Name != on || c.Dropped(id) || id.Role != c.Old.Default && id.Role != kind.Creator {
				continue
			}
			if id.Schema == "" {
				found[id.Part] = slices.Insert(found[id.Part], 0, o)
			} else if id.Schema == subject.Schema {
				found[id.Part] = append(found[id.Part], o)
			}
		}
	}
	return found
}

// firstGrants returns what a role holds on an object right after a plan created
// it, given what it holds without default privileges.
func firstGrants(defaults []*schema.Object, baseline []string) (have, option []string) {
	have = baseline
	for _, o := range defaults {
		p := kind.Decode[defaultPrivilege](o)
		if o.ID.Schema == "" {
			have = p.Privileges
		} else {
			have = append(slices.Clip(have), without(p.Privileges, have)...)
		}
		option = append(option, without(p.Grantable, option)...)
	}
	return have, option
}

// takeDefaults takes from a new object what default privileges give to roles
// that are not to differ from what they hold on any new object. The object
// still belongs to the role that runs the plan.
func takeDefaults(c *kind.Ctx, o *schema.Object) []kind.Action {
	var actions []kind.Action
	defaults := firstDefaults(c, o.ID)
	for _, role := range slices.Sorted(maps.Keys(defaults)) {
		id := o.ID.Satellite("grant")
		id.Role = role
		if c.New.Objects[id] != nil {
			continue
		}
		if role == "$owner" && c.Old.Default != "" {
			id.Role = c.Old.Default
		}
		baseline := firstBaseline(role, defaults[role])
		have, option := firstGrants(defaults[role], baseline)
		actions = append(actions, changeGrants(c, id, have, option, baseline, nil)...)
	}
	return actions
}

// firstBaseline returns what a role holds on a new object without default
// privileges (manual table 5.2). What the owner holds is everything; privileges
// of the owner in one schema add nothing to it.
func firstBaseline(role string, defaults []*schema.Object) []string {
	first := defaults[0]
	switch {
	case first.ID.Schema == "" || role == "$owner":
		p := kind.Decode[defaultPrivilege](first)
		if first.ID.Schema != "" {
			return p.Privileges
		}
		return p.Baseline
	case role == "PUBLIC" && first.ID.Name == "functions":
		return []string{"EXECUTE"}
	case role == "PUBLIC" && first.ID.Name == "types":
		return []string{"USAGE"}
	}
	return nil
}
