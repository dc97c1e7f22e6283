package object

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// constraint is a constraint of a table, manual chapter 5.5. NOT NULL is an
// attribute of the column.
type constraint struct {
	Type       string // p, u, c, f or x as pg_constraint.contype
	Definition string `print:"true"` // as pg_get_constraintdef prints it, without what the fields below say
	Validated  bool
	Enforced   bool // 18 and later
	Deferrable bool
	Deferred   bool
	Local      bool     `info:"true"` // declared on the table itself, not only inherited
	Options    []string // storage parameters of its index
	Tablespace string   // of its index
	Clustered  bool     // CLUSTER uses its index
	Only       bool     // of a partitioned table
}

// Constraint defines the constraints of tables.
func (kinds) Constraint(set *kind.Set) {
	kind.Define(set, ofRelation(kind.Spec[constraint]{
		Name: "constraint", SQL: "CONSTRAINT", Rank: 120, Hazards: constraintHazards,
		Rename: func(_ *kind.Kind, at schema.ID, name string) string {
			return "ALTER TABLE " + qualified(at) + " RENAME CONSTRAINT " + pg.QuoteIdent(at.Part) + " TO " + pg.QuoteIdent(name)
		},
		Doc: "Primary keys, UNIQUE (also NULLS NOT DISTINCT), CHECK, FOREIGN KEY and EXCLUDE constraints, deferrable, " +
			"NOT VALID, NO INHERIT, NOT ENFORCED, with the parameters of their indexes.",
		Query:  constraintQuery,
		Ref:    onTable,
		Create: createConstraint,
		Drop:   dropConstraint,
		Alter: kind.Alter[constraint]{
			"type": nil, "definition": nil, "only": nil,
			"validated": func(c *kind.Ctx, id schema.ID, old, con constraint) []kind.Action {
				switch {
				case con.Type == "c" && slices.ContainsFunc(follows(c, id), func(part schema.ID) bool { return !con.Validated || validated(c.New, part) }):
					return kind.Nothing
				case old.Enforced != con.Enforced:
					return alterForeignKey(c, id, old, con)
				case !con.Validated:
					return nil
				}
				return validate(id, con)
			},
			"enforced":   alterForeignKey,
			"deferrable": alterForeignKey,
			"deferred":   alterForeignKey,
			"options": func(_ *kind.Ctx, id schema.ID, old, con constraint) []kind.Action {
				return alterOptions("ALTER INDEX "+pg.QuoteName(id.Schema, id.Part), old.Options, con.Options)
			},
			"tablespace": func(_ *kind.Ctx, id schema.ID, _, con constraint) []kind.Action {
				space := con.Tablespace
				if space == "" {
					space = "pg_default"
				}
				return []kind.Action{{SQL: "ALTER INDEX " + pg.QuoteName(id.Schema, id.Part) + " SET TABLESPACE " + space,
					Relation: tableOf(id), Lock: kind.AccessExclusive, Rewrite: true}}
			},
			"clustered": func(c *kind.Ctx, id schema.ID, _, con constraint) []kind.Action {
				return alterCluster(c, indexName(id), tableOf(id), qualified(id), con.Clustered)
			},
		},
		Names: func(id schema.ID, con constraint) []string {
			if con.Type == "c" || con.Type == "f" {
				return nil
			}
			return append(relationNames(indexName(id))[:1], primaryKeyOf(id, con)...)
		},
		Follows: func(c *kind.Ctx, id schema.ID, con constraint) []schema.ID {
			if con.Type != "c" {
				return nil
			}
			return follows(c, id)
		},
		// The key of a partitioned table that it refers to is one when its partitions' are attached.
		After: func(c *kind.Ctx, s *schema.State, id schema.ID, con constraint) []schema.ID {
			if con.Type != "f" || s != c.New {
				return nil
			}
			var ids []schema.ID
			for _, need := range s.Objects[id].Needs {
				ids = append(ids, attachments(c, s, need)...)
			}
			return ids
		},
		Extra:   func(s *schema.State, id schema.ID, con constraint) []schema.ID { return referenced(s, id, con) },
		Carried: true,
		Detach:  true,
	}))
}

