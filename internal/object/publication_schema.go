package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// publicationSchema is a schema all of whose tables are in a publication,
// manual chapter 29.1. The name of the schema is the part of its identity.
type publicationSchema struct{}

// PublicationSchema defines the schemas in publications.
func (kinds) PublicationSchema(set *kind.Set) {
	kind.Define(set, kind.Spec[publicationSchema]{
		Name: "publication_schema", Rank: 151, Since: 15, Hazards: onPartDrop[publicationSchema]("publication-drops-table", ""),
		Doc:   "Schemas in publications.",
		Found: "pg_publication_namespace",
		Query: func(int) string {
			return `SELECT 'pg_publication_namespace'::regclass::oid AS classid, m.oid AS objid, 0 AS objsubid,
	p.pubname AS name, n.nspname AS part, 'pg_publication'::regclass::oid AS pclass, p.oid AS pobj, 0 AS psub
FROM pg_publication_namespace m JOIN pg_publication p ON p.oid = m.pnpubid JOIN pg_namespace n ON n.oid = m.pnnspid
WHERE p.oid >= ` + userOID
		},
		Ref: publicationPart,
		Create: func(c *kind.Ctx, id schema.ID, _ publicationSchema) []kind.Action {
			return addToPublication(c, id, "TABLES IN SCHEMA", pg.QuoteIdent(id.Part))
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ publicationSchema) []kind.Action {
			return kind.Do("ALTER PUBLICATION " + outsideSchemas(id) + " DROP TABLES IN SCHEMA " + pg.QuoteIdent(id.Part))
		},
		Alter:  kind.Alter[publicationSchema]{},
		Detach: true,
	})
}
