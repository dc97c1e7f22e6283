package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// hashes has the objects of a state, ordered by identity, with their hashes.
type hashes struct {
	state   *schema.State
	objects []*schema.Object
	sums    [][sha256.Size]byte
}

func hashesOf(s *schema.State) hashes {
	h := hashes{state: s, objects: s.Sorted(), sums: make([][sha256.Size]byte, 0, len(s.Objects))}
	for _, o := range h.objects {
		h.sums = append(h.sums, o.Hash())
	}
	return h
}

// follow returns the hashes of the objects of another state without the prints of
// the listed ones, and those that the state with these hashes does not have so. What
// is the same object in both is not hashed again.
func (h hashes) follow(kinds *kind.Set, s *schema.State, printed []string) (sums [][sha256.Size]byte, outcome []schema.Pin) {
	b := newBlanks(kinds, printed)
	sums, outcome = make([][sha256.Size]byte, 0, len(s.Objects)), []schema.Pin{}
	for i, o := range h.objects {
		n := s.Objects[o.ID]
		if n == nil {
			outcome = append(outcome, schema.Pin{Object: o.ID.String()})
			continue
		}
		sum := h.sums[i]
		if blank := b.of(n); blank != o {
			sum = blank.Hash()
		}
		if sums = append(sums, sum); sum != h.sums[i] {
			outcome = append(outcome, pin(o.ID, sum))
		}
	}
	if len(sums) < len(s.Objects) {
		for id, o := range s.Objects {
			if h.state.Objects[id] == nil {
				sum := b.of(o).Hash()
				sums, outcome = append(sums, sum), append(outcome, pin(id, sum))
			}
		}
	}
	slices.SortFunc(outcome, func(a, b schema.Pin) int { return strings.Compare(a.Object, b.Object) })
	return sums, outcome
}

func (h hashes) pins() []schema.Pin {
	pins := make([]schema.Pin, len(h.objects))
	for i, o := range h.objects {
		pins[i] = pin(o.ID, h.sums[i])
	}
	return pins
}

func pin(id schema.ID, sum [sha256.Size]byte) schema.Pin {
	return schema.Pin{Object: id.String(), Hash: hex.EncodeToString(sum[:8])}
}

// Pins returns the hash of each object of the state, so that a plan can name
// what changed since it was made.
func Pins(s *schema.State) []schema.Pin { return hashesOf(s).pins() }

// Pin writes into a plan the fingerprints of the states that it is from and to, the
// hash of each object of the first, and of those that the second has otherwise.
// What the plan changes and whose prints it makes anew is known already.
func Pin(kinds *kind.Set, p *schema.Plan, from, to *schema.State) {
	hashed := hashesOf(from)
	p.From, p.Objects = schema.Combine(slices.Clone(hashed.sums)), hashed.pins()
	p.To, p.Outcome = p.From, []schema.Pin{}
	if to == from {
		return
	}
	var sums [][sha256.Size]byte
	sums, p.Outcome = hashed.follow(kinds, to, p.Printed)
	p.To = schema.Combine(sums)
	shareTexts(p.Outcome, p.Changes)
}

// shareTexts lets the pins, which are in order, have the texts of the changes
// where these are equal: most of what changes is in both.
func shareTexts(pins []schema.Pin, changes []schema.Change) {
	texts := make([]string, len(changes))
	for i := range changes {
		texts[i] = changes[i].Object
	}
	slices.Sort(texts)
	at := 0
	for i := range pins {
		for at < len(texts) && texts[at] < pins[i].Object {
			at++
		}
		if at < len(texts) && texts[at] == pins[i].Object {
			pins[i].Object = texts[at]
		}
	}
}
