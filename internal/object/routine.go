package object

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// routine is what functions and procedures have in common: how they are called
// and what they run.
type routine struct {
	word       string // FUNCTION or PROCEDURE
	parameters []string
	defaults   []string
	result     string
	language   string
	body       string
	statements string
	library    string
	transforms []string
	options    []string // words behind the language
	config     []string
}

// routineColumns are the identity, the owner and the privileges of a routine p
// in the namespace n. Its arguments are types alone, as the statements that
// address a routine need no more.
const routineColumns = `'pg_proc'::regclass::oid AS classid, p.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, p.proname AS name, pg_get_userbyid(p.proowner) AS owner,
	array_to_json(p.proacl::text[]) AS acl, array_to_json(acldefault('f', p.proowner)::text[]) AS acldefault`

// inputTypes are the arguments in the identity of a function or an aggregate.
const inputTypes = `'(' || coalesce((SELECT string_agg(format_type(a.type, NULL), ', ' ORDER BY a.i)
		FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, i)), '') || ')' AS args`

// bodyColumns are the parameters and the body. A body in standard SQL is kept
// parsed and printed by the server; every other one is kept as it was written.
const bodyColumns = `
	(SELECT json_agg(concat_ws(' ', CASE a.mode WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' WHEN 'v' THEN 'VARIADIC' END,
			quote_ident(NULLIF(a.name, '')), format_type(a.type, NULL)) ORDER BY a.i)
		FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes, p.proargnames)
			WITH ORDINALITY AS a(type, mode, name, i) WHERE a.mode IS DISTINCT FROM 't') AS parameters,
	CASE WHEN p.pronargdefaults > 0 THEN (SELECT json_agg(coalesce(pg_get_function_arg_default(p.oid, a.i::int), '') ORDER BY a.i)
		FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes) WITH ORDINALITY AS a(type, mode, i)
		WHERE a.mode IS DISTINCT FROM 't') END AS defaults,
	quote_ident(l.lanname) AS language, CASE WHEN p.prosqlbody IS NULL THEN p.prosrc END AS body, pg_get_function_sqlbody(p.oid) AS statements,
	 p.probin AS library, p.prosecdef AS definer,
	(SELECT json_agg(format_type(type, NULL) ORDER BY i) FROM unnest(p.protrftypes) WITH ORDINALITY AS t(type, i)) AS transforms,
	to_json(p.proconfig) AS config`

// userRoutines leaves out the constructors of range types, which are parts of
// their types.
const userRoutines = userSchemas + ` AND NOT EXISTS (SELECT FROM pg_depend d
	WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')`

// routineRef addresses a routine of any kind.
func routineRef(id schema.ID) string { return qualified(id) + id.Args }

// routineNames is the name that a routine takes: functions, procedures and
// aggregates share it, told apart by the types of their input.
func routineNames(id schema.ID) []string {
	var types []string
	for t := range strings.SplitSeq(strings.Trim(id.Args, "()"), ", ") {
		if strings.HasPrefix(t, "OUT ") {
			continue
		}
		types = append(types, strings.TrimPrefix(strings.TrimPrefix(t, "INOUT "), "VARIADIC "))
	}
	return []string{"routine " + id.Schema + "." + id.Name + "(" + list(types) + ")"}
}

// createRoutine prints the statement that creates the routine, or replaces one
// that exists.
func createRoutine(verb string, id schema.ID, r routine) []kind.Action {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s(%s)", verb, r.word, qualified(id), list(withDefaults(r)))
	if r.result != "" {
		fmt.Fprintf(&b, "\n    RETURNS %s", r.result)
	}
	b.WriteString("\n    LANGUAGE " + r.language)
	for i, t := range r.transforms {
		b.WriteString([]string{" TRANSFORM", ","}[min(i, 1)] + " FOR TYPE " + t)
	}
	if options := kind.Words(r.options...); options != "" {
		b.WriteString("\n    " + options)
	}
	for _, setting := range r.config {
		b.WriteString("\n    SET " + printSetting(setting))
	}
	switch {
	case r.statements != "":
		b.WriteString("\n" + r.statements)
	case r.library != "":
		b.WriteString("\n    AS " + pg.QuoteLiteral(r.library) + ", " + pg.QuoteLiteral(r.body))
	default:
		b.WriteString("\n    AS " + dollarQuote(r.body))
	}
	return kind.Do(b.String())
}

