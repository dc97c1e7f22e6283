package plan

import (
	"maps"
	"slices"

	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// Mix is a state between two: the new one, in which some objects keep their old
// form with all that hangs on it.
type Mix struct {
	kinds    *kind.Set
	old, new *schema.State
	deltas   map[schema.ID]schema.Delta
	replaced map[schema.ID]bool        // in place is not possible
	users    map[schema.ID][]schema.ID // changed objects of the new state that need the key, or are its parts
	parts    map[schema.ID][]schema.ID // old objects that go with the key
	taken    map[string][]schema.ID    // objects that come and take the name
	tied     map[schema.ID][]schema.ID // objects that PostgreSQL changes together with the key
	ctx      *kind.Ctx
	because  map[schema.ID]schema.ID // objects that keep their old form, with the reason
	order    []schema.ID             // of them
}

// Left is an object that keeps its old form. Because is the object that it
// follows in that, the zero value when it was asked for.
type Left struct{ ID, Because schema.ID }

// NewMix returns the mix that is the new state.
func NewMix(kinds *kind.Set, between diff.Difference) *Mix {
	m := &Mix{kinds: kinds, old: between.Old, new: between.New, deltas: map[schema.ID]schema.Delta{}, users: map[schema.ID][]schema.ID{},
		parts: map[schema.ID][]schema.ID{}, taken: map[string][]schema.ID{}, because: map[schema.ID]schema.ID{}, replaced: map[schema.ID]bool{}}
	e := expand(kinds, between, Offline)
	m.ctx, m.tied = e.ctx, map[schema.ID][]schema.ID{}
	for _, d := range between.Deltas {
		id := d.ID()
		m.deltas[id] = d
		m.replaced[id] = e.change(id).replaced()
		m.tie(id, d.Old)
		m.tie(id, d.New)
		if d.New == nil {
			m.parts[d.Old.Parent] = append(m.parts[d.Old.Parent], id)
			continue
		}
		for _, need := range append(slices.Clone(d.New.Needs), d.New.Parent) {
			m.users[need] = append(m.users[need], id)
		}
		if d.Old == nil {
			for _, name := range kinds.Of(id).Names(d.New) {
				m.taken[name] = append(m.taken[name], id)
			}
		}
	}
	return m
}

// tie records which objects an object follows.
func (m *Mix) tie(id schema.ID, o *schema.Object) {
	if o == nil {
		return
	}
	for _, leader := range m.kinds.Of(id).Follows(m.ctx, o) {
		m.tied[leader] = append(m.tied[leader], id)
		m.tied[id] = append(m.tied[id], leader)
	}
}

// Keep gives objects their old form; one that only the new state has goes.
func (m *Mix) Keep(ids ...schema.ID) {
	for _, id := range ids {
		m.keep(id, schema.ID{})
	}
}

// KeepObjects keeps the objects of these texts of identities, and where such an
// object does not differ, what it needs that does. It reports whether there was
// something new to keep.
func (m *Mix) KeepObjects(texts map[string]bool) bool {
	before := len(m.order)
	for _, s := range []*schema.State{m.old, m.new} {
		for _, o := range s.Sorted() {
			if !texts[o.ID.String()] {
				continue
			}
			m.keep(o.ID, schema.ID{})
			for _, need := range append(slices.Clone(o.Needs), o.Parent) {
				if _, differs := m.deltas[o.ID]; !differs {
					m.keep(need, schema.ID{})
				}
			}
		}
	}
	return len(m.order) > before
}

// KeepAll makes the mix the old state.
func (m *Mix) KeepAll() {
	for _, id := range slices.SortedFunc(maps.Keys(m.deltas), schema.Compare) {
		m.keep(id, schema.ID{})
	}
}

// Kept lists what keeps its old form, in the order in which that was found.
func (m *Mix) Kept() []Left {
	var list []Left
	for _, id := range m.order {
		list = append(list, Left{id, m.because[id]})
	}
	return list
}

// keep keeps one object that differs, and what hangs on its old form.
func (m *Mix) keep(id, because schema.ID) {
	d, differs := m.deltas[id]
	if _, kept := m.because[id]; kept || !differs {
		return
	}
	m.because[id] = because
	m.order = append(m.order, id)
	if d.Old != nil {
		for _, need := range d.Old.Needs {
			m.keep(need, id)
		}
		if m.new.Objects[d.Old.Parent] == nil || m.replaced[d.Old.Parent] {
			m.keep(d.Old.Parent, id)
		}
		for _, name := range m.kinds.Of(id).Names(d.Old) {
			for _, other := range m.taken[name] {
				m.keep(other, id)
			}
		}
	}
	for _, other := range m.tied[id] {
		m.keep(other, id)
	}
	for _, part := range m.parts[id] {
		if d.New == nil || m.replaced[id] || m.implied(part) {
			m.keep(part, id)
		}
	}
	if d.New == nil {
		m.keepFitted(d.Old.Parent, id)
	}
	for _, user := range m.users[id] {
		// The changes of a whole and those of its parts are independent, unless
		// the whole is another one, or is a part itself.
		part := d.Old != nil && m.new.Objects[user].Parent == id && !slices.Contains(m.new.Objects[user].Needs, id)
		if part && !m.replaced[id] && d.Old.Parent == (schema.ID{}) && !m.implied(user) {
			continue
		}
		m.keep(user, id)
	}
}

// implied reports whether a part comes or goes without a statement of its own:
// that of its whole makes it.
func (m *Mix) implied(part schema.ID) bool {
	d := m.deltas[part]
	if d.New == nil {
		return len(m.kinds.Of(part).Drop(m.ctx, d.Old)) == 0
	}
	return d.Old == nil && len(m.kinds.Of(part).Create(m.ctx, d.New)) == 0
}

// keepFitted keeps away what would have to fit the parts of a whole, of which
// one stays now: a table that is to be tied to its new form.
func (m *Mix) keepFitted(whole, because schema.ID) {
	for _, user := range m.users[whole] {
		d := m.deltas[user]
		if d.Old != nil || !slices.Contains(d.New.Needs, whole) {
			continue
		}
		fits := func(part schema.ID) bool { return m.new.Objects[part] != nil && m.new.Objects[part].Parent == whole }
		if slices.ContainsFunc(m.kinds.Of(user).After(m.ctx, m.new, d.New), fits) {
			m.keep(user, because)
		}
	}
}

// State returns the mix.
func (m *Mix) State() *schema.State {
	s := *m.new
	s.Objects = map[schema.ID]*schema.Object{}
	for id, o := range m.new.Objects {
		s.Objects[id] = o
	}
	for _, id := range m.order {
		if o := m.old.Objects[id]; o != nil {
			s.Objects[id] = o
		} else {
			delete(s.Objects, id)
		}
	}
	return &s
}
