package generate

import (
	"math/rand/v2"
	"slices"
)

// Pair is a schema and what edits made of it.
type Pair struct {
	Seed int64
	From *Schema
	To   *Schema
}

// New returns the pair of a seed for a server version.
func New(seed int64, major int) Pair { return newPair(seed, major, 16) }

// Small returns a pair whose sides differ by one edit, and what that brings along.
func Small(seed int64, major int) Pair { return newPair(seed, major, 1) }

func newPair(seed int64, major, edits int) Pair {
	m := &maker{random: rand.New(rand.NewPCG(uint64(seed), 14))}
	s := &Schema{Major: major}
	for size := 10 + m.random.IntN(70); len(s.Objects) < size; {
		m.add(s)
	}
	to := s.clone()
	for range 1 + m.random.IntN(edits) {
		m.edit(to)
	}
	p := Pair{seed, s, to}
	p.settle()
	return p
}

// settle takes back changes of objects that no server can make, and owners that
// only one side says: the other one's are any.
func (p Pair) settle() {
	for again := true; again; {
		again = false
		p.From.prune()
		p.To.prune()
		for _, s := range [][2]*Schema{{p.From, p.To}, {p.To, p.From}} {
			for _, o := range slices.Clone(s[0].Objects) {
				if o.Kind == "owner" && s[1].get(o.ID) == nil && s[1].ref(o, "subject") != nil {
					s[0].remove(o.ID)
				}
			}
		}
		for _, a := range slices.Clone(p.From.Objects) {
			b := p.To.get(a.ID)
			if k := kindOf(a); b != nil && k.Becomes != nil && !k.Becomes(p.From, p.To, a) {
				p.From.remove(a.ID)
				p.To.remove(a.ID)
				again = true
			}
		}
	}
}

// add makes an object of a random kind. Columns and tables come in groups, so
// that the others find some.
func (m *maker) add(s *Schema) {
	total := 0
	for _, k := range definitions() {
		total += k.Weight
	}
	at := m.random.IntN(total)
	for _, k := range definitions() {
		if at -= k.Weight; at >= 0 {
			continue
		}
		o := m.object(s, k, nil)
		for tries := 0; o == nil && tries < 8; tries++ {
			o = m.object(s, k, nil)
		}
		if o != nil && k.Name == "table" {
			for range m.random.IntN(4) {
				m.object(s, kindNamed("column"), map[string]int{"table": o.ID})
			}
		}
		return
	}
}

// edit drops an object, makes one, or changes one.
func (m *maker) edit(s *Schema) {
	if len(s.Objects) == 0 || m.chance(25) {
		m.add(s)
		return
	}
	o := s.Objects[m.random.IntN(len(s.Objects))]
	if m.chance(20) {
		s.remove(o.ID)
		s.prune()
		return
	}
	k := kindOf(o)
	c := s.clone()
	changed := c.get(o.ID)
	n := m.random.IntN(len(k.Slots) + len(k.Picks) + 1)
	switch {
	case n < len(k.Slots) && !k.Slots[n].Fixed:
		delete(changed.Refs, k.Slots[n].Name)
		if k.Slots[n].Chance == 100 || m.chance(60) {
			m.fill(c, changed, k.Slots[n])
		}
	case n >= len(k.Slots) && n < len(k.Slots)+len(k.Picks):
		if pick := k.Picks[n-len(k.Slots)]; !pick.Fixed {
			changed.Picks[pick.Name] = m.random.IntN(pick.Size)
		}
	}
	c.prune()
	if c.get(o.ID) != nil {
		s.Objects = c.Objects
	}
}
