package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// operator is an operator, manual chapters 36.14 and 36.15. Names of functions
// are printed, and those of operators as OPERATOR(schema.name); "" is none.
type operator struct {
	Function   string
	Commutator string
	Negator    string
	Restrict   string
	Join       string
	Hashes     bool
	Merges     bool
	Shells     []string // operators that only their mention as commutator or negator made, as DDL addresses them
	Left       string   `info:"true"` // types of the operands, NONE for a missing one
	Right      string   `info:"true"`
	Schemas    []string `info:"true"` // schemas of commutator and negator
}

// Operator defines operators.
//
// An operator that names a commutator or negator that does not exist makes a
// shell of it, which the statement that defines the other one fills; and
// PostgreSQL keeps both ends of such a link in step. pg_depend does not know it.
func (kinds) Operator(set *kind.Set) {
	kind.Define(set, kind.Spec[operator]{
		Name: "operator", SQL: "OPERATOR", Rank: 82, Hazards: onDrop[operator]("drop-object"),
		Doc: "Operators with function, commutator, negator, selectivity estimators, HASHES and MERGES. An operator that is " +
			"only named as commutator or negator of another one belongs to that one.",
		Found: ofUsers("pg_operator"),
		Query: operatorQuery,
		Ref:   operatorRef,
		Create: func(_ *kind.Ctx, id schema.ID, o operator) []kind.Action {
			operands := []setting{{"LEFTARG", o.Left}, {"RIGHTARG", o.Right}}
			if o.Left == "NONE" {
				operands = operands[1:]
			}
			options := settings(append([]setting{{"FUNCTION", o.Function}}, append(operands,
				setting{"COMMUTATOR", o.Commutator}, setting{"NEGATOR", o.Negator}, setting{"RESTRICT", o.Restrict},
				setting{"JOIN", o.Join})...)...)
			return kind.Do("CREATE OPERATOR " + operatorName(id) + " (" + options + onOff(o.Hashes, ", HASHES", "") +
				onOff(o.Merges, ", MERGES", "") + ")")
		},
		Drop: dropOperator,
		Alter: kind.Alter[operator]{
			"function":   nil,
			"commutator": alterOperator,
			"negator":    alterOperator,
			"restrict":   alterOperator,
			"join":       alterOperator,
			"hashes":     alterOperator,
			"merges":     alterOperator,
			"shells":     alterOperator,
		},
		// The shell of a commutator or negator is made in its schema.
		// A shell takes its name too: while the operator is there, a mention means that one.
		Names: func(id schema.ID, o operator) []string {
			names := []string{"operator " + operatorRef(id)}
			for _, shell := range o.Shells {
				names = append(names, "operator "+shell)
			}
			return names
		},
		Extra: func(_ *schema.State, _ schema.ID, o operator) []schema.ID {
			var ids []schema.ID
			for _, name := range o.Schemas {
				ids = append(ids, schema.ID{Kind: "schema", Name: name})
			}
			return ids
		},
	})
}

func operatorQuery(int) string {
	operand := func(column string) string {
		return `CASE ` + column + ` WHEN 0 THEN 'NONE' ELSE format_type(` + column + `, NULL) END`
	}
	shell := func(o, n string) string {
		return `CASE ` + o + `.oprcode WHEN 0 THEN quote_ident(` + n + `.nspname) || '.' || ` + o + `.oprname || ' (' || ` +
			operand(o+".oprleft") + ` || ', ' || ` + operand(o+".oprright") + ` || ')' END`
	}
	return `SELECT 'pg_operator'::regclass::oid AS classid, o.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, o.oprname AS name, pg_get_userbyid(o.oprowner) AS owner,
	'(' || ` + operand("o.oprleft") + ` || ', ' || ` + operand("o.oprright") + ` || ')' AS args,
	` + operand("o.oprleft") + ` AS left, ` + operand("o.oprright") + ` AS right, o.oprcode::text AS function,
	'OPERATOR(' || quote_ident(cn.nspname) || '.' || c.oprname || ')' AS commutator,
	'OPERATOR(' || quote_ident(gn.nspname) || '.' || g.oprname || ')' AS negator,
	NULLIF(o.oprrest::text, '-') AS restrict, NULLIF(o.oprjoin::text, '-') AS join,
	o.oprcanhash AS hashes, o.oprcanmerge AS merges,
	to_json(NULLIF(array_remove(ARRAY[` + shell("c", "cn") + `, ` + shell("g", "gn") + `], NULL), '{}')) AS shells,
	to_json(array_remove(ARRAY[cn.nspname, gn.nspname], NULL)) AS schemas
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
	LEFT JOIN pg_operator c ON c.oid = o.oprcom LEFT JOIN pg_namespace cn ON cn.oid = c.oprnamespace
	LEFT JOIN pg_operator g ON g.oid = o.oprnegate LEFT JOIN pg_namespace gn ON gn.oid = g.oprnamespace
WHERE o.oprcode <> 0 AND ` + userSchemas
}

