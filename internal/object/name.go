package object

import (
	"fmt"
	"hash/fnv"
	"unicode/utf8"

	"github.com/cairn-db/cairn/internal/kind"
)

// asideName is the name of an object that is out of its successor's way.
func asideName(name string) string { return shortName(kind.Aside + name) }

// besideName is the name of an object that is made while another has the name,
// or of one that helps to make it.
func besideName(name string) string { return shortName(kind.Beside + name) }

// shortName cuts a name to the 63 bytes that a name has at most. One that was cut
// is told apart by a hash.
func shortName(name string) string {
	if len(name) <= 63 {
		return name
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	cut := 63 - len("_00000000")
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return fmt.Sprintf("%s_%08x", name[:cut], h.Sum32())
}
