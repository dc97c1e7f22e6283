package object

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// column is a column of a table without its default, manual chapter 5. NOT NULL
// stands before the identity, which demands it.
type column struct {
	Local          bool   `info:"true"` // declared on the table itself, not only inherited
	Type           string // with modifier
	Collation      string // printed name, "" for the type's own
	Generated      string `print:"true"` // printed expression, "" when not generated
	Virtual        bool   // computed on read (18 and later)
	Notnull        bool
	Notnullname    string // name of the constraint when it is not the one PostgreSQL gives (18 and later)
	Notnullis      string `info:"true"` // its name in any case
	Notnulloptions string // NO INHERIT, NOT VALID (18 and later)
	Identity       string // ALWAYS, BY DEFAULT or ""
	Sequencename   string // printed name of the identity's sequence
	Sequencestart  string
	Sequencestep   string
	Sequencemin    string
	Sequencemax    string
	Sequencecache  string
	Sequencecycle  bool
	Storage        string
	Typestorage    string `info:"true"` // storage that a new column of the type has
	Compression    string // "" for the server's default
	Statistics     int64  // -1 for the server's default
	Options        []string
	Foreignoptions []string // of a foreign table's column, name=value
}

// Column defines the columns of tables.
func (kinds) Column(set *kind.Set) {
	kind.Define(set, ofRelation(kind.Spec[column]{
		Name: "column", SQL: "COLUMN", Grant: "TABLE", Rank: 51, Hazards: columnHazards,
		Rename: func(_ *kind.Kind, at schema.ID, name string) string {
			return "ALTER TABLE " + qualified(at) + " RENAME COLUMN " + pg.QuoteIdent(at.Part) + " TO " + pg.QuoteIdent(name)
		},
		Doc: "Columns with type, collation, NOT NULL, identity, generated expressions (stored, and virtual on 18), " +
			"storage, compression, statistics target, options and options for a foreign server. Their order is not compared.",
		Query:  columnQuery,
		Ref:    columnRef,
		Create: createColumn,
		Drop: func(c *kind.Ctx, id schema.ID, col column) []kind.Action {
			if slices.ContainsFunc(attributesOf(c.Old, id), func(a schema.ID) bool { return followsType(c, id, a) && c.Dropped(a) }) {
				return nil // goes with the attribute of the type
			}
			actions := dropInherited(c, id, "DROP COLUMN "+pg.QuoteIdent(id.Part), func(o *schema.Object) bool { return kind.Decode[column](o).Local })
			for i := range actions {
				if col.Generated == "" {
					actions[i].Loses, actions[i].Why = "drop-column", "every value of the column"
				}
			}
			return actions
		},
		Alter: kind.Alter[column]{
			"type":           alterType,
			"collation":      alterType,
			"generated":      alterGenerated,
			"virtual":        nil,
			"notnull":        alterNotNull,
			"notnullname":    alterNotNullName,
			"notnulloptions": alterNotNullOptions,
			"identity":       alterIdentity,
			"sequencename":   renameIdentity,
			"sequencestart":  alterIdentity,
			"sequencestep":   alterIdentity,
			"sequencemin":    alterIdentity,
			"sequencemax":    alterIdentity,
			"sequencecache":  alterIdentity,
			"sequencecycle":  alterIdentity,
			"storage": func(_ *kind.Ctx, id schema.ID, old, col column) []kind.Action {
				if old.Type != col.Type && col.Storage == col.Typestorage {
					return kind.Nothing // comes with the type
				}
				return alterColumnOnly(id, "SET STORAGE "+col.Storage)
			},
			"compression": func(_ *kind.Ctx, id schema.ID, _, col column) []kind.Action {
				compression := col.Compression
				if compression == "" {
					compression = "DEFAULT"
				}
				return alterColumn(id, "SET COMPRESSION "+compression)
			},
			"statistics": func(_ *kind.Ctx, id schema.ID, _, col column) []kind.Action {
				return setStatistics(id, col)
			},
			"options": func(_ *kind.Ctx, id schema.ID, old, col column) []kind.Action {
				actions := alterOptions("ALTER TABLE "+qualified(id)+" ALTER COLUMN "+pg.QuoteIdent(id.Part), old.Options, col.Options)
				for i := range actions {
					actions[i].Relation, actions[i].Lock = tableOf(id), kind.ShareUpdateExclusive
				}
				return actions
			},
			"foreignoptions": func(_ *kind.Ctx, id schema.ID, old, col column) []kind.Action {
				return alterColumn(id, changeGenericOptions(old.Foreignoptions, col.Foreignoptions))
			},
		},
		After:    func(_ *kind.Ctx, s *schema.State, id schema.ID, _ column) []schema.ID { return above(s, id) },
		Follows:  func(c *kind.Ctx, id schema.ID, _ column) []schema.ID { return follows(c, id) },
		Rebuild:  map[string]bool{"type": true, "collation": true, "generated": true},
		Retarget: retargetColumn,
		Inline:   true,
		Carry:    func(col column) bool { return col.Generated == "" },
	}))
}

