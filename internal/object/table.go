package object

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// table is a plain, unlogged or partitioned table without its parts, manual
// chapter 5.
type table struct {
	Persistence      string   // p permanent, u unlogged
	Partitionkey     string   `print:"true"` // "RANGE (created_at)", "" when not partitioned
	Inherits         []string `info:"true"`  // printed names of the parents, in order; not of a partition's
	Method           string   // table access method, "" for the server's default
	Tablespace       string
	Options          []string // storage parameters, those of the TOAST table with their prefix
	Rowsecurity      bool
	Forcerowsecurity bool
}

// Table defines tables. A partition is a table of its own; what ties it to its
// parent is another object.
func (kinds) Table(set *kind.Set) {
	kind.Define(set, kind.Spec[table]{
		Name: "table", SQL: "TABLE", Grant: "TABLE", Rank: 50, Rename: kind.RenameTo, Hazards: tableHazards,
		Doc: "Plain, unlogged and partitioned tables with storage parameters, tablespace, " +
			"access method and row security flags.",
		Query:  tableQuery,
		Ref:    qualified,
		Create: createTable,
		Drop:   dropTable,
		Alter: kind.Alter[table]{
			"persistence": func(_ *kind.Ctx, id schema.ID, _, t table) []kind.Action {
				word := "LOGGED"
				if t.Persistence == "u" {
					word = "UNLOGGED"
				}
				return []kind.Action{{SQL: "ALTER TABLE " + qualified(id) + " SET " + word, Relation: id,
					Lock: kind.AccessExclusive, Rewrite: true}}
			},
			"partitionkey": nil,
			"method": func(c *kind.Ctx, id schema.ID, _, t table) []kind.Action {
				if c.Server < 15 {
					return nil
				}
				method := t.Method
				if method == "" {
					method = "heap"
				}
				return []kind.Action{{SQL: "ALTER TABLE " + qualified(id) + " SET ACCESS METHOD " + method, Relation: id,
					Lock: kind.AccessExclusive, Rewrite: true}}
			},
			"tablespace": func(_ *kind.Ctx, id schema.ID, _, t table) []kind.Action {
				space := t.Tablespace
				if space == "" {
					space = "pg_default"
				}
				return []kind.Action{{SQL: "ALTER TABLE " + qualified(id) + " SET TABLESPACE " + space, Relation: id,
					Lock: kind.AccessExclusive, Rewrite: true}}
			},
			"options": func(_ *kind.Ctx, id schema.ID, old, t table) []kind.Action {
				actions := alterOptions("ALTER TABLE "+qualified(id), old.Options, t.Options)
				for i := range actions {
					actions[i].Relation, actions[i].Lock = id, kind.ShareUpdateExclusive
				}
				return actions
			},
			"rowsecurity": func(_ *kind.Ctx, id schema.ID, _, t table) []kind.Action {
				return rowSecurity(id, t.Rowsecurity, onOff(t.Rowsecurity, "ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"))
			},
			"forcerowsecurity": func(_ *kind.Ctx, id schema.ID, _, t table) []kind.Action {
				return rowSecurity(id, t.Forcerowsecurity, onOff(t.Forcerowsecurity, "FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"))
			},
		},
		Names: func(id schema.ID, _ table) []string { return relationNames(id) },
		Tied:  tiedTable,
		After: loggedBefore,
		Ends:  func(old, t table) bool { return old.Persistence == "p" && t.Persistence == "u" },
	})
}

// loggedBefore returns the tables that have to be logged before this one is,
// and unlogged after it: those that its foreign keys reference.
func loggedBefore(c *kind.Ctx, s *schema.State, id schema.ID, _ table) []schema.ID {
	var ids []schema.ID
	for _, o := range c.Parts(s, id, "constraint") {
		for _, other := range referenced(s, o.ID, kind.Decode[constraint](o)) {
			if changesPersistence(c, id) && changesPersistence(c, other) {
				ids = append(ids, other)
			}
		}
	}
	return ids
}

func changesPersistence(c *kind.Ctx, id schema.ID) bool {
	old, new := c.Old.Objects[id], c.New.Objects[id]
	return old != nil && new != nil && !c.Created(id) && kind.Decode[table](old).Persistence != kind.Decode[table](new).Persistence
}

// tiedTable reports whether a need of a table is one of its parents, which
// inheritance and partitions tie it to.
func tiedTable(_, need schema.ID) bool { return need.Kind == "table" || need.Kind == "foreign_table" }

func tableQuery(server int) string {
	method := "CASE WHEN c.relkind = 'r' THEN NULLIF(am.amname, 'heap') END"
	if server >= 17 {
		method = "NULLIF(am.amname, 'heap')"
	}
	return `SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, 0 AS objsubid, n.nspname AS schema, c.relname AS name,
	pg_get_userbyid(c.relowner) AS owner, array_to_json(c.relacl::text[]) AS acl,
	array_to_json(acldefault('r', c.relowner)::text[]) AS acldefault,
	c.reltuples AS tuples, ` + relationSize + ` AS bytes,
	c.relpersistence AS persistence, pg_get_partkeydef(c.oid) AS partitionkey,
	CASE WHEN NOT c.relispartition THEN (SELECT jsonb_agg(i.inhparent::regclass::text ORDER BY i.inhseqno)
		FROM pg_inherits i WHERE i.inhrelid = c.oid) END AS inherits,
	quote_ident(` + method + `) AS method, quote_ident(sp.spcname) AS tablespace,
	(SELECT jsonb_agg(o ORDER BY o) FROM (SELECT unnest(c.reloptions) UNION ALL
		SELECT 'toast.' || unnest(t.reloptions)) AS x(o)) AS options,
	c.relrowsecurity AS rowsecurity, c.relforcerowsecurity AS forcerowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_am am ON am.oid = c.relam LEFT JOIN pg_tablespace sp ON sp.oid = c.reltablespace
	LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ` + userSchemas
}

