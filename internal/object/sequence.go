package object

import (
	"fmt"
	"math"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// sequence is a sequence that no identity column has made for itself.
type sequence struct {
	Type      string
	Start     int64
	Increment int64
	Min       int64
	Max       int64
	Cache     int64
	Cycle     bool
	Unlogged  bool // 15 and later
}

// Sequence defines sequences. One that a column owns is a part of it: it goes
// with the column, and its owner is that of the table. It is there before the
// column, whose default can need it.
func (kinds) Sequence(set *kind.Set) {
	kind.Define(set, kind.Spec[sequence]{
		Name: "sequence", SQL: "SEQUENCE", Grant: "SEQUENCE", Rank: 40, Rename: kind.RenameTo, Hazards: sequenceHazards,
		Doc: "Sequences with type, start, increment, bounds, cache, cycle and, from 15 on, UNLOGGED. Their current value is " +
			"data; it changes only when it would lie outside of new bounds.",
		Found: "pg_sequence",
		Query: sequenceQuery,
		Ref:   qualified,
		Create: func(_ *kind.Ctx, id schema.ID, s sequence) []kind.Action {
			return kind.Do(kind.Words("CREATE", onOff(s.Unlogged, "UNLOGGED", ""), "SEQUENCE", qualified(id), sequenceOptions(s)))
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ sequence) []kind.Action {
			drop := kind.Action{SQL: "DROP SEQUENCE " + qualified(id)}
			if o := c.Old.Objects[id]; o != nil && o.Parent == (schema.ID{}) {
				drop.Loses, drop.Why = "drop-sequence", "the place that the sequence has reached"
			}
			return []kind.Action{drop}
		},
		Alter: kind.Alter[sequence]{
			"type": alterSequence, "start": alterSequence, "increment": alterSequence, "min": alterSequence,
			"max": alterSequence, "cache": alterSequence, "cycle": alterSequence,
			"unlogged": func(_ *kind.Ctx, id schema.ID, _, s sequence) []kind.Action {
				return kind.Do("ALTER SEQUENCE " + qualified(id) + onOff(s.Unlogged, " SET UNLOGGED", " SET LOGGED"))
			},
		},
		Names: func(id schema.ID, _ sequence) []string { return relationNames(id)[:1] },
		Early: true,
		Loose: true,
	})
}

func sequenceQuery(int) string {
	return `SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid, n.nspname AS schema, c.relname AS name,
	d.refclassid AS pclass, d.refobjid AS pobj, d.refobjsubid AS psub,
	CASE WHEN d.refobjid IS NULL THEN pg_get_userbyid(c.relowner) END AS owner, pg_get_userbyid(c.relowner) AS aclowner,
	array_to_json(c.relacl::text[]) AS acl, array_to_json(acldefault('s', c.relowner)::text[]) AS acldefault,
	format_type(s.seqtypid, NULL) AS type, s.seqstart AS start, s.seqincrement AS increment, s.seqmin AS min, s.seqmax AS max,
	s.seqcache AS cache, s.seqcycle AS cycle, c.relpersistence = 'u' AS unlogged
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
		AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
WHERE d.deptype IS DISTINCT FROM 'i' AND c.relpersistence <> 't' AND ` + userSchemas
}

// sequenceOptions prints what differs from a sequence that was created without
// options (manual, CREATE SEQUENCE).
func sequenceOptions(s sequence) string {
	var words []string
	option := func(word string, value, usual int64) {
		if value != usual {
			words = append(words, fmt.Sprintf("%s %d", word, value))
		}
	}
	low, high := typeBounds(s.Type)
	if s.Increment > 0 {
		low = 1
	} else {
		high = -1
	}
	first := s.Min
	if s.Increment < 0 {
		first = s.Max
	}
	if s.Type != "bigint" {
		words = append(words, "AS "+s.Type)
	}
	option("INCREMENT BY", s.Increment, 1)
	option("MINVALUE", s.Min, low)
	option("MAXVALUE", s.Max, high)
	option("START WITH", s.Start, first)
	option("CACHE", s.Cache, 1)
	if s.Cycle {
		words = append(words, "CYCLE")
	}
	return strings.Join(words, " ")
}

func typeBounds(name string) (low, high int64) {
	switch name {
	case "smallint":
		return math.MinInt16, math.MaxInt16
	case "integer":
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// alterSequence changes everything in one statement, because PostgreSQL checks
// the options against each other. A new type moves bounds that are the old
// type's, so both are given with it.
func alterSequence(_ *kind.Ctx, id schema.ID, old, s sequence) []kind.Action {
	var words []string
	option := func(word string, value, before int64, always bool) {
		if value != before || always {
			words = append(words, fmt.Sprintf("%s %d", word, value))
		}
	}
	retyped := s.Type != old.Type
	if retyped {
		words = append(words, "AS "+s.Type)
	}
	option("INCREMENT BY", s.Increment, old.Increment, false)
	option("MINVALUE", s.Min, old.Min, retyped)
	option("MAXVALUE", s.Max, old.Max, retyped)
	option("START WITH", s.Start, old.Start, false)
	if s.Min > old.Max || s.Max < old.Min {
		words = append(words, "RESTART")
	}
	option("CACHE", s.Cache, old.Cache, false)
	if s.Cycle != old.Cycle {
		words = append(words, onOff(s.Cycle, "CYCLE", "NO CYCLE"))
	}
	return append(moveSequence(id, old, s), kind.Action{SQL: "ALTER SEQUENCE " + qualified(id) + " " + strings.Join(words, " ")})
}

// moveSequence moves the current value up to a bound that the sequence has not
// reached yet: PostgreSQL refuses bounds that leave the current value outside.
// A bound that the sequence has passed already is an error of the statement.
func moveSequence(id schema.ID, old, s sequence) []kind.Action {
	bound, beyond := s.Min, ">="
	if s.Increment < 0 {
		bound, beyond = s.Max, "<="
	}
	raised := s.Increment > 0 && s.Min > old.Min && s.Min <= old.Max
	lowered := s.Increment < 0 && s.Max < old.Max && s.Max >= old.Min
	if !raised && !lowered {
		return nil
	}
	return kind.Do(fmt.Sprintf("SELECT pg_catalog.setval(%s, CASE WHEN last_value %s %d THEN last_value ELSE %d END, is_called AND last_value %s %d) FROM %s",
		pg.QuoteLiteral(qualified(id)), beyond, bound, bound, beyond, bound, qualified(id)))
}