// operatorName is how CREATE OPERATOR takes the name: no operator needs quotes.
func operatorName(id schema.ID) string { return pg.QuoteIdent(id.Schema) + "." + id.Name }

func operatorRef(id schema.ID) string { return operatorName(id) + " " + id.Args }

// dropOperator drops the shells that the operator made, which nothing prints
// but which keep their schema and the types of their operands from going.
func dropOperator(c *kind.Ctx, id schema.ID, o operator) []kind.Action {
	actions := kind.Do("DROP OPERATOR " + operatorRef(id))
	for _, shell := range o.Shells {
		wanted := false
		for other, object := range c.Old.Objects {
			wanted = wanted || other.Kind == id.Kind && !c.Dropped(other) &&
				slices.Contains(kind.Decode[operator](object).Shells, shell)
		}
		for other := range c.New.Objects {
			wanted = wanted || other.Kind == id.Kind && operatorRef(other) == shell
		}
		if !wanted {
			actions = append(actions, kind.Action{SQL: "DROP OPERATOR IF EXISTS " + shell})
		}
	}
	return actions
}

// alterOperator changes everything with one statement. Before 17 that is the
// estimators; later also what was not set before (manual, ALTER OPERATOR).
func alterOperator(c *kind.Ctx, id schema.ID, old, o operator) []kind.Action {
	if len(without(o.Shells, old.Shells)) > 0 || old.Hashes && !o.Hashes || old.Merges && !o.Merges {
		return nil
	}
	var changes []string
	estimator := func(word, was, is string) {
		if was != is {
			changes = append(changes, word+" = "+onOff(is != "", is, "NONE"))
		}
	}
	estimator("RESTRICT", old.Restrict, o.Restrict)
	estimator("JOIN", old.Join, o.Join)
	for _, l := range []link{
		{"COMMUTATOR", "(" + o.Right + ", " + o.Left + ")", func(o operator) string { return o.Commutator }},
		{"NEGATOR", id.Args, func(o operator) string { return o.Negator }},
	} {
		change, possible := l.change(c, id, old, o)
		if !possible {
			return nil
		}
		if change {
			changes = append(changes, l.word+" = "+l.of(o))
		}
	}
	if o.Hashes != old.Hashes || o.Merges != old.Merges {
		if c.Server < 17 {
			return nil
		}
		changes = append(changes, without([]string{onOff(o.Hashes != old.Hashes, "HASHES", ""),
			onOff(o.Merges != old.Merges, "MERGES", "")}, []string{""})...)
	}
	if len(changes) == 0 {
		return kind.Nothing
	}
	return kind.Do("ALTER OPERATOR " + operatorRef(id) + " SET (" + list(changes) + ")")
}

// link is one of the two ways in which operators name each other.
type link struct {
	word string
	args string // operands of the other operator
	of   func(operator) string
}

// change reports whether a statement has to change the link, and whether one
// can. Dropping or creating one of two linked operators changes the other one.
func (l link) change(c *kind.Ctx, id schema.ID, old, o operator) (needed, possible bool) {
	was, is := l.of(old), l.of(o)
	if was == is {
		return false, true
	}
	if was != "" && !c.Dropped(l.find(c.Old, was)) {
		return false, false
	}
	if is == "" {
		return false, true
	}
	other := l.find(c.New, is)
	back := func(s *schema.State) bool {
		object := s.Objects[other]
		return object != nil && l.of(kind.Decode[operator](object)) == "OPERATOR("+operatorName(id)+")"
	}
	if c.Created(other) {
		return false, back(c.New)
	}
	if c.Server < 17 {
		return false, false
	}
	done := schema.Compare(other, id) < 0 && back(c.New) && !back(c.Old) // by the change of the other one
	return !done, true
}

// find returns the operator of the state that a printed name means, or no
// identity when it is a shell or belongs to somebody else.
func (l link) find(s *schema.State, printed string) schema.ID {
	for id := range s.Objects {
		if id.Kind == "operator" && id.Args == l.args && "OPERATOR("+operatorName(id)+")" == printed {
			return id
		}
	}
	return schema.ID{}
}