// relationSize is the size of the relation c in bytes, as of the last VACUUM or
// ANALYZE. The true size needs a lock, and is asked for only where there was
// none of either.
const relationSize = `CASE WHEN c.relkind = 'p' THEN 0 WHEN c.relpages = 0 AND c.reltuples < 0 THEN pg_relation_size(c.oid)
		ELSE c.relpages::bigint * current_setting('block_size')::bigint END`

// rowSecurity switches row security on when the policies are there, and off
// before they go: without them it hides every row.
func rowSecurity(id schema.ID, on bool, words string) []kind.Action {
	actions := alterTable(id, words)
	alone := actions[0]
	if on {
		actions[0].Online = &kind.Online{Last: []kind.Action{alone}}
	} else {
		actions[0].Online = &kind.Online{First: []kind.Action{alone}}
	}
	return actions
}

// dropTable drops a table. A partition leaves its table before, so that the drop
// does not keep those waiting who use that.
func dropTable(c *kind.Ctx, id schema.ID, _ table) []kind.Action {
	drop := kind.Action{SQL: "DROP TABLE " + qualified(id), Relation: id, Lock: kind.AccessExclusive,
		Loses: "drop-table", Why: "every row of the table"}
	tie := id
	tie.Kind = "partition"
	if o := c.Old.Objects[tie]; o != nil {
		if first, ok := detachConcurrently(c, tie, kind.Decode[partition](o)); ok {
			drop.Online = &kind.Online{Before: []kind.Action{first}, Now: []kind.Action{drop}}
		}
		for _, parent := range parentTables(c.Old, tie) {
			drop.Also = append(drop.Also, kind.Held{Relation: parent, Lock: kind.AccessExclusive})
		}
	}
	return []kind.Action{drop}
}

func createTable(_ *kind.Ctx, id schema.ID, t table) []kind.Action {
	word := "TABLE"
	if t.Persistence == "u" {
		word = "UNLOGGED TABLE"
	}
	create := kind.Action{Open: "CREATE " + word + " " + qualified(id) + " (\n    ", Separator: ",\n    ", Close: "\n)", Relation: id}
	var rest string
	if len(t.Inherits) > 0 {
		rest += " INHERITS (" + list(t.Inherits) + ")"
	}
	if t.Partitionkey != "" {
		rest += " PARTITION BY " + t.Partitionkey
	}
	if t.Method != "" {
		rest += " USING " + t.Method
	}
	if len(t.Options) > 0 {
		rest += " WITH (" + optionList(t.Options) + ")"
	}
	if t.Tablespace != "" {
		rest += " TABLESPACE " + t.Tablespace
	}
	create.Close += rest
	actions := []kind.Action{create}
	if t.Rowsecurity {
		actions = append(actions, alterTable(id, "ENABLE ROW LEVEL SECURITY")...)
	}
	if t.Forcerowsecurity {
		actions = append(actions, alterTable(id, "FORCE ROW LEVEL SECURITY")...)
	}
	return actions
}

// alterTable returns one ALTER TABLE that takes the strongest lock.
func alterTable(id schema.ID, change string) []kind.Action {
	return []kind.Action{{SQL: "ALTER TABLE " + qualified(id) + " " + change, Relation: tableOf(id), Lock: kind.AccessExclusive}}
}

// qualified addresses an object by schema and name.
func qualified(id schema.ID) string { return pg.QuoteName(id.Schema, id.Name) }

// relationNames are the names that a relation takes: its own, and that of its
// row type.
func relationNames(id schema.ID) []string {
	name := id.Schema + "." + id.Name
	return []string{"relation " + name, "type " + name}
}

func onOff(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

// optionList prints storage parameters, which the catalog keeps as name=value.
func optionList(options []string) string {
	printed := make([]string, len(options))
	for i, o := range options {
		name, value, _ := strings.Cut(o, "=")
		printed[i] = optionName(name) + "=" + pg.QuoteLiteral(value)
	}
	return list(printed)
}

// alterOptions sets and resets storage parameters with a statement that starts
// with the given words.
func alterOptions(words string, old, new []string) []kind.Action {
	actions := slices.Clone(kind.Nothing)
	var reset, set []string
	for _, o := range old {
		name, _, _ := strings.Cut(o, "=")
		if !slices.ContainsFunc(new, func(n string) bool { return strings.HasPrefix(n, name+"=") }) {
			reset = append(reset, optionName(name))
		}
	}
	for _, n := range new {
		if !slices.Contains(old, n) {
			set = append(set, n)
		}
	}
	if len(reset) > 0 {
		actions = append(actions, kind.Action{SQL: words + " RESET (" + list(reset) + ")"})
	}
	if len(set) > 0 {
		actions = append(actions, kind.Action{SQL: words + " SET (" + optionList(set) + ")"})
	}
	return actions
}

// sortedOptions reads options, whose order means nothing.
func sortedOptions(column string) string {
	return "CASE WHEN " + column + " IS NOT NULL THEN (SELECT jsonb_agg(o ORDER BY o COLLATE \"C\") FROM unnest(" + column + ") AS u(o)) END"
}

// optionName quotes a parameter; "toast." before it is syntax.
func optionName(name string) string {
	if rest, ok := strings.CutPrefix(name, "toast."); ok {
		return "toast." + pg.QuoteIdent(rest)
	}
	return pg.QuoteIdent(name)
}
