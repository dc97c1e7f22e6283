package plan

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// hashes has the objects of a state with their hashes.
type hashes struct {
	objects []*schema.Object
	sums    [][sha256.Size]byte
}

// hashesOf returns those of a state, ordered by identity.
func hashesOf(s *schema.State) hashes {
	h := hashes{objects: s.Sorted()}
	for _, o := range h.objects {
		h.sums = append(h.sums, o.Hash())
	}
	return h
}

// follow returns the hashes of another state without the prints of the listed
// objects. What is the same object in both is not hashed again.
func (h hashes) follow(kinds *kind.Set, s *schema.State, printed []string) hashes {
	b := newBlanks(kinds, printed)
	next := hashes{}
	add := func(o *schema.Object, sum [sha256.Size]byte) {
		next.objects, next.sums = append(next.objects, o), append(next.sums, sum)
	}
	for i, o := range h.objects {
		n := s.Objects[o.ID]
		if n == nil {
			continue
		}
		if blank := b.of(n); blank == o {
			add(o, h.sums[i])
		} else {
			add(blank, blank.Hash())
		}
	}
	if kept := len(next.objects); kept < len(s.Objects) {
		had := make(map[schema.ID]bool, kept)
		for _, o := range next.objects {
			had[o.ID] = true
		}
		for id, o := range s.Objects {
			if !had[id] {
				blank := b.of(o)
				add(blank, blank.Hash())
			}
		}
	}
	return next
}

func (h hashes) fingerprint() string {
	return schema.Combine(append([][sha256.Size]byte(nil), h.sums...))
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