func columnQuery(server int) string {
	const granted = "a.attacl IS NOT NULL OR c.oid IN (SELECT objoid FROM pg_init_privs)" // what few columns are
	notNull, join := `a.attnotnull AS notnull, '' AS notnullis, '' AS notnullname, '' AS notnulloptions,`, ""
	if server >= 18 {
		notNull = `a.attnotnull AS notnull, quote_ident(nn.conname) AS notnullis,
	CASE WHEN nn.conname <> left(c.relname || '_' || a.attname, 54) || '_not_null' THEN quote_ident(nn.conname) END AS notnullname,
	concat_ws(' ', CASE WHEN nn.connoinherit THEN 'NO INHERIT' END, CASE WHEN NOT nn.convalidated THEN 'NOT VALID' END) AS notnulloptions,`
		join = `
	LEFT JOIN pg_constraint nn ON nn.conrelid = c.oid AND nn.contype = 'n' AND nn.conkey[1] = a.attnum`
	}
	return `SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, a.attnum AS objsubid,
	n.nspname AS schema, c.relname AS name, a.attname AS part, a.attnum AS ord,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	CASE WHEN ` + granted + ` THEN pg_get_userbyid(c.relowner) END AS aclowner, array_to_json(a.attacl::text[]) AS acl,
	CASE WHEN ` + granted + ` THEN array_to_json(acldefault('c', c.relowner)::text[]) END AS acldefault,
	a.attislocal AS local, format_type(a.atttypid, a.atttypmod) AS type,
	CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
	CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END AS generated, a.attgenerated = 'v' AS virtual,
	CASE WHEN s.seqrelid IS NULL THEN '' WHEN a.attidentity = 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END AS identity,
	s.seqrelid::regclass::text AS sequencename, s.seqstart AS sequencestart, s.seqincrement AS sequencestep, s.seqmin AS sequencemin,
	s.seqmax AS sequencemax, s.seqcache AS sequencecache, s.seqcycle AS sequencecycle,
	` + notNull + `
	` + storageWord("a.attstorage") + ` AS storage, ` + storageWord("t.typstorage") + ` AS typestorage,
	` + compressionWord + ` AS compression,
	coalesce(a.attstattarget, -1) AS statistics, ` + sortedOptions("a.attoptions") + ` AS options,
	` + sortedOptions("a.attfdwoptions") + ` AS foreignoptions
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_type t ON t.oid = a.atttypid
	LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
	LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	LEFT JOIN LATERAL (SELECT s.* FROM pg_depend i JOIN pg_sequence s ON s.seqrelid = i.objid
		WHERE a.attidentity <> '' AND i.refclassid = 'pg_class'::regclass AND i.refobjid = c.oid AND i.refobjsubid = a.attnum
			AND i.deptype = 'i' AND i.classid = 'pg_class'::regclass OFFSET 0) s ON true` + join + `
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND ` + userSchemas
}

// storageWord prints a storage strategy as SET STORAGE takes it.
func storageWord(column string) string {
	return "CASE " + column + " WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END"
}

// compressionWord prints the compression method of the column a.
const compressionWord = `CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END`

// columnRef addresses a column as COMMENT ON COLUMN does.
func columnRef(id schema.ID) string { return qualified(id) + "." + pg.QuoteIdent(id.Part) }

func createColumn(c *kind.Ctx, id schema.ID, col column) []kind.Action {
	if arrives(c, id, col.Local) {
		var settings []kind.Action
		if !c.Created(relationOf(c.New, id)) {
			settings = storageSettings(id, col) // the parent's follow its column
		}
		settings = append(settings, ownSettings(id, col)...)
		if len(col.Foreignoptions) > 0 {
			settings = append(settings, alterColumn(id, changeGenericOptions(nil, col.Foreignoptions))...)
		}
		if len(attributesOf(c.New, id)) > 0 && col.Notnull {
			settings = append(settings, alterNotNull(c, id, column{}, col)...)
		}
		return settings
	}
	if leavesChild(c, id) {
		col.Notnullname = col.Notnullis
	}
	text := kind.Words(pg.QuoteIdent(id.Part), col.Type, genericOptions(col.Foreignoptions))
	if col.Collation != "" {
		text += " COLLATE " + col.Collation
	}
	if col.Generated != "" {
		text += " GENERATED ALWAYS AS (" + col.Generated + ") " + onOff(col.Virtual, "VIRTUAL", "STORED")
	}
	if col.Identity != "" {
		text += " GENERATED " + col.Identity + " AS IDENTITY (" + identityOptions(col) + ")"
	}
	actions := []kind.Action{{
		Open:      "ALTER TABLE " + qualified(id) + " ADD COLUMN ",
		Alters:    "ALTER TABLE " + qualified(id) + " ",
		Fragments: []kind.Fragment{{ID: id, Text: text + notNullText(col)}},
		Relation:  tableOf(id), Lock: kind.AccessExclusive, Rewrite: fills(c, id, col),
	}}
	actions = anyRow(c, id, col, actions)
	if laterNotNull(col) {
		actions = append(actions, addNotNull(id, col)...)
	}
	actions = append(actions, storageSettings(id, col)...)
	return append(actions, ownSettings(id, col)...)
}

