package load

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/cairn-db/cairn/internal/pg"
)

// createRoutine matches CREATE FUNCTION and CREATE PROCEDURE up to where OR
// REPLACE belongs.
var createRoutine = regexp.MustCompile(`(?is)^create(\s+or\s+replace)?\s+(?:function|procedure)\s`)

const orReplace = " OR REPLACE"

// checkBodies lets PostgreSQL check the bodies of routines, which it could not
// do while the objects they use were missing: each routine is created once more
// with check_function_bodies on, in a transaction that is rolled back. Routines
// of a source that has itself set check_function_bodies off, as dumps do, are
// left alone, because their bodies need another search_path than the dump's.
func (r *runner) checkBodies(items []*item) error {
	var routines []*item
	for _, item := range items {
		if !item.session.trustsBodies && createRoutine.MatchString(item.sql) {
			routines = append(routines, item)
		}
	}
	for len(routines) > 0 {
		n := min(largestGroup, len(routines))
		if r.replace(routines[:n], true) != nil {
			if err := r.findBody(routines[:n]); err != nil {
				return err
			}
		}
		routines = routines[n:]
	}
	return nil
}

// findBody returns the error of the first body that is wrong. A routine that
// cannot be created again at all, because it was dropped or changed later, is
// no concern of this check.
func (r *runner) findBody(routines []*item) error {
	for _, routine := range routines {
		one := []*item{routine}
		err := r.replace(one, true)
		if err == nil {
			continue
		}
		if final := final(err); final != nil && pg.Code(err) == "" {
			return serverError(routine.statement, err, 0, 0)
		}
		if r.replace(one, false) != nil {
			continue
		}
		at, shift := 0, 0
		if _, inserted := replacing(routine.sql); inserted {
			at, shift = len("CREATE"), utf8.RuneCountInString(orReplace)
		}
		return serverError(routine.statement, err, at, shift)
	}
	return nil
}

// replace creates routines again and takes it back.
func (r *runner) replace(routines []*item, check bool) error {
	r.current = nil
	begin, end := "BEGIN", "ROLLBACK"
	if r.inside {
		begin, end = "SAVEPOINT bodies", "ROLLBACK TO bodies;RELEASE bodies"
	}
	if err := r.plain(begin); err != nil {
		return err
	}
	err := r.replaceEach(routines, check)
	if rollback := r.plain(end); err == nil {
		err = rollback
	}
	r.current = nil
	return err
}

func (r *runner) replaceEach(routines []*item, check bool) error {
	setting := "SET check_function_bodies = off"
	if check {
		setting = "SET check_function_bodies = on"
	}
	if len(routines) == 1 { // positions are then those of the statement
		sql, _ := r.approach(routines[0].session)
		if err := r.exec(sql + ";" + setting); err != nil {
			return err
		}
		replaced, _ := replacing(routines[0].sql)
		return r.exec(replaced)
	}
	var text strings.Builder
	for _, routine := range routines {
		if sql, _ := r.approach(routine.session); sql != "" {
			text.WriteString(sql + ";" + setting + ";\n")
		}
		r.current = routine.session
		sql, _ := replacing(routine.sql)
		text.WriteString(sql + ";\n")
	}
	return r.exec(text.String())
}

// replacing returns CREATE as CREATE OR REPLACE, and whether it was changed.
func replacing(sql string) (string, bool) {
	match := createRoutine.FindStringSubmatchIndex(sql)
	if match == nil || match[2] >= 0 {
		return sql, false
	}
	at := len("CREATE")
	return sql[:at] + orReplace + sql[at:], true
}
