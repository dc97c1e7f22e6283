package object

import (
	"fmt"
	"hash/fnv"
	"unicode/utf8"

	"github.com/cairn-db/cairn/internal/kind"
)

// asideName is the name of an object that is out of its successor's way.
func asideName(c *kind.Ctx, name string) string { return helperName(c, kind.Aside, name) }

// besideName is the name of an object that is made while another has the name,
// or of one that helps to make it.
func besideName(c *kind.Ctx, name string) string { return helperName(c, kind.Beside, name) }

// helperName is a name that nothing has which an interrupted run left.
func helperName(c *kind.Ctx, prefix, name string) string {
	free := shortName(prefix + name)
	for n := 2; c.HasHelper(free); n++ {
		free = shortName(fmt.Sprintf("%s%d_%s", prefix, n, name))
	}
	return free
}

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
