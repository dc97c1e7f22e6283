package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// owner is the role that owns an object. An object that nobody was said to own
// has none, and dropping an owner means to leave it as it is.
type owner struct {
	Role string
}

// Owner defines the owners of all objects that have one.
func (kinds) Owner(set *kind.Set) {
	kind.Define(set, kind.Spec[owner]{
		Name: "owner", Rank: 200, Satellite: kind.FromOwner,
		Doc:    "Owners of every object that has one. The owner of an object whose owner no statement gives is left alone.",
		Ref:    func(id schema.ID) string { return set.Ref(id.Subject()) },
		Create: func(c *kind.Ctx, id schema.ID, o owner) []kind.Action { return alterOwner(c, id, o) },
		Drop:   func(*kind.Ctx, schema.ID, owner) []kind.Action { return nil },
		Alter: kind.Alter[owner]{
			"role": func(c *kind.Ctx, id schema.ID, _, o owner) []kind.Action { return alterOwner(c, id, o) },
		},
	})
}

func alterOwner(c *kind.Ctx, id schema.ID, o owner) []kind.Action {
	subject := id.Subject()
	if o.Role == "" || c.Created[subject] && o.Role == c.Old.Default {
		return kind.Nothing
	}
	k := c.Kinds.Of(subject)
	return []kind.Action{{SQL: "ALTER " + k.SQL + " " + k.Ref(subject) + " OWNER TO " + pg.QuoteIdent(o.Role)}}
}
