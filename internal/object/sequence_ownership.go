package object

import (
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// sequenceOwnership ties a sequence to the column that owns it.
type sequenceOwnership struct {
	Column string // printed name: schema.table.column
}

// SequenceOwnership defines the ownership of sequences by columns. It is an
// object of its own because it needs the table, while the table's defaults can
// need the sequence.
func (kinds) SequenceOwnership(set *kind.Set) {
	kind.Define(set, kind.Spec[sequenceOwnership]{
		Name: "sequence_ownership", Rank: 62,
		Doc: "The column that owns a sequence (OWNED BY).",
		// The catalogs have only a row of pg_depend for it; the address is made up.
		Found: "pg_sequence",
		Query: func(int) string {
			return `SELECT 0 AS classid, c.oid AS objid, -1 AS objsubid, n.nspname AS schema, c.relname AS name,
	'pg_class'::regclass::oid AS pclass, c.oid AS pobj, 0 AS psub,
	quote_ident(tn.nspname) || '.' || quote_ident(t.relname) || '.' || quote_ident(a.attname) AS column
FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
	JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
	AND d.deptype = 'a' AND c.relpersistence <> 't' AND ` + userSchemas
		},
		Ref:    qualified,
		Create: tieSequence,
		Drop: func(_ *kind.Ctx, id schema.ID, _ sequenceOwnership) []kind.Action {
			return kind.Do("ALTER SEQUENCE " + qualified(id) + " OWNED BY NONE")
		},
		Alter: kind.Alter[sequenceOwnership]{
			"column": func(c *kind.Ctx, id schema.ID, _, o sequenceOwnership) []kind.Action { return tieSequence(c, id, o) },
		},
		Extra: func(s *schema.State, id schema.ID, _ sequenceOwnership) []schema.ID {
			column := owningColumn(s, id)
			return []schema.ID{column, relationOf(s, column).Satellite("owner")}
		},
	})
}

// tieSequence makes the column own the sequence. Both must belong to the same
// role, and the role of an owned sequence changes only with its table's.
func tieSequence(c *kind.Ctx, id schema.ID, o sequenceOwnership) []kind.Action {
	statement := "ALTER SEQUENCE " + qualified(id)
	tie := kind.Do(statement + " OWNED BY " + o.Column)
	was, is := sequenceRole(c.Old, id), ""
	if owner := c.New.Objects[relationOf(c.New, owningColumn(c.New, id)).Satellite("owner")]; owner != nil {
		is = owner.Attrs[0].Value
	}
	if c.Created(sequenceOf(id)) {
		was = c.Old.Default
	}
	if is == "" || is == was {
		return tie
	}
	first := kind.Do(statement + " OWNER TO " + pg.QuoteIdent(is))
	if c.Old.Objects[id] != nil && !c.Dropped(id) {
		first = append(kind.Do(statement+" OWNED BY NONE"), first...)
	}
	return append(first, tie...)
}

// sequenceRole returns the role that the sequence belongs to, "" when no
// statement gave it one.
func sequenceRole(s *schema.State, id schema.ID) string {
	for _, subject := range []schema.ID{sequenceOf(id), relationOf(s, owningColumn(s, id))} {
		if o := s.Objects[subject.Satellite("owner")]; o != nil {
			return o.Attrs[0].Value
		}
	}
	return ""
}

func sequenceOf(id schema.ID) schema.ID {
	return schema.ID{Kind: "sequence", Schema: id.Schema, Name: id.Name}
}

// owningColumn returns the column that the sequence is a part of.
func owningColumn(s *schema.State, id schema.ID) schema.ID {
	if o := s.Objects[sequenceOf(id)]; o != nil {
		return o.Parent
	}
	return schema.ID{}
}
