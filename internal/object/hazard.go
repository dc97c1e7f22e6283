package object

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// warn returns one hazard; it is for the hooks of kinds.
func warn(code, why string) []kind.Hazard { return []kind.Hazard{{Code: code, Why: why}} }

// onDrop returns the hook of a kind whose objects are only named by others: one
// that goes for good has the hazard.
func onDrop[T any](code string) func(*kind.Ctx, kind.Turn[T]) []kind.Hazard {
	return func(_ *kind.Ctx, t kind.Turn[T]) []kind.Hazard {
		if t.Drops() {
			return warn(code, "code that names "+t.ID.Describe()+" fails")
		}
		return nil
	}
}

// onPartDrop is onDrop for parts: what goes with its whole is said of that.
func onPartDrop[T any](code, why string) func(*kind.Ctx, kind.Turn[T]) []kind.Hazard {
	return func(c *kind.Ctx, t kind.Turn[T]) []kind.Hazard {
		if t.Drops() && !goesWithWhole(c, t.ID) {
			return warn(code, why)
		}
		return nil
	}
}

// goesWithWhole reports whether what the dropped object is a part of goes too.
func goesWithWhole(c *kind.Ctx, id schema.ID) bool {
	o := c.Old.Objects[id]
	return o != nil && c.Dropped(o.Parent)
}

// fresh reports whether the whole of a part is created by the plan, so that no
// code knows it yet.
func fresh(c *kind.Ctx, id schema.ID) bool {
	o := c.New.Objects[id]
	return o != nil && c.Created(o.Parent)
}

func domainHazards(_ *kind.Ctx, t kind.Turn[domain]) []kind.Hazard {
	switch {
	case t.Drops():
		return warn("drop-type", "code that names "+t.ID.Describe()+" fails")
	case t.Field == "notnull" && t.New.Notnull:
		return warn("domain-narrowed", "columns of "+t.ID.Describe()+" take NULL no more")
	}
	return nil
}

func domainConstraintHazards(c *kind.Ctx, t kind.Turn[domainConstraint]) []kind.Hazard {
	switch {
	case t.Creates() && !fresh(c, t.ID):
		return warn("domain-narrowed", "columns of the domain take only values with "+t.New.Definition)
	case t.Drops() && !goesWithWhole(c, t.ID):
		return warn("drop-constraint", "columns of the domain take values that "+t.ID.Part+" refused")
	}
	return nil
}

func enumHazards(_ *kind.Ctx, t kind.Turn[enum]) []kind.Hazard {
	if t.Drops() {
		return warn("drop-type", "code that names "+t.ID.Describe()+" fails")
	}
	if t.Creates() || t.Field != "" {
		return nil
	}
	if gone := without(t.Old.Labels, t.New.Labels); len(gone) > 0 {
		return warn("enum-value-removed", "no row and no code may have "+list(gone)+" any more")
	}
	return nil
}

func sequenceHazards(_ *kind.Ctx, t kind.Turn[sequence]) []kind.Hazard {
	if t.Field != "" && (t.New.Max < t.Old.Max || t.New.Min > t.Old.Min) {
		return warn("sequence-type-shrinks", "")
	}
	return nil
}

func viewHazards(_ *kind.Ctx, t kind.Turn[view]) []kind.Hazard {
	switch {
	case t.Drops():
		return warn("drop-view", "code that names "+t.ID.Describe()+" fails")
	case !t.Creates() && t.Field == "" && (len(t.New.Columns) < len(t.Old.Columns) || !slices.Equal(t.Old.Columns, t.New.Columns[:len(t.Old.Columns)])):
		return warn("recreate-view", "its columns were "+list(t.Old.Columns)+" and become "+list(t.New.Columns))
	}
	return nil
}

