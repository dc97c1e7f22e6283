package object

import (
	"strconv"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// materializedViewColumn is how a column of a materialized view is stored, where
// that is not as its query makes it.
type materializedViewColumn struct {
	Storage     string // "" for that of the type
	Typestorage string `info:"true"`
	Compression string // "" for the server's default
	Statistics  int64  // -1 for the server's default
	Options     []string
}

// MaterializedViewColumn defines the settings of columns of materialized views.
func (kinds) MaterializedViewColumn(set *kind.Set) {
	kind.Define(set, kind.Spec[materializedViewColumn]{
		Name: "materialized_view_column", Rank: 115,
		Doc:   "Storage, compression, statistics target and options of the columns of materialized views.",
		Found: ofUsers("pg_class") + " AND relkind = 'm'",
		Query: func(int) string {
			return `SELECT 0 AS classid, c.oid AS objid, -1000 - a.attnum AS objsubid,
	n.nspname AS schema, c.relname AS name, a.attname AS part, a.attnum AS ord,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	CASE WHEN a.attstorage <> t.typstorage THEN ` + storageWord("a.attstorage") + ` END AS storage,
	` + storageWord("t.typstorage") + ` AS typestorage,
	` + compressionWord + ` AS compression, coalesce(a.attstattarget, -1) AS statistics, ` + sortedOptions("a.attoptions") + ` AS options
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind = 'm' AND a.attnum > 0 AND NOT a.attisdropped AND (a.attstorage <> t.typstorage
	OR a.attcompression <> '' OR coalesce(a.attstattarget, -1) >= 0 OR a.attoptions IS NOT NULL) AND ` + userSchemas
		},
		Ref: columnRef,
		Create: func(_ *kind.Ctx, id schema.ID, m materializedViewColumn) []kind.Action {
			return setColumn(id, materializedViewColumn{Statistics: -1}, m)
		},
		Drop: func(_ *kind.Ctx, id schema.ID, m materializedViewColumn) []kind.Action {
			return setColumn(id, m, materializedViewColumn{Statistics: -1, Typestorage: m.Typestorage})
		},
		Alter: kind.Alter[materializedViewColumn]{
			"storage": changeColumn, "compression": changeColumn, "statistics": changeColumn, "options": changeColumn,
		},
	})
}

func changeColumn(_ *kind.Ctx, id schema.ID, old, m materializedViewColumn) []kind.Action {
	return setColumn(id, old, m)
}

// setColumn returns what makes the settings of a column others.
func setColumn(id schema.ID, old, m materializedViewColumn) []kind.Action {
	alter := "ALTER MATERIALIZED VIEW " + qualified(id) + " ALTER COLUMN " + pg.QuoteIdent(id.Part)
	var changes []string
	if m.Storage != old.Storage {
		storage := m.Storage
		if storage == "" {
			storage = m.Typestorage
		}
		changes = append(changes, alter+" SET STORAGE "+storage)
	}
	if m.Compression != old.Compression {
		compression := m.Compression
		if compression == "" {
			compression = "DEFAULT"
		}
		changes = append(changes, alter+" SET COMPRESSION "+compression)
	}
	if m.Statistics != old.Statistics {
		changes = append(changes, alter+" SET STATISTICS "+strconv.FormatInt(m.Statistics, 10))
	}
	return append(kind.Do(changes...), alterOptions(alter, old.Options, m.Options)...)
}
