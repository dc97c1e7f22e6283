package partial

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/schema"
)

// Merge makes the state of the new script of that of the old one, given what the
// chosen statements made of them, and returns which objects the two do not have alike.
// When what changed has names that were not followed yet, they are, and nothing is
// merged: the statements have to be run again.
func (c *Choice) Merge(whole, old, new *schema.State) (merged bool, changed map[schema.ID]bool, err error) {
	if err := agree(whole, old, new); err != nil {
		return false, nil, err
	}
	for _, role := range whole.Roles {
		if c.Gone(role) && !c.kept(role) {
			return false, nil, fmt.Errorf("role %s may have been there for a statement that is gone", role)
		}
	}
	m := merge{Choice: c, whole: whole, old: old, new: new, changed: changes(old, new), owners: map[made]bool{}}
	for id := range m.changed {
		m.owners[made{id.Schema, id.Name}] = true
	}
	before := c.count
	if err := c.Spread(m.names()); err != nil {
		return false, nil, err
	}
	if c.count > before {
		return false, nil, nil
	}
	for _, check := range []func() error{m.checkNeeds, m.checkNames, m.checkMadeUp} {
		if err := check(); err != nil {
			return false, nil, err
		}
	}
	m.adopt()
	return true, m.changed, nil
}

// kept reports whether a role has to be there for a statement that both scripts have.
func (c *Choice) kept(role string) bool {
	for at, p := range c.new {
		if c.common[at] && p.Gives(role) {
			return true
		}
	}
	return false
}

// agree holds what the old statements made against the known state.
func agree(whole, old, new *schema.State) error {
	for id, o := range old.Objects {
		if !same(whole.Objects[id], o) {
			return fmt.Errorf("%s is another one by itself", id.Describe())
		}
	}
	for _, s := range []*schema.State{old, new} {
		for _, role := range s.Roles {
			if !slices.Contains(whole.Roles, role) {
				return fmt.Errorf("role %s was not there", role)
			}
		}
		switch {
		case len(s.Unknown) > 0 || len(whole.Unknown) > 0, len(s.Outside) > 0 || len(whole.Outside) > 0, len(s.Options) > 0 || len(whole.Options) > 0:
			return errors.New("there are objects that cannot be told apart")
		case s.Server != whole.Server, s.Default != whole.Default, s.Unowned != whole.Unowned, s.Name != whole.Name, s.Large != whole.Large,
			!maps.Equal(s.Members, whole.Members), !reflect.DeepEqual(s.Hidden, whole.Hidden):
			return errors.New("the server is another one")
		}
	}
	return nil
}

// same compares all of two objects but the sizes of tables.
func same(a, b *schema.Object) bool {
	return a != nil && b != nil && a.ID == b.ID && slices.Equal(a.Attrs, b.Attrs) && a.Parent == b.Parent &&
		slices.Equal(a.Needs, b.Needs) && a.Order == b.Order && a.Builtin == b.Builtin
}

// changes returns the identities that the two states do not have alike.
func changes(old, new *schema.State) map[schema.ID]bool {
	changed := map[schema.ID]bool{}
	for id, o := range old.Objects {
		if !same(new.Objects[id], o) {
			changed[id] = true
		}
	}
	for id := range new.Objects {
		if old.Objects[id] == nil {
			changed[id] = true
		}
	}
	return changed
}

// merge is a Merge at work.
type merge struct {
	*Choice
	whole, old, new *schema.State
	changed         map[schema.ID]bool
	owners          map[made]bool // the names of what changed
}

