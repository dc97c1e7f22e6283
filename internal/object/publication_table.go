package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// publicationTable is a table in a publication, manual chapter 29.1. The
// printed name of the table is the part of its identity. ALTER PUBLICATION can
// give all tables anew, but not change one.
type publicationTable struct {
	Columns []string // printed names, none for all (15 and later)
	Filter  string   `print:"true"` // printed expression in parentheses, "" for none (15 and later)
}

// PublicationTable defines the tables in publications. The children of an
// inheriting table are in a publication by themselves, hence ONLY.
func (kinds) PublicationTable(set *kind.Set) {
	kind.Define(set, kind.Spec[publicationTable]{
		Name: "publication_table", Rank: 152, Hazards: onPartDrop[publicationTable]("publication-drops-table", ""),
		Doc:   "Tables in publications, from 15 on with column list and row filter. A table whose list or filter changes is dropped from the publication and added.",
		Found: "pg_publication_rel",
		Query: publicationTableQuery,
		Ref:   publicationPart,
		Create: func(c *kind.Ctx, id schema.ID, t publicationTable) []kind.Action {
			columns := ""
			if len(t.Columns) > 0 {
				columns = "(" + list(t.Columns) + ")"
			}
			return addToPublication(c, id, "TABLE", kind.Words("ONLY", id.Part, columns, word("WHERE", t.Filter)))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ publicationTable) []kind.Action {
			return kind.Do("ALTER PUBLICATION " + outsideSchemas(id) + " DROP TABLE ONLY " + id.Part)
		},
		Alter:  kind.Alter[publicationTable]{"columns": nil, "filter": nil},
		Detach: true,
	})
}

func publicationTableQuery(server int) string {
	columns, filter := "NULL", "NULL"
	if server >= 15 {
		columns = `(SELECT json_agg(quote_ident(a.attname) ORDER BY a.attname) FROM pg_attribute a
		WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs))`
		filter = "pg_get_expr(r.prqual, r.prrelid)"
	}
	return `SELECT 'pg_publication_rel'::regclass::oid AS classid, r.oid AS objid, 0 AS objsubid,
	p.pubname AS name, r.prrelid::regclass::text AS part,
	'pg_publication'::regclass::oid AS pclass, p.oid AS pobj, 0 AS psub,
	` + columns + ` AS columns, ` + filter + ` AS filter
FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE p.oid >= ` + userOID
}
