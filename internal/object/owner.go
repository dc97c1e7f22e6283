package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// owner is the role that owns an object. An object that the desired
// state gives none keeps the one it has; the schema public can also go back to
// the one that initdb gives it, manual chapter 5.10.6.
type owner struct {
	Role string
}

// Owner defines the owners of all objects that have one.
func (kinds) Owner(set *kind.Set) {
	kind.Define(set, kind.Spec[owner]{
		Name: "owner", Rank: 200, Satellite: kind.FromOwner, Hazards: ownerHazards,
		Doc:    "Owners of every object that has one. The owner of an object whose owner no statement gives is left alone.",
		Roles:  func(_ schema.ID, o owner) []string { return []string{o.Role} },
		Ref:    func(id schema.ID) string { return set.Ref(id.Subject()) },
		Create: func(c *kind.Ctx, id schema.ID, o owner) []kind.Action { return alterOwner(c, id, o) },
		Drop:   func(c *kind.Ctx, id schema.ID, _ owner) []kind.Action { return initialOwner(c, id) },
		Alter: kind.Alter[owner]{
			"role": func(c *kind.Ctx, id schema.ID, _, o owner) []kind.Action { return alterOwner(c, id, o) },
		},
	})
}

func alterOwner(c *kind.Ctx, id schema.ID, o owner) []kind.Action {
	subject := id.Subject()
	if o.Role == "" || c.Created(subject) && o.Role == c.Old.Default {
		return kind.Nothing
	}
	k := c.Kinds.Of(subject)
	return []kind.Action{{SQL: "ALTER " + k.SQL + " " + k.Ref(subject) + " OWNER TO " + pg.QuoteIdent(o.Role)}}
}

// initialOwner undoes the owner of what outlives its owner: the schema public.
// Up to PostgreSQL 14 the superuser of initdb owns it, whose name can be any.
func initialOwner(c *kind.Ctx, id schema.ID) []kind.Action {
	subject := id.Subject()
	if c.Dropped(subject) || !c.Old.Objects[subject].Builtin {
		return nil
	}
	statement := "ALTER " + c.Kinds.Of(subject).SQL + " " + c.Kinds.Ref(subject) + " OWNER TO "
	if c.New.Server >= 15 {
		return kind.Do(statement + "pg_database_owner")
	}
	return kind.Do("DO $$ BEGIN EXECUTE format(" + pg.QuoteLiteral(statement+"%I") + ", pg_get_userbyid(10)); END $$")
}
