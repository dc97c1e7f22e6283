package object

import (
	"strconv"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// aggregate is an aggregate function, manual chapter 36.12. Names of functions,
// operators and types are printed; "" stands for what is not given.
type aggregate struct {
	Arguments    string // with names, and ORDER BY for an ordered-set aggregate
	Result       string
	Hypothetical bool // for hypothetical sets (manual chapter 36.12.3)
	Sfunc        string
	Stype        string
	Sspace       int64
	Finalfunc    string
	Finalextra   bool
	Finalmodify  string // "" for what the kind of aggregate usually does
	Combinefunc  string
	Serialfunc   string
	Deserialfunc string
	Initcond     string // quoted
	Msfunc       string // the m fields are those of a moving aggregate
	Minvfunc     string
	Mstype       string
	Msspace      int64
	Mfinalfunc   string
	Mfinalextra  bool
	Mfinalmodify string
	Minitcond    string
	Sortop       string
	Parallel     string
}

// Aggregate defines aggregate functions. FUNCTION and ROUTINE are also their
// words: unlike AGGREGATE, they take the plain types of the input, for an
// aggregate of rows and an ordered-set one too.
func (kinds) Aggregate(set *kind.Set) {
	replace := func(_ *kind.Ctx, id schema.ID, _, a aggregate) []kind.Action {
		return kind.Do(createAggregate("CREATE OR REPLACE AGGREGATE ", id, a))
	}
	kind.Define(set, kind.Spec[aggregate]{
		Name: "aggregate", SQL: "ROUTINE", Grant: "FUNCTION", Rank: 72, Rename: kind.RenameTo, Hazards: onDrop[aggregate]("drop-function"),
		Doc:   "Aggregates: normal, ordered-set, hypothetical-set and moving ones with all options.",
		Found: "pg_aggregate WHERE aggfnoid >= " + userOID,
		Query: aggregateQuery,
		Ref:   routineRef,
		Create: func(_ *kind.Ctx, id schema.ID, a aggregate) []kind.Action {
			return kind.Do(createAggregate("CREATE AGGREGATE ", id, a))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ aggregate) []kind.Action {
			return kind.Do("DROP ROUTINE " + routineRef(id))
		},
		Alter: kind.Alter[aggregate]{
			"arguments": nil, "result": nil, "hypothetical": nil,
			"sfunc": replace, "stype": replace, "sspace": replace, "finalfunc": replace, "finalextra": replace,
			"finalmodify": replace, "combinefunc": replace, "serialfunc": replace, "deserialfunc": replace,
			"initcond": replace, "msfunc": replace, "minvfunc": replace, "mstype": replace, "msspace": replace,
			"mfinalfunc": replace, "mfinalextra": replace, "mfinalmodify": replace, "minitcond": replace,
			"sortop": replace, "parallel": replace,
		},
		Names: func(id schema.ID, _ aggregate) []string { return routineNames(id) },
	})
}

func aggregateQuery(int) string {
	modify := func(column string) string {
		return `CASE a.` + column + ` WHEN CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN NULL
		WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END`
	}
	return `SELECT ` + routineColumns + `, ` + inputTypes + `,
	pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, a.aggkind = 'h' AS hypothetical,
	a.aggtransfn::text AS sfunc, format_type(a.aggtranstype, NULL) AS stype, a.aggtransspace AS sspace,
	NULLIF(a.aggfinalfn::text, '-') AS finalfunc, a.aggfinalextra AS finalextra, ` + modify("aggfinalmodify") + ` AS finalmodify,
	NULLIF(a.aggcombinefn::text, '-') AS combinefunc, NULLIF(a.aggserialfn::text, '-') AS serialfunc,
	NULLIF(a.aggdeserialfn::text, '-') AS deserialfunc, quote_literal(a.agginitval) AS initcond,
	NULLIF(a.aggmtransfn::text, '-') AS msfunc, NULLIF(a.aggminvtransfn::text, '-') AS minvfunc,
	CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END AS mstype, a.aggmtransspace AS msspace,
	NULLIF(a.aggmfinalfn::text, '-') AS mfinalfunc, a.aggmfinalextra AS mfinalextra, ` + modify("aggmfinalmodify") + ` AS mfinalmodify,
	quote_literal(a.aggminitval) AS minitcond,
	'OPERATOR(' || quote_ident(opn.nspname) || '.' || op.oprname || ')' AS sortop,
	CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END AS parallel
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid JOIN pg_namespace n ON n.oid = p.pronamespace
	LEFT JOIN pg_operator op ON op.oid = a.aggsortop LEFT JOIN pg_namespace opn ON opn.oid = op.oprnamespace
WHERE ` + userSchemas
}

func createAggregate(words string, id schema.ID, a aggregate) string {
	arguments := a.Arguments
	if arguments == "" {
		arguments = "*"
	}
	size := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	text := words + qualified(id) + "(" + arguments + ") (\n    SFUNC = " + a.Sfunc + ",\n    STYPE = " + a.Stype
	for _, option := range []struct{ word, value string }{
		{"SSPACE", size(a.Sspace)}, {"FINALFUNC", a.Finalfunc}, {"FINALFUNC_MODIFY", a.Finalmodify},
		{"COMBINEFUNC", a.Combinefunc}, {"SERIALFUNC", a.Serialfunc}, {"DESERIALFUNC", a.Deserialfunc},
		{"INITCOND", a.Initcond}, {"MSFUNC", a.Msfunc}, {"MINVFUNC", a.Minvfunc}, {"MSTYPE", a.Mstype},
		{"MSSPACE", size(a.Msspace)}, {"MFINALFUNC", a.Mfinalfunc}, {"MFINALFUNC_MODIFY", a.Mfinalmodify},
		{"MINITCOND", a.Minitcond}, {"SORTOP", a.Sortop}, {"PARALLEL", onOff(a.Parallel == "UNSAFE", "", a.Parallel)},
	} {
		if option.value != "" {
			text += ",\n    " + option.word + " = " + option.value
		}
	}
	text += onOff(a.Finalextra, ",\n    FINALFUNC_EXTRA", "") + onOff(a.Mfinalextra, ",\n    MFINALFUNC_EXTRA", "")
	return text + onOff(a.Hypothetical, ",\n    HYPOTHETICAL", "") + "\n)"
}
