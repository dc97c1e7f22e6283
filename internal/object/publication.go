package object

import (
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// publication is a publication without its tables and schemas, manual chapter
// 29.1.
type publication struct {
	Alltables bool
	Publish   string // "insert, update"
	Viaroot   bool   // publish_via_partition_root
	Generated string // publish_generated_columns (18 and later)
}

// Publication defines publications. Their tables and schemas are parts.
func (kinds) Publication(set *kind.Set) {
	kind.Define(set, kind.Spec[publication]{
		Name: "publication", SQL: "PUBLICATION", Rank: 150, Rename: kind.RenameTo, Hazards: publicationHazards,
		Doc:   "Publications with their parameters, also FOR ALL TABLES. One that becomes FOR ALL TABLES, or ceases to be, is a new one.",
		Found: "pg_publication",
		Query: publicationQuery,
		Ref:   outsideSchemas,
		Create: func(c *kind.Ctx, id schema.ID, p publication) []kind.Action {
			options := publicationOptions(publication{Publish: "insert, update, delete, truncate", Generated: "none"}, p)
			if options != "" {
				options = " WITH (" + options + ")"
			}
			lead := " FOR "
			if c.Server < 15 {
				lead = " FOR TABLE "
			}
			return []kind.Action{{Open: "CREATE PUBLICATION " + outsideSchemas(id) + onOff(p.Alltables, " FOR ALL TABLES", ""),
				Lead: lead, Separator: ", ", Close: options}}
		},
		Drop: func(_ *kind.Ctx, id schema.ID, _ publication) []kind.Action {
			return kind.Do("DROP PUBLICATION " + outsideSchemas(id))
		},
		Alter: kind.Alter[publication]{
			"alltables": nil, "publish": alterPublication, "viaroot": alterPublication, "generated": alterPublication,
		},
	})
}

func publicationQuery(server int) string {
	generated := "'none'"
	if server >= 18 {
		generated = "CASE p.pubgencols WHEN 's' THEN 'stored' ELSE 'none' END"
	}
	return `SELECT 'pg_publication'::regclass::oid AS classid, p.oid AS objid, 0 AS objsubid, p.pubname AS name,
	pg_get_userbyid(p.pubowner) AS owner, p.puballtables AS alltables,
	concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
		CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS publish,
	p.pubviaroot AS viaroot, ` + generated + ` AS generated
FROM pg_publication p
WHERE p.oid >= ` + userOID
}

func alterPublication(_ *kind.Ctx, id schema.ID, old, p publication) []kind.Action {
	return kind.Do("ALTER PUBLICATION " + outsideSchemas(id) + " SET (" + publicationOptions(old, p) + ")")
}

// publicationOptions prints the parameters that differ.
func publicationOptions(old, p publication) string {
	var options []string
	if old.Publish != p.Publish {
		options = append(options, "publish = "+pg.QuoteLiteral(p.Publish))
	}
	if old.Viaroot != p.Viaroot {
		options = append(options, "publish_via_partition_root = "+onOff(p.Viaroot, "true", "false"))
	}
	if old.Generated != p.Generated {
		options = append(options, "publish_generated_columns = "+p.Generated)
	}
	return strings.Join(options, ", ")
}

// addToPublication adds a table or schema, if it can in the statement that
// creates the publication. Up to 14 that knows tables only.
func addToPublication(c *kind.Ctx, id schema.ID, what, rest string) []kind.Action {
	whole, fragment := schema.ID{Kind: "publication", Name: id.Name}, what+" "+rest
	if c.Server < 15 {
		fragment = rest
	}
	return []kind.Action{{SQL: "ALTER PUBLICATION " + outsideSchemas(id) + " ADD " + what + " " + rest,
		Into: &whole, Fragments: []kind.Fragment{{ID: id, Text: fragment}}}}
}

// publicationPart describes a table or schema in a publication.
func publicationPart(id schema.ID) string { return id.Part + " IN " + outsideSchemas(id) }
