// Package hazard knows what the steps of a plan can do to data and to running
// applications: one table of stable codes, what follows from locks, rewrites and
// transactions, and the policy of an environment.
package hazard

import (
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// Page is where the codes are explained, from the root of the documentation. The
// code is the anchor.
const Page = "docs/hazards.md"

// Entry is one row of the table.
type Entry struct {
	Code       string
	Severity   schema.Severity
	Title      string // what happens, a few words
	Explain    string // why it matters, and what PostgreSQL does
	Instead    string // the safe alternative
	Compatible bool   // the running application goes on as before
}

// All returns the table in the order of codes.
func All() []Entry {
	all := slices.Concat(losing, breaking, locking, guarding, replicating)
	slices.SortFunc(all, func(a, b Entry) int {
		if a.Code < b.Code {
			return -1
		}
		return 1
	})
	return all
}

// byCode is the table by its key.
var byCode = func() map[string]Entry {
	m := map[string]Entry{}
	for _, e := range All() {
		m[e.Code] = e
	}
	return m
}()

// Get returns the entry of a code.
func Get(code string) (Entry, bool) {
	e, found := byCode[code]
	return e, found
}

// Codes returns every code, sorted.
func Codes() []string {
	var codes []string
	for _, e := range All() {
		codes = append(codes, e.Code)
	}
	return codes
}
