package catalog

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// node is an object on its way into the state.
type node struct {
	*schema.Object
	kind   *kind.Kind
	parent *node
	needs  []*node
	absent bool // is not in the state: it is a member of an extension or a part of one
	at     int  // its place among the nodes
}

// assemble turns the rows of the snapshot into objects with parents and needs.
func (r *reader) assemble() error {
	r.state.Objects = make(map[schema.ID]*schema.Object, len(r.rows))
	modelled := make([]*node, len(r.rows))
	for i := range r.rows {
		if w := &r.rows[i]; w.kind.Satellite == kind.NotSatellite {
			modelled[i] = &node{Object: w.object, kind: w.kind, absent: true}
			r.byAddress[w.address] = modelled[i]
		}
	}
	if err := r.shareNeeds(); err != nil {
		return err
	}
	resolver := newResolver(r.byAddress, r.depends)
	r.addMembers(resolver)
	for i := range r.rows {
		if err := r.addRow(&r.rows[i], modelled[i], resolver); err != nil {
			return err
		}
	}
	r.rows = nil
	r.dropOrphans()
	if r.options.Compared {
		return nil
	}
	r.addNeeds(resolver)
	for _, a := range r.catalogue {
		if !resolver.accounted(a, 0) {
			r.unknown = append(r.unknown, a)
		}
	}
	return nil
}

// addRow adds what a row stands for; n is nil for that of a satellite.
func (r *reader) addRow(w *row, n *node, resolver *resolver) error {
	switch {
	case n == nil:
		return r.addSatellite(w, resolver)
	case resolver.member(w.address) || resolver.member(w.parent):
		if e := resolver.resolve(w.address); e != nil {
			r.state.Members[n.ID] = e.ID
			return r.addMemberGrants(w, e)
		}
		return nil
	}
	return r.addObject(w, n, resolver)
}

func (r *reader) addObject(w *row, n *node, resolver *resolver) error {
	if w.parent != (address{}) {
		if parent := resolver.resolve(w.parent); parent != nil && parent.ID != n.ID {
			n.parent = parent
		}
	}
	if stats := w.stats(); !schema.SameStats(n.Stats, stats) {
		r.own(n).Stats = stats
	}
	if err := r.add(n); err != nil {
		return err
	}
	for _, k := range r.kinds.All() {
		switch k.Satellite {
		case kind.FromOwner:
			role := w.owner
			if role == r.options.Unowned {
				role = "" // nobody said who
			}
			if w.owner == "" && !(n.Builtin && r.options.Unowned != "" && w.aclOwner != "") {
				continue
			}
			owner := r.shared(&schema.Object{ID: n.ID.Satellite(k.Name), Attrs: []schema.Attr{{Name: k.Fields[0], Value: role}}})
			if err := r.add(&node{Object: owner, kind: k, parent: n}); err != nil {
				return err
			}
		case kind.FromACL:
			if err := r.addGrants(k, n.ID, n, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// addSatellite adds an object that a satellite kind read by itself.
func (r *reader) addSatellite(w *row, resolver *resolver) error {
	subject := w.object.ID
	parent := resolver.resolve(w.address)
	member := resolver.member(w.address)
	if parent == nil || member && (w.kind.Satellite != kind.FromACL || w.of == "") {
		return nil
	}
	if w.of == "" {
		if r.byAddress[w.address] != parent {
			return nil
		}
		role := subject.Role
		subject = parent.ID
		subject.Role = role
	} else {
		subject.Kind = w.of
	}
	if w.kind.Satellite == kind.FromACL {
		return r.addGrants(w.kind, subject, parent, w)
	}
	w.object.ID = subject.Satellite(w.kind.Name)
	return r.add(&node{Object: r.shared(w.object), kind: w.kind, parent: parent})
}

// addMemberGrants adds what roles hold on the member of an extension where that
// differs from what the extension gave them.
func (r *reader) addMemberGrants(w *row, extension *node) error {
	if initial, ok := r.initial[w.address]; ok {
		said := w.more()
		if !said.hasACL {
			said.acl, said.hasACL = said.aclDefault, true
		}
		said.aclDefault = initial
	}
	for _, k := range r.kinds.All() {
		if k.Satellite == kind.FromACL && k.Option == "" {
			if err := r.addGrants(k, w.object.ID, extension, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) addGrants(k *kind.Kind, subject schema.ID, parent *node, w *row) error {
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
		n := &node{Object: r.shared(&schema.Object{ID: id, Attrs: g.attrs()}), kind: k, parent: parent}
		if err := k.Check(n.Object); err != nil {
			return err
		}
		if err := r.add(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) add(n *node) error {
	if r.state.Objects[n.ID] != nil {
		return fmt.Errorf("%s stands in the catalog twice", n.ID.Describe())
	}
	parent := schema.ID{}
	if n.parent != nil {
		parent = n.parent.ID
	}
	if n.Parent != parent {
		r.own(n).Parent = parent
	}
	n.absent, n.at = false, len(r.nodes)
	r.state.Objects[n.ID] = n.Object
	r.nodes = append(r.nodes, n)
	return nil
}

// shared returns the object of the other state that looks the same, or else o.
func (r *reader) shared(o *schema.Object) *schema.Object {
	if had := r.options.Like.Object(o.ID); had != nil && looksLike(had, o) && slices.Equal(had.Attrs, o.Attrs) {
		return had
	}
	return o
}

// dropOrphans removes parts whose parent is a member of an extension, and so
// is no object of the state.
func (r *reader) dropOrphans() {
	for again := true; again; {
		again = false
		for _, n := range r.nodes {
			if !n.absent && n.parent != nil && n.parent.absent {
				delete(r.state.Objects, n.ID)
				n.absent, again = true, true
			}
		}
	}
}

// addMembers makes the parts of members of an extension members too, where
// PostgreSQL records only the whole as one.
func (r *reader) addMembers(resolver *resolver) {
	if len(resolver.extension) == 0 {
		return
	}
	for i := range r.rows {
		w := &r.rows[i]
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
	for i := range r.rows {
		w := &r.rows[i]
		if w.uses == "" {
			continue
		}
		var uses [][2]uint32
		if err := json.Unmarshal([]byte(w.uses), &uses); err != nil {
			return fmt.Errorf("reading what %s needs: %w", w.object.ID.Describe(), err)
		}
		for _, u := range uses {
			to := address{u[0], u[1], 0}
			moved[[2]address{w.parent, to}] = true
			own = append(own, dependency{from: w.address, to: to, kind: 'n'})
		}
	}
	if len(own) == 0 {
		return nil
	}
	r.depends = slices.DeleteFunc(r.depends, func(d dependency) bool { return moved[[2]address{d.from, d.to}] })
	r.depends = append(r.depends, own...)
	return nil
}