func materializedViewHazards(_ *kind.Ctx, t kind.Turn[materializedView]) []kind.Hazard {
	switch {
	case t.Drops():
		return warn("drop-materialized-view", "code that names "+t.ID.Describe()+" fails")
	case !t.Creates() && t.Field == "" && t.New.Populated, t.Field == "populated" && t.New.Populated:
		return warn("rebuild-materialized-view", "")
	}
	return nil
}

func functionHazards(_ *kind.Ctx, t kind.Turn[function]) []kind.Hazard {
	return routineHazards(t.ID, t.Field, asRoutine(t.Old, functionRoutine), asRoutine(t.New, functionRoutine),
		t.Old != nil && t.Old.Definer, t.New != nil && t.New.Definer)
}

func procedureHazards(_ *kind.Ctx, t kind.Turn[procedure]) []kind.Hazard {
	return routineHazards(t.ID, t.Field, asRoutine(t.Old, procedureRoutine), asRoutine(t.New, procedureRoutine),
		t.Old != nil && t.Old.Definer, t.New != nil && t.New.Definer)
}

// asRoutine is what functions and procedures have in common, nil for none.
func asRoutine[T any](of *T, convert func(T) routine) *routine {
	if of == nil {
		return nil
	}
	r := convert(*of)
	return &r
}

func routineHazards(id schema.ID, field string, old, new *routine, was, definer bool) []kind.Hazard {
	var hazards []kind.Hazard
	switch {
	case new == nil:
		return warn("drop-function", "code that calls "+id.QualifiedName()+" fails")
	case old != nil && field == "" && (old.result != new.result || !slices.Equal(old.parameters, new.parameters)):
		hazards = warn("function-signature-change", "from ("+list(old.parameters)+") "+old.result+" to ("+list(new.parameters)+") "+new.result)
	}
	lost := old != nil && hasSearchPath(old.config)
	if definer && !hasSearchPath(new.config) && (old == nil || field != "" && (!was || lost)) {
		hazards = append(hazards, kind.Hazard{Code: "security-definer-without-search-path"})
	}
	return hazards
}

func hasSearchPath(config []string) bool {
	return slices.ContainsFunc(config, func(s string) bool { return strings.HasPrefix(s, "search_path=") })
}

func grantHazards(c *kind.Ctx, t kind.Turn[grant]) []kind.Hazard {
	if t.Creates() || c.Dropped(t.ID.Subject()) {
		return nil
	}
	kept, option := t.Old.Baseline, []string(nil)
	if !t.Drops() {
		kept, option = t.New.Privileges, t.New.Grantable
	}
	if gone := without(t.Old.Privileges, kept); len(gone) > 0 && t.Field != "grantable" {
		return warn("revokes-privilege", t.ID.Role+" loses "+list(gone)+" on "+t.ID.Subject().Describe())
	}
	if gone := without(t.Old.Grantable, option); len(gone) > 0 {
		return warn("revokes-privilege", t.ID.Role+" cannot grant "+list(gone)+" on "+t.ID.Subject().Describe()+" any more")
	}
	return nil
}

func ownerHazards(_ *kind.Ctx, t kind.Turn[owner]) []kind.Hazard {
	if t.Field != "" && t.Old.Role != t.New.Role {
		return warn("owner-change", t.ID.Subject().Describe()+" goes from "+t.Old.Role+" to "+t.New.Role)
	}
	return nil
}

func publicationHazards(_ *kind.Ctx, t kind.Turn[publication]) []kind.Hazard {
	switch {
	case t.Drops():
		return warn("drop-publication", "")
	case t.Field == "publish":
		if gone := without(strings.Split(t.Old.Publish, ", "), strings.Split(t.New.Publish, ", ")); len(gone) > 0 {
			return warn("publication-drops-table", "subscribers do not get "+list(gone)+" any more")
		}
	}
	return nil
}

func subscriptionHazards(_ *kind.Ctx, t kind.Turn[subscription]) []kind.Hazard {
	if t.Field != "" {
		return warn("subscription-change", "")
	}
	return nil
}
