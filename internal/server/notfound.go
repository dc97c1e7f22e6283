package server

import (
	"errors"
	"fmt"
	"strings"
)

var errNotThere = errors.New("not there")

// NotFoundError says that no PostgreSQL server of a major version was found.
type NotFoundError struct {
	Major int      // 0 when any was asked for
	Tried []string // every place, and why it did not do
}

// Error names the places that exist but did not do.
func (e *NotFoundError) Error() string {
	what := fmt.Sprintf("PostgreSQL %d", e.Major)
	if e.Major == 0 {
		what = fmt.Sprintf("PostgreSQL %d to %d", oldestMajor, newestMajor)
	}
	var reasons []string
	for _, place := range e.Tried {
		if !strings.HasSuffix(place, ": "+errNotThere.Error()) {
			reasons = append(reasons, strings.Join(strings.Fields(place), " "))
		}
	}
	if len(reasons) == 0 {
		return "no " + what + " found on this machine"
	}
	return "no " + what + " found on this machine (" + strings.Join(reasons, "; ") + ")"
}

// Hint says what to do about it.
func (e *NotFoundError) Hint() string {
	major := e.Major
	if major == 0 {
		major = newestMajor
	}
	return fmt.Sprintf("install postgresql-%d, or set CAIRN_POSTGRES_BIN to the directory that holds its "+
		"postgres and initdb, or pass --shadow URL", major)
}

// places collects what was tried.
type places []string

func (p *places) add(place string, err error) {
	*p = append(*p, place+": "+err.Error())
}
