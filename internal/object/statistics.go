package object

import (
	"fmt"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// statistics is an extended statistics object, manual chapter 14.2.2.
type statistics struct {
	Table   string   // printed name
	Kinds   []string // ndistinct, dependencies, mcv; empty for all that there are
	Columns string   `print:"true"` // columns and expressions, as the server prints them
	Target  int64    // statistics target, -1 for that of the columns
}

// Statistics defines extended statistics objects.
//
// PostgreSQL would build one again when the type of a column changes, but with
// its target reset and with the owner that runs the statement, so that it is
// dropped and created here.
func (kinds) Statistics(set *kind.Set) {
	kind.Define(set, kind.Spec[statistics]{
		Name: "statistics", SQL: "STATISTICS", Rank: 150, Rename: kind.RenameTo,
		Doc: "Extended statistics objects over columns and expressions with their kinds and statistics target. " +
			"What ANALYZE gathered is not part of the schema.",
		Found: "pg_statistic_ext",
		Query: func(int) string {
			return `SELECT 'pg_statistic_ext'::regclass::oid AS classid, s.oid AS objid, 0 AS objsubid, n.nspname AS schema, s.stxname AS name,
	'pg_class'::regclass::oid AS pclass, s.stxrelid AS pobj, 0 AS psub, pg_get_userbyid(s.stxowner) AS owner,
	s.stxrelid::regclass::text AS table,
	CASE WHEN NOT s.stxkind @> '{d,f,m}' THEN (SELECT json_agg(k.word ORDER BY k.ord)
		FROM (VALUES ('d', 'ndistinct', 1), ('f', 'dependencies', 2), ('m', 'mcv', 3)) AS k(letter, word, ord)
		WHERE k.letter = ANY (s.stxkind::text[])) END AS kinds,
	pg_get_statisticsobjdef_columns(s.oid) AS columns, coalesce(s.stxstattarget, -1) AS target
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE ` + userSchemas
		},
		Ref: qualified,
		Create: func(c *kind.Ctx, id schema.ID, s statistics) []kind.Action {
			kinds := ""
			if len(s.Kinds) > 0 {
				kinds = "(" + list(s.Kinds) + ")"
			}
			actions := []kind.Action{{SQL: kind.Words("CREATE STATISTICS", qualified(id), kinds, "ON", s.Columns, "FROM", s.Table),
				Relation: parentOf(c.New, id), Lock: kind.ShareUpdateExclusive}}
			if s.Target >= 0 {
				actions = append(actions, setTarget(id, s)...)
			}
			return actions
		},
		Drop: func(c *kind.Ctx, id schema.ID, _ statistics) []kind.Action {
			return []kind.Action{{SQL: "DROP STATISTICS " + qualified(id), Relation: parentOf(c.Old, id), Lock: kind.ShareUpdateExclusive}}
		},
		Alter: kind.Alter[statistics]{
			"table": nil, "kinds": nil, "columns": nil,
			"target": func(_ *kind.Ctx, id schema.ID, _, s statistics) []kind.Action { return setTarget(id, s) },
		},
		Detach: true,
	})
}

func setTarget(id schema.ID, s statistics) []kind.Action {
	return kind.Do(fmt.Sprintf("ALTER STATISTICS %s SET STATISTICS %d", qualified(id), s.Target))
}
