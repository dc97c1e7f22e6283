package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// procedure is a procedure, manual chapter 36.4.
type procedure struct {
	Parameters []string // with mode, name and type
	Defaults   []string `print:"true"` // printed expression for each parameter, "" for none
	Language   string
	Body       string // source text, or the name of a symbol; "" when there are statements
	Statements string `print:"true"` // SQL that the server keeps parsed
	Library    string // file of a procedure in C
	Definer    bool   // SECURITY DEFINER
	Transforms []string
	Config     []string // name=value
}

// Procedure defines procedures.
func (kinds) Procedure(set *kind.Set) {
	replace := func(_ *kind.Ctx, id schema.ID, old, p procedure) []kind.Action {
		return replaceRoutine(id, procedureRoutine(old), procedureRoutine(p))
	}
	kind.Define(set, kind.Spec[procedure]{
		Name: "procedure", SQL: "PROCEDURE", Grant: "PROCEDURE", Rank: 71, Rename: kind.RenameTo, Hazards: procedureHazards,
		Doc: "Procedures in every language, with bodies as text, as parsed SQL or in a library, and all options.",
		// The output parameters stand in the identity, because without them
		// statements could mean another procedure (manual, DROP PROCEDURE).
		Found: ofUsers("pg_proc") + " AND prokind = 'p'",
		Query: func(int) string {
			return `SELECT ` + routineColumns + `,` + bodyColumns + `,
	'(' || coalesce((SELECT string_agg(concat_ws(' ', CASE a.mode WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' WHEN 'v' THEN 'VARIADIC' END,
		format_type(a.type, NULL)), ', ' ORDER BY a.i) FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes)
		WITH ORDINALITY AS a(type, mode, i)), '') || ')' AS args
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind = 'p' AND ` + userRoutines
		},
		Ref: routineRef,
		Create: func(_ *kind.Ctx, id schema.ID, p procedure) []kind.Action {
			return createRoutine("CREATE", id, procedureRoutine(p))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ procedure) []kind.Action {
			return kind.Do("DROP PROCEDURE " + routineRef(id))
		},
		Alter: kind.Alter[procedure]{
			"parameters": replace,
			"defaults":   replace,
			"language":   replace,
			"body":       replace,
			"statements": replace,
			"library":    replace,
			"transforms": replace,
			"definer":    alterProcedure,
			"config":     alterProcedure,
		},
		Extra: func(_ *schema.State, _ schema.ID, p procedure) []schema.ID {
			return transformsFor(p.Language, p.Transforms)
		},
		Names: func(id schema.ID, _ procedure) []string { return routineNames(id) },
	})
}

func procedureRoutine(p procedure) routine {
	return routine{
		word: "PROCEDURE", parameters: p.Parameters, defaults: p.Defaults, language: p.Language, body: p.Body,
		statements: p.Statements, library: p.Library, transforms: p.Transforms, config: p.Config,
		options: []string{onOff(p.Definer, "SECURITY DEFINER", "")},
	}
}

// alterProcedure changes options with one ALTER PROCEDURE, unless CREATE OR
// REPLACE has to change something else too.
func alterProcedure(_ *kind.Ctx, id schema.ID, old, p procedure) []kind.Action {
	before, after := procedureRoutine(old), procedureRoutine(p)
	if !sameCode(before, after) {
		return replaceRoutine(id, before, after)
	}
	return kind.Do(kind.Words("ALTER PROCEDURE", routineRef(id),
		onOff(p.Definer != old.Definer, onOff(p.Definer, "SECURITY DEFINER", "SECURITY INVOKER"), ""),
		alterConfig(old.Config, p.Config)))
}
