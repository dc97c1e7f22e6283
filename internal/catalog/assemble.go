package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// assemble turns the rows of the snapshot into objects with parents and needs.
func (r *reader) assemble() error {
	for _, w := range r.rows {
		if w.kind.Satellite == kind.NotSatellite {
			r.byAddress[w.address] = w.object.ID
		}
	}
	if err := r.shareNeeds(); err != nil {
		return err
	}
	resolver := newResolver(r.byAddress, r.depends)
	r.addMembers(resolver)
	for _, w := range r.rows {
		if w.kind.Satellite != kind.NotSatellite {
			if err := r.addSatellite(w, resolver); err != nil {
				return err
			}
			continue
		}
		if resolver.member(w.address) || resolver.member(w.parent) {
			if e, ok := resolver.resolve(w.address); ok {
				r.state.Members[w.object.ID] = e
				if err := r.addMemberGrants(w, e); err != nil {
					return err
				}
			}
			continue
		}
		if err := r.addObject(w, resolver); err != nil {
			return err
		}
	}
	r.dropOrphans()
	r.addNeeds(resolver)
	for _, a := range r.catalogue {
		if !resolver.accounted(a, 0) {
			r.unknown = append(r.unknown, a)
		}
	}
	return nil
}

func (r *reader) addObject(w row, resolver *resolver) error {
	o := w.object
	if w.parent != (address{}) {
		parent, ok := resolver.resolve(w.parent)
		if ok && parent != o.ID {
			o.Parent = parent
		}
	}
	o.Stats = w.stats()
	if err := r.add(o); err != nil {
		return err
	}
	for _, k := range r.kinds.All() {
		switch k.Satellite {
		case kind.FromOwner:
			role := w.owner
			if role == r.options.Unowned {
				role = "" // nobody said who
			}
			if w.owner == "" && !(o.Builtin && r.options.Unowned != "" && w.aclOwner != "") {
				continue
			}
			id := o.ID.Satellite(k.Name)
			if err := r.add(&schema.Object{ID: id, Parent: o.ID, Attrs: []schema.Attr{{Name: k.Fields[0], Value: role}}}); err != nil {
				return err
			}
		case kind.FromACL:
			if err := r.addGrants(k, o.ID, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// addSatellite adds an object that a satellite kind read by itself.
func (r *reader) addSatellite(w row, resolver *resolver) error {
	subject := w.object.ID
	parent, ok := resolver.resolve(w.address)
	member := resolver.member(w.address)
	if !ok || member && (w.kind.Satellite != kind.FromACL || w.of == "") {
		return nil
	}
	if w.of == "" {
		if whole, exact := r.byAddress[w.address]; !exact || whole != parent {
			return nil
		}
		role := subject.Role
		subject = parent
		subject.Role = role
	} else {
		subject.Kind = w.of
	}
	if w.kind.Satellite == kind.FromACL {
		return r.addGrantsTo(w.kind, subject, parent, w)
	}
	w.object.ID = subject.Satellite(w.kind.Name)
	w.object.Parent = parent
	return r.add(w.object)
}

// addMemberGrants adds what roles hold on the member of an extension where that
// differs from what the extension gave them.
func (r *reader) addMemberGrants(w row, extension schema.ID) error {
	if initial, ok := r.initial[w.address]; ok {
		if !w.hasACL {
			w.acl, w.hasACL = w.aclDefault, true
		}
		w.aclDefault = initial
	}
	for _, k := range r.kinds.All() {
		if k.Satellite == kind.FromACL && k.Option == "" {
			if err := r.addGrantsTo(k, w.object.ID, extension, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) addGrants(k *kind.Kind, subject schema.ID, w row) error {
	return r.addGrantsTo(k, subject, subject, w)
}

func (r *reader) addGrantsTo(k *kind.Kind, subject, parent schema.ID, w row) error {
	if !w.hasACL {
		return nil
	}
	grants, err := parseACL(w.acl, w.aclDefault, w.aclOwner)
	if err != nil {
		return fmt.Errorf("reading the privileges of %s: %w", subject.Describe(), err)
	}
	for _, g := range grants {
		id := subject.Satellite(k.Name)
		id.Role = g.role
		o := &schema.Object{ID: id, Parent: parent, Attrs: g.attrs()}
		if err := k.Check(o); err != nil {
			return err
		}
		if err := r.add(o); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) add(o *schema.Object) error {
	if r.state.Objects[o.ID] != nil {
		return fmt.Errorf("%s stands in the catalog twice", o.ID.Describe())
	}
	r.state.Objects[o.ID] = o
	return nil
}

// dropOrphans removes parts whose parent is a member of an extension, and so
// is no object of the state.
func (r *reader) dropOrphans() {
	for again := true; again; {
		again = false
		for id, o := range r.state.Objects {
			if o.Parent != (schema.ID{}) && r.state.Objects[o.Parent] == nil {
				delete(r.state.Objects, id)
				again = true
			}
		}
	}
}

// addMembers makes the parts of members of an extension members too, where
// PostgreSQL records only the whole as one.
func (r *reader) addMembers(resolver *resolver) {
	for _, w := range r.rows {
		if e, ok := resolver.extension[w.parent.whole()]; ok && w.kind.Satellite == kind.NotSatellite {
			resolver.extension[w.address.whole()] = e
		}
	}
}

// shareNeeds gives what PostgreSQL records as a need of a whole to the parts
// that say that it is theirs.
func (r *reader) shareNeeds() error {
	moved := map[[2]address]bool{}
	var own []dependency
	for _, w := range r.rows {
		if w.uses == "" {
			continue
		}
		var uses [][2]int64
		if err := json.Unmarshal([]byte(w.uses), &uses); err != nil {
			return fmt.Errorf("reading what %s needs: %w", w.object.ID.Describe(), err)
		}
		for _, u := range uses {
			to := address{u[0], u[1], 0}
			moved[[2]address{w.parent, to}] = true
			own = append(own, dependency{from: w.address, to: to, kind: 'n'})
		}
	}
	r.depends = slices.DeleteFunc(r.depends, func(d dependency) bool { return moved[[2]address{d.from, d.to}] })
	r.depends = append(r.depends, own...)
	return nil
}

// addNeeds adds what pg_depend and the kinds know.
func (r *reader) addNeeds(resolver *resolver) {
	needs := map[schema.ID]map[schema.ID]bool{}
	need := func(from, to schema.ID) {
		a, b := r.state.Objects[from], r.state.Objects[to]
		if a == nil || b == nil || from == to || a.Parent == to || r.within(b, from) {
			return
		}
		if needs[from] == nil {
			needs[from] = map[schema.ID]bool{}
		}
		needs[from][to] = true
	}
	for _, d := range r.depends {
		from, ok := resolver.resolve(d.from)
		if !ok || d.kind == 'e' || d.kind == 'x' {
			continue
		}
		if k := r.kinds.Of(from); k.Loose && d.kind == 'a' {
			continue
		}
		if to, ok := resolver.resolve(d.to); ok {
			need(from, to)
		}
	}
	r.turnToShells(needs)
	r.dropInherited(needs)
	r.setNeeds(needs)
	for id, o := range r.state.Objects {
		for _, to := range r.kinds.Of(id).Extra(r.state, o) {
			need(id, to)
		}
		for _, role := range r.kinds.Of(id).Roles(o) {
			need(id, r.kinds.Role(role))
		}
	}
	r.setNeeds(needs)
}

// dropInherited drops the needs of heirs that are those of what they need.
func (r *reader) dropInherited(needs map[schema.ID]map[schema.ID]bool) {
	var copies [][2]schema.ID
	for id, own := range needs {
		if !r.kinds.Of(id).Heir {
			continue
		}
		for to := range own {
			for through := range own {
				if needs[through][to] {
					copies = append(copies, [2]schema.ID{id, to})
				}
			}
		}
	}
	for _, c := range copies {
		delete(needs[c[0]], c[1])
	}
}

// turnToShells lets what a shelled object needs, and what needs it back, need
// the shell instead.
func (r *reader) turnToShells(needs map[schema.ID]map[schema.ID]bool) {
	for id, o := range r.state.Objects {
		if !r.kinds.Of(id).Shelled || o.Parent == (schema.ID{}) {
			continue
		}
		for back := range needs[id] {
			if needs[back][id] {
				delete(needs[back], id)
				needs[back][o.Parent] = true
			}
		}
	}
}

func (r *reader) setNeeds(needs map[schema.ID]map[schema.ID]bool) {
	for id, set := range needs {
		r.state.Objects[id].Needs = slices.SortedFunc(maps.Keys(set), schema.Compare)
	}
}

// within reports whether o is a part of the identified object, at any depth.
func (r *reader) within(o *schema.Object, id schema.ID) bool {
	for o != nil && o.Parent != (schema.ID{}) {
		if o.Parent == id {
			return true
		}
		o = r.state.Objects[o.Parent]
	}
	return false
}