// names are those by which others can mention what changed.
func (m *merge) names() []load.Name {
	var names []load.Name
	for id := range m.changed {
		name := load.Name{Schema: id.Schema, Name: id.Name}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// outside reports whether an object was not made by what was run.
func (m *merge) outside(id schema.ID) bool { return m.old.Objects[id] == nil }

// checkNeeds demands that nothing that was not run depends on what changed.
func (m *merge) checkNeeds() error {
	touched := maps.Clone(m.changed) // with what they are parts of
	for id := range m.changed {
		for _, s := range []*schema.State{m.old, m.new} {
			for o := s.Objects[id]; o != nil && o.Parent != (schema.ID{}); o = s.Objects[o.Parent] {
				touched[o.Parent] = true
			}
		}
	}
	for id, o := range m.whole.Objects {
		if !m.outside(id) {
			continue
		}
		if m.changed[o.Parent] {
			return fmt.Errorf("%s belongs to %s, which changed", id.Describe(), o.Parent.Describe())
		}
		for _, need := range o.Needs {
			if touched[need] {
				return fmt.Errorf("%s depends on %s, which changed", id.Describe(), need.Describe())
			}
		}
		if m.changed[id] {
			return fmt.Errorf("%s is there already", id.Describe())
		}
	}
	return nil
}

// checkNames demands that what is new has no name that something has that was not
// run: that would have been refused, or PostgreSQL would have made up another name.
func (m *merge) checkNames() error {
	type place struct{ schema, name string }
	wanted, known, taken := map[place]bool{}, map[place]bool{}, map[place]schema.ID{}
	for id := range m.changed {
		wanted[place{id.Schema, id.Name}] = true
	}
	for id := range m.whole.Objects {
		at := place{id.Schema, id.Name}
		switch {
		case !wanted[at]:
		case m.outside(id):
			taken[at] = id
		default:
			known[at] = true
		}
	}
	for id := range m.changed {
		at := place{id.Schema, id.Name}
		if other, conflict := taken[at]; conflict && !known[at] {
			return fmt.Errorf("%s has the name of %s", id.Describe(), other.Describe())
		}
	}
	return nil
}

// made is a name that PostgreSQL may have made up, in a schema.
type made struct{ schema, name string }

// checkMadeUp demands that no name that PostgreSQL makes up depends on what was not
// run: it takes the next number where a name is in use.
func (m *merge) checkMadeUp() error {
	used, freed, joined := map[made]bool{}, map[made]bool{}, map[made]bool{}
	for id := range m.changed {
		for _, name := range []string{id.Name, id.Part} {
			used[made{id.Schema, name}] = name != "" && !m.Written(name)
			if m.new.Objects[id] == nil {
				freed[made{id.Schema, name}] = name != ""
			}
		}
		joined[made{id.Schema, id.Name + "_" + id.Part}] = id.Part != ""
	}
	for id := range m.whole.Objects {
		if !m.outside(id) || m.shared(id) {
			continue
		}
		for _, name := range []string{id.Name, id.Part} {
			stem := strings.TrimRight(name, "0123456789")
			if used[made{id.Schema, name}] || stem != name && freed[made{id.Schema, stem}] && !m.saidBy(name) {
				return fmt.Errorf("the name of %s can be made up", id.Describe())
			}
		}
		if joined[made{id.Schema, id.Name + "_" + id.Part}] || m.cutAlike(id) {
			return fmt.Errorf("names made of that of %s can be in use", id.Describe())
		}
	}
	return nil
}

// saidBy reports whether any statement says a name.
func (m *merge) saidBy(name string) bool {
	return slices.ContainsFunc(m.Choice.new, func(p *load.Piece) bool { return writes(p, name) })
}

// shared reports whether an object that was not run belongs to what changed.
func (m *merge) shared(id schema.ID) bool {
	return m.owners[made{id.Schema, id.Name}]
}

// cutAlike reports whether names made of that of an object and of one that changed
// can be alike because PostgreSQL cuts long ones.
func (m *merge) cutAlike(id schema.ID) bool {
	const long, kept = 40, 20
	if id.Part == "" || len(id.Name)+len(id.Part) < long {
		return false
	}
	text := id.Name + "_" + id.Part
	for other := range m.changed {
		if other.Part != "" && other.Schema == id.Schema && len(other.Name)+len(other.Part) >= long && strings.HasPrefix(other.Name+"_"+other.Part, text[:kept]) {
			return true
		}
	}
	return false
}

// adopt changes the state to the new one.
func (m *merge) adopt() {
	for id := range m.changed {
		if o := m.new.Objects[id]; o != nil {
			m.whole.Objects[id] = o
		} else {
			delete(m.whole.Objects, id)
		}
	}
}
