package generate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Shrink returns the smallest pair that still fails, as far as removing
// objects, taking back edits and setting numbers to 0 one by one finds it.
func Shrink(p Pair, fails func(Pair) bool) Pair {
	for again := true; again; {
		again = false
		for size := len(p.ids()) / 2; size > 0; size /= 2 {
			ids := p.ids()
			for i := len(ids); i > 0; i -= size {
				some := ids[max(0, i-size):i]
				for _, smaller := range []Pair{p.without(some), p.unedited(some)} {
					if p.differs(smaller) && fails(smaller) {
						p, again = smaller, true
						break
					}
				}
			}
		}
		for _, smaller := range p.plainer() {
			if q := smaller(p); p.differs(q) && fails(q) {
				p, again = q, true
			}
		}
	}
	return p
}

func (p Pair) clone() Pair { return Pair{p.Seed, p.From.clone(), p.To.clone()} }

func (p Pair) ids() []int {
	ids := map[int]bool{}
	for _, o := range append(slices.Clone(p.From.Objects), p.To.Objects...) {
		ids[o.ID] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

func (p Pair) differs(q Pair) bool {
	return p.From.SQL() != q.From.SQL() || p.To.SQL() != q.To.SQL() || len(p.ids()) != len(q.ids())
}

// without removes objects from both sides.
func (p Pair) without(ids []int) Pair {
	q := p.clone()
	for _, id := range ids {
		q.From.remove(id)
		q.To.remove(id)
	}
	q.settle()
	return q
}

// unedited makes objects of To those of From.
func (p Pair) unedited(ids []int) Pair {
	q := p.clone()
	for _, id := range ids {
		a, b := q.From.get(id), q.To.get(id)
		switch {
		case a == nil:
			q.To.remove(id)
		case b == nil || !a.equal(b):
			q.To.put(a.clone())
		}
	}
	q.settle()
	return q
}

// plainer lists ways to make the pair plainer by one number or one slot.
func (p Pair) plainer() []func(Pair) Pair {
	var ways []func(Pair) Pair
	for _, id := range p.ids() {
		o := p.From.get(id)
		if o == nil {
			o = p.To.get(id)
		}
		change := func(f func(*Object)) {
			ways = append(ways, func(p Pair) Pair {
				q := p.clone()
				for _, s := range []*Schema{q.From, q.To} {
					if o := s.get(id); o != nil {
						f(o)
					}
				}
				q.settle()
				return q
			})
		}
		for _, slot := range kindOf(o).Slots {
			change(func(o *Object) { delete(o.Refs, slot.Name) })
		}
		for _, pick := range kindOf(o).Picks {
			change(func(o *Object) { delete(o.Picks, pick.Name) })
		}
		if plain := fmt.Sprintf("%s%d", short[o.Kind], id); short[o.Kind] != "" {
			change(func(o *Object) { o.Name = plain })
		}
	}
	return ways
}

// Archive prints the pair as a case for internal/object/testdata.
func (p Pair) Archive(why string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n# postgres >= %d\n", strings.TrimSpace(why), p.From.Major)
	for _, role := range Roles {
		fmt.Fprintf(&b, "# role %s\n", role)
	}
	fmt.Fprintf(&b, "-- from.sql --\n%s-- to.sql --\n%s", p.From.SQL(), p.To.SQL())
	if rows, _ := p.Rows(); rows != "" {
		fmt.Fprintf(&b, "-- seed.sql --\n%s", rows)
	}
	return b.String()
}