// storageSettings sets what a column inherits only when its table is created.
func storageSettings(id schema.ID, col column) []kind.Action {
	var actions []kind.Action
	if col.Storage != col.Typestorage {
		actions = append(actions, alterColumnOnly(id, "SET STORAGE "+col.Storage)...)
	}
	if col.Compression != "" {
		actions = append(actions, alterColumn(id, "SET COMPRESSION "+col.Compression)...)
	}
	return actions
}

// leavesChild reports whether the table of a part is created anew while a child
// stays, with names of constraints that it inherited and PostgreSQL gives once.
func leavesChild(c *kind.Ctx, id schema.ID) bool {
	return c.Dropped(relationOf(c.Old, id)) && slices.ContainsFunc(children(c, id), func(o *schema.Object) bool { return !c.Dropped(o.ID) })
}

// ownSettings sets what no column inherits.
func ownSettings(id schema.ID, col column) []kind.Action {
	var actions []kind.Action
	if col.Statistics >= 0 {
		actions = append(actions, setStatistics(id, col)...)
	}
	if len(col.Options) > 0 {
		actions = append(actions, weakly(alterColumn(id, "SET ("+optionList(col.Options)+")"))...)
	}
	return actions
}

func setStatistics(id schema.ID, col column) []kind.Action {
	return weakly(alterColumnOnly(id, "SET STATISTICS "+strconv.FormatInt(col.Statistics, 10)))
}

// weakly marks changes that leave readers and writers alone.
func weakly(actions []kind.Action) []kind.Action {
	for i := range actions {
		actions[i].Lock = kind.ShareUpdateExclusive
	}
	return actions
}

// alterType converts the values with the cast that CAST finds. Two enums have
// none and meet as text.
func alterType(c *kind.Ctx, id schema.ID, old, col column) []kind.Action {
	if len(follows(c, id)) > 0 {
		return append(kind.Nothing, keepStorage(id, old, col)...)
	}
	using := pg.QuoteIdent(id.Part) + "::"
	if needsKind(c.Old, id, "enum") && needsKind(c.New, id, "enum") {
		using += "text::"
	}
	return append(converted(c, id, old, col, setType(c, id, col, using+col.Type)), keepStorage(id, old, col)...)
}

// keepStorage sets again what ALTER COLUMN TYPE resets, for another collation too.
func keepStorage(id schema.ID, old, col column) []kind.Action {
	var actions []kind.Action
	if old.Storage == col.Storage && col.Storage != col.Typestorage {
		actions = alterColumnOnly(id, "SET STORAGE "+col.Storage)
	}
	if old.Compression == col.Compression && col.Compression != "" {
		actions = append(actions, alterColumn(id, "SET COMPRESSION "+col.Compression)...)
	}
	return actions
}

// setType leaves out how values are converted where a foreign table is among
// those that change, because PostgreSQL refuses it for its values elsewhere.
func setType(c *kind.Ctx, id schema.ID, col column, using string) []kind.Action {
	sql := fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", qualified(id), pg.QuoteIdent(id.Part), col.Type)
	if col.Collation != "" {
		sql += " COLLATE " + col.Collation
	}
	if !holdsForeign(c, id) {
		sql += " USING " + using
	}
	return []kind.Action{{SQL: sql, Alters: "ALTER TABLE " + qualified(id) + " ", Relation: tableOf(id), Lock: kind.AccessExclusive, Rewrite: true}}
}

// retargetColumn moves a column to the new form of its type or its collation. A
// collation that is not the column's own is that of its domain.
func retargetColumn(c *kind.Ctx, id schema.ID, old, col column, replaced schema.ID) []kind.Action {
	if len(follows(c, id)) > 0 {
		return kind.Nothing
	}
	if old.Generated != "" {
		return nil
	}
	name := pg.QuoteIdent(id.Part)
	var actions []kind.Action
	switch {
	case replaced.Kind == "collation" && col.Collation == qualified(replaced):
		actions = alterColumn(id, "TYPE "+col.Type+" COLLATE "+col.Collation)
	case replaced.Kind == "collation" || replaced.Kind == "domain":
		actions = setType(c, id, col, name+"::"+col.Type)
	case replaced.Kind == "enum" && strings.HasSuffix(col.Type, "[]"):
		actions = setType(c, id, col, name+"::text[]::"+col.Type)
	case replaced.Kind == "enum":
		actions = setType(c, id, col, name+"::text::"+col.Type)
	default:
		return nil
	}
	return append(actions, keepStorage(id, old, col)...)
}

