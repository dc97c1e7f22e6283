package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// transform adapts a type to a procedural language; manual, CREATE TRANSFORM.
// Its name is that of both: "FOR public.point LANGUAGE plpython3u".
type transform struct {
	Fromsql string // function with its argument, "" for none
	Tosql   string
}

// Transform defines transforms.
func (kinds) Transform(set *kind.Set) {
	replace := func(_ *kind.Ctx, id schema.ID, _, t transform) []kind.Action {
		return createTransform("CREATE OR REPLACE", id, t)
	}
	kind.Define(set, kind.Spec[transform]{
		Name: "transform", SQL: "TRANSFORM", Rank: 16, Hazards: onDrop[transform]("drop-object"),
		Doc:   "Transforms of a type for a procedural language, in one direction or both.",
		Found: ofUsers("pg_transform"),
		Query: func(int) string {
			return `SELECT 'pg_transform'::regclass::oid AS classid, t.oid AS objid, 0 AS objsubid,
	'FOR ' || format_type(t.trftype, NULL) || ' LANGUAGE ' || quote_ident(l.lanname) AS name,
	CASE WHEN t.trffromsql <> 0 THEN t.trffromsql::regprocedure::text END AS fromsql,
	CASE WHEN t.trftosql <> 0 THEN t.trftosql::regprocedure::text END AS tosql
FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang
WHERE t.oid >= ` + userOID
		},
		Ref: func(id schema.ID) string { return id.Name },
		Create: func(_ *kind.Ctx, id schema.ID, t transform) []kind.Action {
			return createTransform("CREATE", id, t)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ transform) []kind.Action {
			return kind.Do("DROP TRANSFORM " + id.Name)
		},
		Alter: kind.Alter[transform]{"fromsql": replace, "tosql": replace},
	})
}

func createTransform(verb string, id schema.ID, t transform) []kind.Action {
	var directions []string
	if t.Fromsql != "" {
		directions = append(directions, "FROM SQL WITH FUNCTION "+t.Fromsql)
	}
	if t.Tosql != "" {
		directions = append(directions, "TO SQL WITH FUNCTION "+t.Tosql)
	}
	return kind.Do(verb + " TRANSFORM " + id.Name + " (" + list(directions) + ")")
}

// transformsFor returns the transforms that a routine names. Up to PostgreSQL 17
// those of its parameters and its result are recorded instead, named or not.
func transformsFor(language string, types []string) []schema.ID {
	var needs []schema.ID
	for _, t := range types {
		needs = append(needs, schema.ID{Kind: "transform", Name: "FOR " + t + " LANGUAGE " + language})
	}
	return needs
}
