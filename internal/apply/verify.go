package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/schema"
)

// read returns the managed part of the target, before or after the steps ran. What
// the run keeps of it for the way back needs more than what is compared, and so
// does the next plan.
func (r *runner) read(ctx context.Context, ran, compared bool) (*schema.State, error) {
	state, err := catalog.Read(ctx, r.conn, r.kinds, catalog.Options{Server: r.options.Server, With: scope.Options(r.plan.Scope), Compared: compared && !r.passes,
		LockTimeout: r.options.LockTimeout})
	if pg.IsLockTimeout(err) {
		return nil, &LockError{What: fmt.Sprintf("reading the target waited %s for a lock of another session", r.options.LockTimeout), Undone: !ran}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the target: %w", err)
	}
	return r.managed(state)
}

// managed takes what the plan manages out of the state of the target, which is kept
// when the next plan has a use for it.
func (r *runner) managed(state *schema.State) (*schema.State, error) {
	if r.passes {
		r.left = state
		part := *state
		part.Objects, part.Outside = maps.Clone(state.Objects), maps.Clone(state.Outside)
		state = &part
	}
	return state, scope.Limit(r.kinds, r.plan.Scope, state)
}

// begins returns the managed part of the target before the run. Where the plan
// before has just been confirmed, the target was read for that.
func (r *runner) begins(ctx context.Context, compared bool) (*schema.State, error) {
	if r.known == nil {
		return r.read(ctx, r.done > 0, compared)
	}
	known := r.known
	r.known = nil // the next one has its own
	return r.managed(known)
}

// verify demands the state that was reviewed, or the one in which a run of the
// plan stopped. It reports whether the target is where the plan leads already
// and no step is left.
func (r *runner) verify(ctx context.Context) (done bool, err error) {
	named := Touched(r.plan)
	// Of what only comes anew, there is nothing to keep.
	keeps := slices.ContainsFunc(r.plan.Objects, func(pin schema.Pin) bool { return named[pin.Object] })
	state, err := r.begins(ctx, !keeps)
	if err != nil {
		return false, err
	}
	r.note(state, named)
	actual := state.Fingerprint()
	if r.done > 0 || r.doubt {
		if changed := r.strayed(state); len(changed) > 0 {
			return false, &StaleError{Expected: r.plan.From, Actual: actual, Changed: changed, Run: r.record.ID, Done: r.done}
		}
		return false, nil
	}
	switch {
	case actual == r.plan.From:
		return false, nil
	case plan.Fingerprint(r.kinds, state, r.plan.Printed) == r.plan.To:
		return true, nil
	default:
		return false, &StaleError{Expected: r.plan.From, Actual: actual, Changed: Changed(r.plan.Objects, plan.Pins(state))}
	}
}

// note keeps of the target what the run has a use for: the objects that the plan
// changes, and how statements address the relations that it locks.
func (r *runner) note(state *schema.State, named map[string]bool) {
	locked := map[string]bool{}
	for _, s := range r.plan.Steps {
		for _, l := range s.Locks {
			locked[l.Relation] = true
		}
	}
	r.before, r.refs = []*schema.Object{}, map[string]string{}
	for id, o := range state.Objects {
		text := id.String()
		if named[text] {
			r.before = append(r.before, o)
		}
		if locked[text] {
			r.refs[text] = r.kinds.Ref(id)
		}
	}
	slices.SortFunc(r.before, func(a, b *schema.Object) int { return schema.Compare(a.ID, b.ID) })
}

// strayed describes the objects of the target that neither the steps that are
// done nor the start of the plan explain. An object of a step that is left can be
// anything in between, and one that helps to make another comes and goes.
func (r *runner) strayed(state *schema.State) []string {
	left, past := map[string]bool{}, map[string]bool{}
	for i, s := range r.plan.Steps {
		named := past
		if i >= r.done {
			named = left
		}
		for _, object := range append([]string{s.Object}, s.Also...) {
			named[object] = true
		}
	}
	for id := range state.Objects {
		if kind.IsHelper(id) {
			left[id.String()] = r.done < len(r.plan.Steps)
		}
	}
	from, to := hashes(r.plan.Objects), hashes(r.plan.Outcome)
	full, blank := hashes(plan.Pins(state)), hashes(plan.Pins(plan.Unprinted(r.kinds, state, r.plan.Printed)))
	planned, actual := map[string]string{}, map[string]string{}
	for _, pins := range []map[string]string{from, to, full} {
		for object := range pins {
			end, changes := to[object]
			atStart, atEnd := full[object] == from[object], changes && blank[object] == end
			switch {
			case left[object], atEnd, atStart && !(changes && past[object]):
				continue
			case past[object] && !atStart && r.done < len(r.plan.Steps):
				continue // a step that is left can change it besides
			}
			planned[object], actual[object] = from[object], full[object]
			if changes && past[object] {
				planned[object] = end
			}
		}
	}
	return Changed(pins(planned), pins(actual))
}

// pins lists the objects that have a hash.
func pins(hashes map[string]string) []schema.Pin {
	var list []schema.Pin
	for object, hash := range hashes {
		if hash != "" {
			list = append(list, schema.Pin{Object: object, Hash: hash})
		}
	}
	slices.SortFunc(list, func(a, b schema.Pin) int { return strings.Compare(a.Object, b.Object) })
	return list
}

func hashes(pins []schema.Pin) map[string]string {
	m := make(map[string]string, len(pins))
	for _, p := range pins {
		m[p.Object] = p.Hash
	}
	return m
}

// confirm demands the state that the plan promises.
func (r *runner) confirm(ctx context.Context) (string, error) {
	state, err := r.read(ctx, true, true)
	if err != nil {
		return "", err
	}
	actual := plan.Fingerprint(r.kinds, state, r.plan.Printed)
	if actual == r.plan.To {
		return actual, nil
	}
	want := hashes(r.plan.Objects)
	for _, p := range r.plan.Outcome {
		want[p.Object] = p.Hash
	}
	return actual, &DivergedError{Expected: r.plan.To, Actual: actual,
		Changed: Changed(pins(want), plan.Pins(plan.Unprinted(r.kinds, state, r.plan.Printed)))}
}

// Changed describes the objects whose pins differ. What came or went with the
// object that it is a part of goes without saying.
func Changed(planned, actual []schema.Pin) []string {
	hashes := map[string]string{}
	for _, p := range planned {
		hashes[p.Object] = p.Hash
	}
	var names []string
	for _, p := range actual {
		hash, known := hashes[p.Object]
		if !known {
			names = append(names, p.Object+" (added)")
		} else if hash != p.Hash {
			names = append(names, p.Object+" (changed)")
		}
		delete(hashes, p.Object)
	}
	for _, p := range planned {
		if _, left := hashes[p.Object]; left {
			names = append(names, p.Object+" (dropped)")
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, path, _ := strings.Cut(name, ":")
		return slices.ContainsFunc(names, func(whole string) bool {
			_, prefix, _ := strings.Cut(whole, ":")
			prefix, verb, _ := strings.Cut(prefix, " (")
			return verb != "changed)" && strings.HasPrefix(path, prefix+".") && strings.HasSuffix(path, " ("+verb)
		})
	})
}