// constraintQuery leaves out what the clones of foreign keys on partitions and
// the not-null constraints of 18 are: the former follow their parents, the
// latter are attributes of columns. The printed definition ends with what has
// fields of its own, in this order; it is cut off by its known length. A table
// that was empty when it inherited a check has it valid although its parent does
// not, which pg_dump prints for partitions alone: else the parent's word counts.
func constraintQuery(server int) string {
	enforced := "true"
	if server >= 18 {
		enforced = "k.conenforced"
	}
	return `SELECT 'pg_constraint'::regclass::oid AS classid, k.oid AS objid, 0 AS objsubid,
	n.nspname AS schema, c.relname AS name, k.conname AS part, 'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	k.contype AS type, CASE WHEN NOT k.condeferrable AND ` + enforced + ` AND k.convalidated THEN pg_get_constraintdef(k.oid)
		ELSE left(pg_get_constraintdef(k.oid), -length(
			CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END || CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END ||
			CASE WHEN NOT ` + enforced + ` THEN ' NOT ENFORCED' WHEN NOT k.convalidated THEN ' NOT VALID' ELSE '' END)) END AS definition,
	k.convalidated AND (k.contype <> 'c' OR k.coninhcount = 0 OR c.relispartition OR NOT EXISTS (SELECT FROM pg_constraint p
		WHERE p.contype = 'c' AND p.conname = k.conname AND NOT p.convalidated AND p.conrelid IN (
			WITH RECURSIVE above(oid) AS (SELECT inhparent FROM pg_inherits WHERE inhrelid = k.conrelid
				UNION SELECT inhparent FROM pg_inherits JOIN above ON inhrelid = above.oid) SELECT oid FROM above))) AS validated,
	` + enforced + ` AS enforced, k.condeferrable AS deferrable, k.condeferred AS deferred,
	k.conislocal AS local, ` + sortedOptions("i.reloptions") + ` AS options, quote_ident(sp.spcname) AS tablespace,
	coalesce(x.indisclustered, false) AS clustered, c.relkind = 'p' AND k.contype IN ('p', 'u', 'x') AS only
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_class i ON i.oid = k.conindid AND k.contype IN ('p', 'u', 'x') LEFT JOIN pg_index x ON x.indexrelid = i.oid
	LEFT JOIN pg_tablespace sp ON sp.oid = i.reltablespace
WHERE k.contype IN ('p', 'u', 'c', 'f', 'x') AND NOT (k.contype = 'f' AND k.conparentid <> 0) AND c.relkind IN ('r', 'p', 'f')
	AND c.relpersistence <> 't' AND ` + userSchemas
}

func createConstraint(c *kind.Ctx, id schema.ID, con constraint) []kind.Action {
	if con.Type == "c" && arrives(c, id, con.Local) {
		if parents := follows(c, id); con.Validated && len(parents) > 0 && !validated(c.New, parents[0]) {
			return validate(id, con)
		}
		return nil
	}
	text := "CONSTRAINT " + pg.QuoteIdent(id.Part) + " " + constraintText(con)
	add := kind.Action{
		SQL:      "ALTER TABLE " + onOff(con.Only, "ONLY ", "") + qualified(id) + " ADD " + text,
		Relation: tableOf(id), Lock: kind.AccessExclusive, Scan: con.Validated && con.Enforced,
	}
	add.Violating, add.Violation = violations(id, con)
	if c.InUse(add.Relation) {
		add.Online = onlineConstraint(c, id, con)
	}
	if con.Type == "f" {
		add.Lock = kind.ShareRowExclusive
		add.Also = referencedLock(c, id, con)
	} else if con.Validated && con.Enforced && !con.Only && !repeats(c, id, con) && !(con.Type == "p" && hasParents(c, id)) {
		add.Into, add.Fragments = new(add.Relation), []kind.Fragment{{ID: id, Text: text}}
	}
	actions := []kind.Action{add}
	if add.Online == nil { // else the index has them when it is built
		actions = append(actions, alterOptions("ALTER INDEX "+qualified(indexName(id)), nil, con.Options)...)
		if con.Tablespace != "" {
			actions = append(actions, kind.Action{SQL: "ALTER INDEX " + qualified(indexName(id)) + " SET TABLESPACE " + con.Tablespace})
		}
	}
	if con.Clustered {
		actions = append(actions, clusterOn(indexName(id), tableOf(id), qualified(id), true)...)
	}
	return actions
}

