package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// function is a function, also a window function; manual chapter 36.3.
type function struct {
	Parameters []string // with mode, name and type
	Defaults   []string `print:"true"` // printed expression for each parameter, "" for none
	Result     string
	Language   string
	Body       string // source text, or the name of a symbol; "" when there are statements
	Statements string `print:"true"` // SQL that the server keeps parsed
	Library    string // file of a function in C
	Volatility string
	Parallel   string
	Strict     bool
	Definer    bool // SECURITY DEFINER
	Leakproof  bool
	Window     bool
	Cost       string // "" for the language's usual cost
	Rows       string // "" for the usual estimate
	Support    string // printed name of the planner support function
	Transforms []string
	Config     []string // name=value
}

// Function defines functions.
func (kinds) Function(set *kind.Set) {
	replace := func(_ *kind.Ctx, id schema.ID, old, f function) []kind.Action {
		return replaceRoutine(id, functionRoutine(old), functionRoutine(f))
	}
	kind.Define(set, kind.Spec[function]{
		Name: "function", SQL: "FUNCTION", Grant: "FUNCTION", Rank: 70, Rename: kind.RenameTo, Hazards: functionHazards,
		Doc: "Functions and window functions in every language, with bodies as text, as parsed SQL or in a library, and all " +
			"options. What a body of text uses is not known before it runs.",
		Found: ofUsers("pg_proc") + " AND prokind IN ('f', 'w')",
		Query: functionQuery,
		Ref:   routineRef,
		Create: func(_ *kind.Ctx, id schema.ID, f function) []kind.Action {
			return createRoutine("CREATE", id, functionRoutine(f))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ function) []kind.Action {
			return kind.Do("DROP FUNCTION " + routineRef(id))
		},
		Alter: kind.Alter[function]{
			"parameters": replace,
			"defaults":   replace,
			"result":     nil,
			"language":   replace,
			"body":       replace,
			"statements": replace,
			"library":    replace,
			"transforms": replace,
			"window":     nil,
			"volatility": alterFunction,
			"parallel":   alterFunction,
			"strict":     alterFunction,
			"definer":    alterFunction,
			"leakproof":  alterFunction,
			"cost":       alterFunction,
			"rows":       alterFunction,
			"support":    alterFunction,
			"config":     alterFunction,
		},
		Extra: func(_ *schema.State, _ schema.ID, f function) []schema.ID {
			return transformsFor(f.Language, f.Transforms)
		},
		Names: func(id schema.ID, _ function) []string { return routineNames(id) },
	})
}

// functionQuery reads functions. Functions in C and internal ones are reckoned
// to cost 1, all others 100, and a set to have 1000 rows (manual, CREATE
// FUNCTION).
func functionQuery(int) string {
	return `SELECT ` + routineColumns + `, ` + inputTypes + `,` + bodyColumns + `,
	pg_get_function_result(p.oid) AS result, p.prokind = 'w' AS window, p.proisstrict AS strict, p.proleakproof AS leakproof,
	CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END AS volatility,
	CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END AS parallel,
	CASE WHEN p.procost <> CASE WHEN l.lanname IN ('internal', 'c') THEN 1 ELSE 100 END THEN p.procost END AS cost,
	CASE WHEN p.proretset AND p.prorows <> 1000 THEN p.prorows END AS rows, NULLIF(p.prosupport::text, '-') AS support
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'w') AND ` + userRoutines
}

func functionRoutine(f function) routine {
	options := []string{
		onOff(f.Window, "WINDOW", ""),
		onOff(f.Volatility != "VOLATILE", f.Volatility, ""),
		onOff(f.Leakproof, "LEAKPROOF", ""),
		onOff(f.Strict, "STRICT", ""),
		onOff(f.Definer, "SECURITY DEFINER", ""),
		onOff(f.Parallel != "UNSAFE", "PARALLEL "+f.Parallel, ""),
		onOff(f.Cost != "", "COST "+f.Cost, ""),
		onOff(f.Rows != "", "ROWS "+f.Rows, ""),
		onOff(f.Support != "", "SUPPORT "+f.Support, ""),
	}
	return routine{
		word: "FUNCTION", parameters: f.Parameters, defaults: f.Defaults, result: f.Result, language: f.Language,
		body: f.Body, statements: f.Statements, library: f.Library, transforms: f.Transforms, options: options, config: f.Config,
	}
}

// alterFunction changes options with one ALTER FUNCTION. When something else
// changes too, CREATE OR REPLACE says all of it; and only that can take away a
// support function.
func alterFunction(_ *kind.Ctx, id schema.ID, old, f function) []kind.Action {
	before, after := functionRoutine(old), functionRoutine(f)
	if !sameCode(before, after) || old.Support != "" && f.Support == "" {
		return replaceRoutine(id, before, after)
	}
	cost := f.Cost
	if cost == "" {
		cost = onOff(f.Language == "c" || f.Language == "internal", "1", "100")
	}
	clauses := kind.Words(
		onOff(f.Volatility != old.Volatility, f.Volatility, ""),
		onOff(f.Leakproof != old.Leakproof, onOff(f.Leakproof, "LEAKPROOF", "NOT LEAKPROOF"), ""),
		onOff(f.Strict != old.Strict, onOff(f.Strict, "STRICT", "CALLED ON NULL INPUT"), ""),
		onOff(f.Definer != old.Definer, onOff(f.Definer, "SECURITY DEFINER", "SECURITY INVOKER"), ""),
		onOff(f.Parallel != old.Parallel, "PARALLEL "+f.Parallel, ""),
		onOff(f.Cost != old.Cost, "COST "+cost, ""),
		onOff(f.Rows != old.Rows, "ROWS "+onOff(f.Rows != "", f.Rows, "1000"), ""),
		onOff(f.Support != old.Support, "SUPPORT "+f.Support, ""),
		alterConfig(old.Config, f.Config),
	)
	return kind.Do("ALTER FUNCTION " + routineRef(id) + " " + clauses)
}

// sameCode reports whether no part differs that only CREATE OR REPLACE changes.
func sameCode(a, b routine) bool {
	return slices.Equal(a.parameters, b.parameters) && slices.Equal(a.defaults, b.defaults) && a.language == b.language &&
		a.body == b.body && a.statements == b.statements && a.library == b.library && slices.Equal(a.transforms, b.transforms)
}
