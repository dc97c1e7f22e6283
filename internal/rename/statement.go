package rename

import (
	"github.com/cairn-db/cairn/internal/kind"
)

// Statement returns the statement of a pair. What holds the object has its new
// name already.
func Statement(kinds *kind.Set, p Pair) string {
	k := kinds.Of(p.To)
	return k.Rename(k, WithName(p.To, Name(p.From)), Name(p.To))
}

// Undo returns the statement that gives the object of a pair its old name back,
// while what holds it still has the new one.
func Undo(kinds *kind.Set, p Pair) string {
	k := kinds.Of(p.To)
	return k.Rename(k, p.To, Name(p.From))
}
