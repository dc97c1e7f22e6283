package kind

import (
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// Hazard is what an action does to running applications, by its code.
type Hazard struct {
	Code   string    // key of the table of hazards: "rename"
	Why    string    // what happens here, a short sentence; "" where the table says enough
	Object schema.ID // whose change it is
}

// Turn is one thing that happens to an object of a kind: New alone for one that
// is created, Old alone for one that is dropped, both for one that is dropped
// to be created anew, and with a Field for a change in place.
type Turn[T any] struct {
	ID       schema.ID
	Field    string
	Old, New *T
}

// Creates reports whether the object is created.
func (t Turn[T]) Creates() bool { return t.Old == nil }

// Drops reports whether the object is dropped for good.
func (t Turn[T]) Drops() bool { return t.New == nil }

// leaving is the turn of an object that is dropped, for good or to be created
// anew.
func leaving[T any](c *Ctx, id schema.ID, old *T) Turn[T] {
	turn := Turn[T]{ID: id, Old: old}
	if o := c.New.Objects[id]; o != nil {
		t := decode[T](o)
		turn.New = &t
	}
	return turn
}

// warned adds the hazards of a turn to the first of its actions.
func warned[T any](s Spec[T], c *Ctx, turn Turn[T], actions []Action) []Action {
	if s.Hazards == nil || len(actions) == 0 {
		return actions
	}
	hazards := slices.Clone(actions[0].Hazards)
	for _, h := range s.Hazards(c, turn) {
		h.Object = turn.ID
		hazards = append(hazards, h)
	}
	actions = slices.Clone(actions)
	actions[0].Hazards = hazards
	return actions
}

// creator returns what creates an object, with the hazards of that.
func creator[T any](s Spec[T]) func(*Ctx, *schema.Object) []Action {
	return func(c *Ctx, o *schema.Object) []Action {
		t := decode[T](o)
		actions := s.Create(c, o.ID, t)
		for i := range actions {
			if !c.InUse(actions[i].Relation) {
				actions[i].Online = nil // nobody waits
			}
		}
		return warned(s, c, Turn[T]{ID: o.ID, New: &t}, actions)
	}
}

// dropper returns what takes the old form of an object out of the way, with the
// hazards of that.
func dropper[T any](s Spec[T], drop func(*Ctx, schema.ID, T) []Action) func(*Ctx, *schema.Object) []Action {
	return func(c *Ctx, o *schema.Object) []Action {
		t := decode[T](o)
		return warned(s, c, leaving(c, o.ID, &t), drop(c, o.ID, t))
	}
}