func dropConstraint(c *kind.Ctx, id schema.ID, con constraint) []kind.Action {
	if attached(c, indexName(id)) {
		return nil // goes with the parent's
	}
	actions := dropInherited(c, id, "DROP CONSTRAINT "+pg.QuoteIdent(id.Part),
		func(o *schema.Object) bool { return kind.Decode[constraint](o).Local })
	for _, other := range referenced(c.Old, id, con) {
		actions[0].Also = append(actions[0].Also, kind.Held{Relation: other, Lock: kind.AccessExclusive})
	}
	if words := "ALTER TABLE " + qualified(id) + " "; strings.HasPrefix(actions[0].SQL, words) {
		actions[0].Alters = words
	}
	return actions
}

// repeats reports whether another constraint has an index on the same columns,
// where CREATE TABLE would make one of the two only.
func repeats(c *kind.Ctx, id schema.ID, con constraint) bool {
	return con.Type != "c" && slices.ContainsFunc(c.Parts(c.New, tableOf(id), "constraint"), func(o *schema.Object) bool {
		other := kind.Decode[constraint](o)
		return strings.Contains("pux", other.Type) && onColumns(other) == onColumns(con) &&
			(other.Type == "p" && con.Type != "p" || con.Type != "p" && o.ID.Part < id.Part)
	})
}

// onColumns is the definition of a constraint without what kind of it it is.
func onColumns(con constraint) string {
	return con.Definition[strings.Index(con.Definition, "(")+1:]
}

// referenced is the other table of a foreign key. What is changed on the whole
// of it comes before the key, such as whether it is logged.
func referenced(s *schema.State, id schema.ID, con constraint) []schema.ID {
	o := s.Objects[id]
	if con.Type != "f" || o == nil {
		return nil
	}
	for _, need := range o.Needs {
		table := tableOf(need)
		if (need.Kind == "column" || need.Kind == "constraint") && table != o.Parent && s.Objects[table] != nil {
			return []schema.ID{table}
		}
	}
	return nil
}

// hasParents reports whether a table inherits. A primary key in the statement
// that creates it would give names of its own to what NOT NULL the table
// inherits (18 and later).
func hasParents(c *kind.Ctx, id schema.ID) bool {
	table := c.New.Objects[tableOf(id)]
	return table != nil && table.Attr("inherits") != ""
}

func validate(id schema.ID, con constraint) []kind.Action {
	from, what := violations(id, con)
	return []kind.Action{{SQL: "ALTER TABLE " + qualified(id) + " VALIDATE CONSTRAINT " + pg.QuoteIdent(id.Part),
		Violating: from, Violation: what, Relation: tableOf(id), Lock: kind.ShareUpdateExclusive, Scan: true}}
}

func validated(s *schema.State, id schema.ID) bool {
	o := s.Objects[id]
	return o != nil && kind.Decode[constraint](o).Validated
}

// constraintText prints the definition and when it is checked.
func constraintText(con constraint) string {
	text := con.Definition + deferrableText(con)
	if !con.Enforced {
		text += " NOT ENFORCED"
	} else if !con.Validated {
		text += " NOT VALID"
	}
	return text
}

func deferrableText(con constraint) string {
	return onOff(con.Deferrable, " DEFERRABLE", "") + onOff(con.Deferred, " INITIALLY DEFERRED", "")
}

// alterForeignKey changes when a foreign key is checked, and from 18 on whether
// it is; other constraints cannot change that (manual, ALTER TABLE).
func alterForeignKey(_ *kind.Ctx, id schema.ID, old, con constraint) []kind.Action {
	if con.Type != "f" || old.Validated && !con.Validated && con.Enforced || con.Enforced && !old.Enforced && !con.Validated {
		return nil
	}
	words := kind.Words("ALTER CONSTRAINT", pg.QuoteIdent(id.Part), onOff(con.Deferrable, "DEFERRABLE", "NOT DEFERRABLE"),
		onOff(con.Deferred, "INITIALLY DEFERRED", ""))
	if old.Enforced != con.Enforced {
		words = kind.Words(words, onOff(con.Enforced, "ENFORCED", "NOT ENFORCED"))
	}
	return alterTable(id, words)
}

// indexName is the identity of the index of a constraint, which has its name.
func indexName(id schema.ID) schema.ID {
	return schema.ID{Kind: "index", Schema: id.Schema, Name: id.Part}
}