func withDefaults(r routine) []string {
	parameters := slices.Clone(r.parameters)
	for i, d := range r.defaults {
		if d != "" {
			parameters[i] += " DEFAULT " + d
		}
	}
	return parameters
}

// replaceRoutine prints CREATE OR REPLACE, or nil where PostgreSQL refuses it:
// it lets a parameter get a name but not another one, and a default appear or
// change but not go (manual, CREATE FUNCTION).
func replaceRoutine(id schema.ID, old, r routine) []kind.Action {
	if len(old.parameters) != len(r.parameters) {
		return nil
	}
	for i, before := range old.parameters {
		name, unnamed := strings.CutSuffix(r.parameters[i], " "+before)
		named := unnamed && !slices.Contains([]string{"OUT", "INOUT", "VARIADIC"}, name)
		if r.parameters[i] != before && !named {
			return nil
		}
	}
	for i, d := range old.defaults {
		if d != "" && (len(r.defaults) <= i || r.defaults[i] == "") {
			return nil
		}
	}
	return createRoutine("CREATE OR REPLACE", id, r)
}

// alterConfig returns the clauses that turn the settings of a routine into
// others. A setting is kept as name=value; a new one goes behind the others,
// so that another order takes a new start.
func alterConfig(old, new []string) string {
	var clauses, result []string
	for _, o := range old {
		name, _, _ := strings.Cut(o, "=")
		at := slices.IndexFunc(new, func(n string) bool { return strings.HasPrefix(n, name+"=") })
		if at < 0 {
			clauses = append(clauses, "RESET "+pg.QuoteIdent(name))
		} else {
			result = append(result, new[at])
		}
	}
	for _, n := range new {
		if !slices.Contains(result, n) {
			result = append(result, n)
		}
		if !slices.Contains(old, n) {
			clauses = append(clauses, "SET "+printSetting(n))
		}
	}
	if slices.Equal(result, new) {
		return kind.Words(clauses...)
	}
	clauses = []string{"RESET ALL"}
	for _, n := range new {
		clauses = append(clauses, "SET "+printSetting(n))
	}
	return kind.Words(clauses...)
}

// listSettings are the settings whose value is a list of names. PostgreSQL keeps
// it as one text, and would take that text for one name if it came back as one.
var listSettings = []string{"local_preload_libraries", "search_path", "session_preload_libraries",
	"shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"}

func printSetting(setting string) string {
	name, value, _ := strings.Cut(setting, "=")
	values := []string{value}
	if slices.Contains(listSettings, strings.ToLower(name)) {
		if values = splitNames(value); len(values) == 0 {
			values = []string{""}
		}
	}
	for i, v := range values {
		values[i] = pg.QuoteLiteral(v)
	}
	return pg.QuoteIdent(name) + " TO " + list(values)
}

// splitNames reads a list of names in which those that are not plain stand in
// double quotes.
func splitNames(text string) []string {
	var names []string
	for {
		text = strings.TrimLeft(text, " ,\t\n")
		if text == "" {
			return names
		}
		if text[0] != '"' {
			end := strings.IndexAny(text+",", ", \t\n")
			names, text = append(names, text[:end]), text[end:]
			continue
		}
		var name strings.Builder
		text = text[1:]
		for {
			part, rest, _ := strings.Cut(text, `"`)
			name.WriteString(part)
			if !strings.HasPrefix(rest, `"`) {
				text = rest
				break
			}
			name.WriteByte('"')
			text = rest[1:]
		}
		names = append(names, name.String())
	}
}

// dollarQuote quotes a body with a tag that does not end it early.
func dollarQuote(body string) string {
	for i := 0; ; i++ {
		tag := "$$"
		if i > 0 {
			tag = "$" + strings.Repeat("_", i) + "$"
		}
		if strings.Index(body+tag, tag) == len(body) {
			return tag + body + tag
		}
	}
}
