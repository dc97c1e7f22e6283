package object

import (
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// index is an index that no constraint owns, manual chapter 11.
type index struct {
	Table      string // printed name
	Unique     bool
	Keys       string   `print:"true"` // from the access method on: "btree (a, lower(b)) INCLUDE (c)"
	Predicate  string   `print:"true"` // "" when every row is indexed
	Options    []string // storage parameters
	Tablespace string
	Statistics []string // "2=500": targets of expression columns
	Clustered  bool     // CLUSTER uses it
	Valid      bool
	Only       bool // of a partitioned table
}

// Index defines indexes.
func (kinds) Index(set *kind.Set) {
	kind.Define(set, kind.Spec[index]{
		Name: "index", SQL: "INDEX", Rank: 130, Rename: kind.RenameTo, Hazards: indexHazards,
		Doc: "Indexes of every access method with expressions, predicate, INCLUDE, operator classes and their parameters, " +
			"ordering, NULLS NOT DISTINCT, storage parameters, tablespace, statistics targets and CLUSTER. " +
			"An index that is not valid is a difference.",
		Query:  indexQuery,
		Ref:    qualified,
		Create: createIndex,
		Drop: func(c *kind.Ctx, id schema.ID, x index) []kind.Action {
			if attached(c, id) {
				return nil
			}
			return dropIndex(c, id, x, id)
		},
		Alter: kind.Alter[index]{
			"table": nil, "unique": nil, "keys": nil, "predicate": nil, "valid": nil, "only": nil,
			"options": func(_ *kind.Ctx, id schema.ID, old, x index) []kind.Action {
				return alterOptions("ALTER INDEX "+qualified(id), old.Options, x.Options)
			},
			"tablespace": func(c *kind.Ctx, id schema.ID, _, x index) []kind.Action {
				space := x.Tablespace
				if space == "" {
					space = "pg_default"
				}
				return []kind.Action{{SQL: "ALTER INDEX " + qualified(id) + " SET TABLESPACE " + space,
					Relation: parentOf(c.Old, id), Lock: kind.AccessExclusive, Rewrite: true}}
			},
			"statistics": func(_ *kind.Ctx, id schema.ID, old, x index) []kind.Action {
				return alterIndexStatistics(id, old.Statistics, x.Statistics)
			},
			"clustered": func(c *kind.Ctx, id schema.ID, _, x index) []kind.Action {
				return alterCluster(c, id, parentOf(c.New, id), x.Table, x.Clustered)
			},
		},
		// A partition that lacks an index would get one, were it attached later.
		After: func(c *kind.Ctx, s *schema.State, id schema.ID, x index) []schema.ID {
			var ties []schema.ID
			if x.Only && s == c.New {
				for _, tie := range c.Users(s, parentOf(s, id), "partition") {
					if lacksIndex(c, s, tie.ID, id) {
						ties = append(ties, tie.ID)
					}
				}
			}
			return ties
		},
		Names:   func(id schema.ID, _ index) []string { return relationNames(id)[:1] },
		Carried: true,
		Overlap: func(x index) bool { return x.Valid },
		Aside: func(c *kind.Ctx, id schema.ID, _ index) []kind.Action {
			return kind.Do("ALTER INDEX " + qualified(id) + " RENAME TO " + pg.QuoteIdent(asideName(c, id.Name)))
		},
		DropAside: func(c *kind.Ctx, id schema.ID, x index) []kind.Action {
			if attached(c, id) {
				return nil
			}
			aside := id
			aside.Name = asideName(c, id.Name)
			return dropIndex(c, id, x, aside)
		},
	})
}

// indexQuery has the server print only those indexes that are more than columns
// in some order: to print one, it opens the table and looks for the default
// operator class of each column. The name, the options and the predicate are cut
// off what is printed by their known lengths: they have attributes of their own.
// OFFSET 0 keeps the subqueries apart, so that each is done once for an index.
func indexQuery(server int) string {
	nulls := "''"
	if server >= 15 {
		nulls = "CASE WHEN x.indnullsnotdistinct THEN ' NULLS NOT DISTINCT' END"
	}
	return `SELECT 'pg_class'::regclass::oid AS classid, i.oid AS objid, 0 AS objsubid, n.nspname AS schema, i.relname AS name,
	'pg_class'::regclass::oid AS pclass, x.indrelid AS pobj, 0 AS psub,
	x.indrelid::regclass::text AS table, x.indisunique AS unique,
	CASE WHEN p.columns IS NOT NULL THEN concat(quote_ident(am.amname), ' (', p.columns, ')', ' INCLUDE (' || p.included || ')', ` + nulls + `)
		ELSE substr(left(d.text, length(d.text) - length(d.with_options) - coalesce(length(' WHERE ' || d.predicate), 0)), 1 + length(d.head)) END AS keys,
	d.predicate, ` + sortedOptions("i.reloptions") + ` AS options, quote_ident(sp.spcname) AS tablespace,
	CASE WHEN x.indexprs IS NOT NULL THEN (SELECT json_agg(a.attnum || '=' || a.attstattarget ORDER BY a.attnum) FROM pg_attribute a
		WHERE a.attrelid = i.oid AND a.attnum > 0 AND a.attstattarget >= 0) END AS statistics,
	x.indisclustered AS clustered, x.indisvalid OR i.relkind = 'I' AS valid, i.relkind = 'I' AS only
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace JOIN pg_am am ON am.oid = i.relam
	LEFT JOIN pg_tablespace sp ON sp.oid = i.reltablespace
	LEFT JOIN LATERAL (SELECT
		string_agg(quote_ident(a.attname) || CASE x.indoption[k.n::int - 1] WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST'
			WHEN 3 THEN ' DESC' ELSE '' END, ', ' ORDER BY k.n) FILTER (WHERE k.n <= x.indnkeyatts) AS columns,
		string_agg(quote_ident(a.attname), ', ' ORDER BY k.n) FILTER (WHERE k.n > x.indnkeyatts) AS included
		FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, n) JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
		WHERE x.indexprs IS NULL AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = i.oid AND o.attoptions IS NOT NULL)
		HAVING bool_and(k.n > x.indnkeyatts OR a.attcollation = x.indcollation[k.n::int - 1]
			AND (a.atttypid, x.indclass[k.n::int - 1]) IN (` + usualClasses + `)) OFFSET 0) p ON true
	CROSS JOIN LATERAL (SELECT CASE WHEN p.columns IS NULL THEN pg_get_indexdef(i.oid) END AS text,
		CASE WHEN p.columns IS NULL THEN format('CREATE %sINDEX %I ON %s%s USING ', CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END, i.relname,
			CASE WHEN i.relkind = 'I' THEN 'ONLY ' ELSE '' END, x.indrelid::regclass) END AS head,
		pg_get_expr(x.indpred, x.indrelid) AS predicate,
		CASE WHEN i.reloptions IS NULL THEN '' ELSE (SELECT ' WITH (' || string_agg(quote_ident(o.option_name) || '=' ||
			CASE WHEN quote_ident(o.option_value) = o.option_value THEN o.option_value ELSE quote_literal(o.option_value) END, ', ') || ')'
			FROM pg_options_to_table(i.reloptions) o) END AS with_options
		OFFSET 0) d
WHERE i.relpersistence <> 't' AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.oid AND c.contype IN ('p', 'u', 'x'))
	AND ` + userSchemas
}

// usualClasses lists types with the operator classes that are surely their
// defaults, which are not printed: those made for just that type, and for varchar
// those of text as long as it has none of its own. A type can have others.
const usualClasses = `SELECT o.opcintype, o.oid FROM pg_opclass o WHERE o.opcdefault
	UNION ALL SELECT 'varchar'::regtype, o.oid FROM pg_opclass o WHERE o.opcdefault AND o.opcintype = 'text'::regtype
		AND NOT EXISTS (SELECT FROM pg_opclass v WHERE v.opcdefault AND v.opcmethod = o.opcmethod AND v.opcintype = 'varchar'::regtype)`

// createIndex builds the index. On a partitioned table it makes only the frame:
// the indexes of the partitions are objects of their own and are attached.
func createIndex(c *kind.Ctx, id schema.ID, x index) []kind.Action {
	create := kind.Action{SQL: indexText(id, x, ""), Relation: parentOf(c.New, id), Lock: kind.Share, Scan: !x.Only}
	if !x.Only && c.InUse(create.Relation) {
		create.Online = &kind.Online{After: []kind.Action{concurrently(create.Relation, id, x)}}
	}
	actions := []kind.Action{create}
	actions = append(actions, alterIndexStatistics(id, nil, x.Statistics)...)
	if x.Clustered {
		actions = append(actions, clusterOn(id, parentOf(c.New, id), x.Table, true)...)
	}
	return actions
}

// indexText prints the statement that creates an index.
func indexText(id schema.ID, x index, concurrently string) string {
	sql := kind.Words("CREATE", onOff(x.Unique, "UNIQUE", ""), "INDEX", concurrently, pg.QuoteIdent(id.Name), "ON",
		onOff(x.Only, "ONLY", ""), x.Table, "USING", x.Keys) + withOptions(x.Options)
	if x.Tablespace != "" {
		sql += " TABLESPACE " + x.Tablespace
	}
	if x.Predicate != "" {
		sql += " WHERE " + x.Predicate
	}
	return sql
}

// dropIndex drops the index under the name that it has by now. That of a
// partitioned table cannot be dropped concurrently; manual, DROP INDEX.
func dropIndex(c *kind.Ctx, id schema.ID, x index, now schema.ID) []kind.Action {
	drop := kind.Action{SQL: "DROP INDEX " + qualified(now), Relation: parentOf(c.Old, id), Lock: kind.AccessExclusive}
	if !x.Only {
		drop.Online = &kind.Online{Finally: []kind.Action{{SQL: "DROP INDEX CONCURRENTLY " + qualified(now), Relation: drop.Relation,
			Lock: kind.ShareUpdateExclusive, NoTx: true, Recover: &kind.Recover{Done: regclass(now) + " IS NULL"}}}}
	}
	return []kind.Action{drop}
}

// concurrently builds an index while others write. Interrupted, it leaves an
// invalid one; manual, CREATE INDEX, Building Indexes Concurrently.
func concurrently(relation, id schema.ID, x index) kind.Action {
	valid := "(SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = " + regclass(id) + ")"
	return kind.Action{SQL: indexText(id, x, "CONCURRENTLY"), Relation: relation, Lock: kind.ShareUpdateExclusive, Scan: true, NoTx: true,
		Recover: &kind.Recover{Done: valid, Half: "NOT " + valid, Mend: "DROP INDEX CONCURRENTLY " + qualified(id)}}
}

// regclass is an expression for the OID of the relation, null when there is none.
func regclass(id schema.ID) string {
	return "pg_catalog.to_regclass(" + pg.QuoteLiteral(qualified(id)) + ")"
}

// alterIndexStatistics sets the statistics targets of expression columns, which
// have numbers and no names.
func alterIndexStatistics(id schema.ID, old, new []string) []kind.Action {
	targets := map[string]string{}
	var order []string
	for _, s := range old {
		column, _, _ := strings.Cut(s, "=")
		targets[column] = "-1"
		order = append(order, column)
	}
	for _, s := range new {
		column, target, _ := strings.Cut(s, "=")
		if _, known := targets[column]; !known {
			order = append(order, column)
		}
		targets[column] = target
	}
	actions := []kind.Action{}
	for _, column := range order {
		actions = append(actions, kind.Action{SQL: "ALTER INDEX " + qualified(id) + " ALTER COLUMN " + column + " SET STATISTICS " + targets[column]})
	}
	return actions
}

// alterCluster changes which index CLUSTER uses. Marking one unmarks the other.
func alterCluster(c *kind.Ctx, id, relation schema.ID, table string, on bool) []kind.Action {
	for _, o := range c.Parts(c.New, relation, "index") {
		if !on && kind.Decode[index](o).Clustered {
			return kind.Nothing
		}
	}
	for _, o := range c.Parts(c.New, relation, "constraint") {
		if !on && kind.Decode[constraint](o).Clustered {
			return kind.Nothing
		}
	}
	return clusterOn(id, relation, table, on)
}

func clusterOn(id, relation schema.ID, table string, on bool) []kind.Action {
	change := "SET WITHOUT CLUSTER"
	if on {
		change = "CLUSTER ON " + pg.QuoteIdent(id.Name)
	}
	return []kind.Action{{SQL: "ALTER TABLE " + table + " " + change, Relation: relation, Lock: kind.ShareUpdateExclusive}}
}

// parentOf returns the table or materialized view that a part belongs to.
func parentOf(s *schema.State, id schema.ID) schema.ID {
	if o := s.Objects[id]; o != nil {
		return o.Parent
	}
	return schema.ID{}
}
