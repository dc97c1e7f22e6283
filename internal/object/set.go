// Package object holds what PostgreSQL knows about each kind of object: one
// file per kind. A new kind is a new file with one method on kinds; nothing
// else in Cairn changes.
package object

import (
	"reflect"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
)

// kinds has one exported method per kind, each in the kind's own file.
type kinds struct{}

// All returns the set of all kinds.
func All() *kind.Set {
	set := new(kind.Set)
	v := reflect.ValueOf(kinds{})
	for i := range v.NumMethod() {
		v.Method(i).Interface().(func(*kind.Set))(set)
	}
	return set
}

// userSchemas is the condition that the joined pg_namespace n is no schema of
// PostgreSQL's own: neither a system schema nor a temporary one.
const userSchemas = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

// userOID is the first OID that initdb does not hand out (manual chapter
// 74.2.2, "OID Assignment").
const userOID = "16384"

// ofUsers returns the rows of a catalog that initdb did not make.
func ofUsers(catalog string) string { return catalog + " WHERE oid >= " + userOID }

// list joins names that are printed already.
func list(names []string) string { return strings.Join(names, ", ") }
