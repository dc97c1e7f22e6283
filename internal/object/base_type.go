package object

import (
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// baseType is a base type, manual chapter 36.13. Names of functions are printed;
// "" stands for what is not given.
type baseType struct {
	Input      string
	Output     string
	Receive    string
	Send       string
	Typmodin   string
	Typmodout  string
	Analyze    string
	Subscript  string
	Length     string // bytes, or VARIABLE
	Byvalue    bool
	Alignment  string
	Storage    string
	Category   string // quoted letter
	Preferred  bool
	Default    string // quoted
	Element    string // printed type
	Delimiter  string // quoted letter
	Collatable bool
}

// BaseType defines base types. Their functions are in the library of an
// extension, or in the server itself.
func (kinds) BaseType(set *kind.Set) {
	kind.Define(set, kind.Spec[baseType]{
		Name: "base_type", SQL: "TYPE", Grant: "TYPE", Rank: 36, Rename: kind.RenameTo, Hazards: onDrop[baseType]("drop-type"),
		Doc: "Base types with their functions and all options. What is not one of the optional functions or the storage " +
			"makes a new type, and the columns of the old one go.",
		Found: ofUsers("pg_type t") + " AND " + isBaseType,
		Query: baseTypeQuery,
		Ref:   qualified,
		Create: func(_ *kind.Ctx, id schema.ID, t baseType) []kind.Action {
			return kind.Do("CREATE TYPE " + qualified(id) + " (" + lines(baseTypeSettings(t)) + "\n)")
		},
		Drop: dropType[baseType], // goes with its shell
		Alter: kind.Alter[baseType]{
			"input": nil, "output": nil, "length": nil, "byvalue": nil, "alignment": nil, "category": nil, "preferred": nil,
			"default": nil, "element": nil, "delimiter": nil, "collatable": nil,
			"receive": alterBaseType, "send": alterBaseType, "typmodin": alterBaseType, "typmodout": alterBaseType,
			"analyze": alterBaseType, "subscript": alterBaseType,
			"storage": func(c *kind.Ctx, id schema.ID, old, t baseType) []kind.Action {
				if t.Storage == "PLAIN" {
					return nil // there can be values that are stored otherwise
				}
				return alterBaseType(c, id, old, t)
			},
		},
		Shelled: true,
	})
}

func baseTypeQuery(int) string {
	return `SELECT ` + typeColumns + `, 'pg_type'::regclass::oid AS pclass, t.oid AS pobj, -1 AS psub,
	t.typinput::text AS input, t.typoutput::text AS output, NULLIF(t.typreceive::text, '-') AS receive,
	NULLIF(t.typsend::text, '-') AS send, NULLIF(t.typmodin::text, '-') AS typmodin, NULLIF(t.typmodout::text, '-') AS typmodout,
	NULLIF(t.typanalyze::text, '-') AS analyze, NULLIF(t.typsubscript::text, '-') AS subscript,
	CASE WHEN t.typlen < 0 THEN 'VARIABLE' ELSE t.typlen::text END AS length, t.typbyval AS byvalue,
	CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'i' THEN 'int4' ELSE 'double' END AS alignment,
	` + storageWord("t.typstorage") + ` AS storage, quote_literal(t.typcategory::text) AS category, t.typispreferred AS preferred,
	quote_literal(t.typdefault) AS default, CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END AS element,
	quote_literal(t.typdelim::text) AS delimiter, t.typcollation <> 0 AS collatable
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE ` + isBaseType + ` AND ` + userSchemas
}

// baseTypeSettings prints what differs from what CREATE TYPE takes for granted.
func baseTypeSettings(t baseType) []string {
	usual := []string{"ALIGNMENT = int4", "STORAGE = PLAIN", "CATEGORY = 'U'", "DELIMITER = ','"}
	return without(slices.Concat(printSettings([]setting{{"INPUT", t.Input}, {"OUTPUT", t.Output}}), printSettings(optionalFunctions(t)),
		printSettings([]setting{
			{"INTERNALLENGTH", t.Length}, {"PASSEDBYVALUE", onOff(t.Byvalue, "true", "")}, {"ALIGNMENT", t.Alignment},
			{"STORAGE", t.Storage}, {"CATEGORY", t.Category}, {"PREFERRED", onOff(t.Preferred, "true", "")}, {"DEFAULT", t.Default},
			{"ELEMENT", t.Element}, {"DELIMITER", t.Delimiter}, {"COLLATABLE", onOff(t.Collatable, "true", "")},
		})), usual)
}

func optionalFunctions(t baseType) []setting {
	return []setting{{"RECEIVE", t.Receive}, {"SEND", t.Send}, {"TYPMOD_IN", t.Typmodin}, {"TYPMOD_OUT", t.Typmodout},
		{"ANALYZE", t.Analyze}, {"SUBSCRIPT", t.Subscript}}
}

// alterBaseType changes what one ALTER TYPE can.
func alterBaseType(_ *kind.Ctx, id schema.ID, old, t baseType) []kind.Action {
	before, after := append(optionalFunctions(old), setting{"STORAGE", old.Storage}), append(optionalFunctions(t), setting{"STORAGE", t.Storage})
	var changes []setting
	for i, s := range after {
		if s != before[i] {
			changes = append(changes, setting{s.word, onOff(s.value != "", s.value, "NONE")})
		}
	}
	return kind.Do("ALTER TYPE " + qualified(id) + " SET (" + settings(changes...) + ")")
}