func needsKind(s *schema.State, id schema.ID, kind string) bool {
	o := s.Objects[id]
	if o == nil {
		return false
	}
	for _, n := range o.Needs {
		if n.Kind == kind {
			return true
		}
	}
	return false
}

// alterGenerated turns a stored generated column into a plain one with its
// values (DROP EXPRESSION) and, from 17 on, changes its expression in place.
func alterGenerated(c *kind.Ctx, id schema.ID, old, col column) []kind.Action {
	switch {
	case len(follows(c, id)) > 0:
		return kind.Nothing
	case col.Generated == "" && !old.Virtual:
		return alterColumn(id, "DROP EXPRESSION")
	case old.Generated != "" && col.Generated != "" && c.Server >= 17:
		actions := alterColumn(id, "SET EXPRESSION AS ("+col.Generated+")")
		actions[0].Rewrite = !col.Virtual
		return actions
	}
	return nil
}

// alterIdentity changes what generates the values, everything in one statement:
// new bounds are checked against the start and the place of the sequence, so
// they cannot change one by one.
func alterIdentity(c *kind.Ctx, id schema.ID, old, col column) []kind.Action {
	switch {
	case len(follows(c, id)) > 0:
		return kind.Nothing
	case col.Identity == "":
		return alterColumn(id, "DROP IDENTITY")
	case old.Identity == "":
		return alterColumn(id, "ADD GENERATED "+col.Identity+" AS IDENTITY ("+identityOptions(col)+")")
	}
	changes := ""
	for _, option := range []struct{ words, old, new string }{
		{"GENERATED", old.Identity, col.Identity},
		{"INCREMENT BY", old.Sequencestep, col.Sequencestep},
		{"MINVALUE", old.Sequencemin, col.Sequencemin},
		{"MAXVALUE", old.Sequencemax, col.Sequencemax},
		{"START WITH", old.Sequencestart, col.Sequencestart},
		{"CACHE", old.Sequencecache, col.Sequencecache},
	} {
		if option.old != option.new {
			changes = kind.Words(changes, "SET", option.words, option.new)
		}
	}
	if old.Sequencecycle != col.Sequencecycle {
		changes = kind.Words(changes, "SET", onOff(col.Sequencecycle, "CYCLE", "NO CYCLE"))
	}
	if changes == "" {
		return kind.Nothing
	}
	if old.Sequencemin != col.Sequencemin || old.Sequencemax != col.Sequencemax {
		changes += restart(old, col)
	}
	return alterColumn(id, changes)
}

// restart moves the sequence into bounds that its old start lies outside of.
func restart(old, col column) string {
	start, _ := strconv.ParseInt(old.Sequencestart, 10, 64)
	low, _ := strconv.ParseInt(col.Sequencemin, 10, 64)
	high, _ := strconv.ParseInt(col.Sequencemax, 10, 64)
	if start >= low && start <= high {
		return ""
	}
	return " RESTART"
}

func renameIdentity(c *kind.Ctx, id schema.ID, old, col column) []kind.Action {
	if old.Identity == "" || col.Identity == "" || len(follows(c, id)) > 0 {
		return kind.Nothing // said with the identity
	}
	return alterColumn(id, "DROP IDENTITY, ALTER COLUMN "+pg.QuoteIdent(id.Part)+" ADD GENERATED "+col.Identity+
		" AS IDENTITY ("+identityOptions(col)+")")
}

func identityOptions(col column) string {
	return fmt.Sprintf("SEQUENCE NAME %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s",
		col.Sequencename, col.Sequencestart, col.Sequencestep, col.Sequencemin, col.Sequencemax, col.Sequencecache,
		onOff(col.Sequencecycle, " CYCLE", ""))
}

// alterColumnOnly leaves the children of a table alone, which have settings of
// their own.
func alterColumnOnly(id schema.ID, change string) []kind.Action {
	actions := alterColumn(id, change)
	actions[0].SQL = strings.Replace(actions[0].SQL, "ALTER TABLE ", "ALTER TABLE ONLY ", 1)
	actions[0].Alters = "ALTER TABLE ONLY " + qualified(id) + " "
	return actions
}

func alterColumn(id schema.ID, change string) []kind.Action {
	actions := alterTable(id, "ALTER COLUMN "+pg.QuoteIdent(id.Part)+" "+change)
	actions[0].Alters = "ALTER TABLE " + qualified(id) + " "
	return actions
}
