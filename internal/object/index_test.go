package object_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// manyIndexes has indexes that are columns in some order, and others that look
// so and are more.
const manyIndexes = `CREATE TYPE mood AS ENUM ('a', 'b'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0); CREATE SCHEMA "Odd Schema";
CREATE TABLE t (id integer PRIMARY KEY, v varchar(20), "Quoted Col" text, c char(5), m mood, a integer[], d positive, n name, o oid, j jsonb,
	r int4range, ts tsvector, i inet, cc text COLLATE "C", b bytea, nn numeric, tz timestamptz, bb bit(3), cid cidr, u uuid, q "char",
	pt point, bx box, vc varchar COLLATE "C");
CREATE INDEX ON t (v); CREATE INDEX ON t (v varchar_pattern_ops); CREATE INDEX ON t (v text_ops); CREATE INDEX ON t USING spgist (v);
CREATE INDEX ON t ("Quoted Col" DESC NULLS LAST, c NULLS FIRST, m DESC); CREATE INDEX ON t (c bpchar_pattern_ops);
CREATE INDEX ON t (cc); CREATE INDEX ON t (cc COLLATE "POSIX"); CREATE INDEX ON t ("Quoted Col" COLLATE "C"); CREATE INDEX ON t (vc);
CREATE INDEX ON t (d); CREATE INDEX ON t (n); CREATE INDEX ON t (o); CREATE INDEX ON t (a); CREATE INDEX ON t (r);
CREATE INDEX ON t (i); CREATE INDEX ON t USING gist (i inet_ops); CREATE INDEX ON t USING spgist (i); CREATE INDEX ON t (cid, bb, q);
CREATE INDEX ON t USING gin (a); CREATE INDEX ON t USING gin (j); CREATE INDEX ON t USING gin (j jsonb_path_ops);
CREATE INDEX ON t USING gist (ts); CREATE INDEX ON t USING gist (ts tsvector_ops (siglen = 100)); CREATE INDEX ON t USING gist (r, bx);
CREATE INDEX ON t USING brin (tz); CREATE INDEX ON t USING brin (tz timestamptz_minmax_multi_ops) WITH (pages_per_range = 32);
CREATE INDEX ON t USING brin (nn numeric_minmax_multi_ops (values_per_range = 16)); CREATE INDEX ON t USING hash (u); CREATE INDEX ON t USING hash (v);
CREATE UNIQUE INDEX ON t (nn, b) INCLUDE (v, "Quoted Col") WITH (fillfactor = 60) WHERE id IS NOT NULL; CREATE UNIQUE INDEX ON t (tz) WHERE id > 3;
CREATE INDEX ON t (id, lower(v), m) WITH (fillfactor = 50) WHERE v <> 'x'; CREATE INDEX ON t ((id + 1));
CREATE OPERATOR CLASS strings DEFAULT FOR TYPE varchar USING btree AS OPERATOR 1 < (text, text), OPERATOR 2 <= (text, text), OPERATOR 3 = (text, text),
	OPERATOR 4 >= (text, text), OPERATOR 5 > (text, text), FUNCTION 1 (varchar, varchar) bttextcmp(text, text);
CREATE INDEX ON t (vc strings); CREATE INDEX ON t (vc DESC, v text_ops);
CREATE TABLE "Odd Schema"."Odd.Table" ("a""b" varchar, "select" integer); CREATE INDEX ON "Odd Schema"."Odd.Table" ("a""b", "select" DESC);
CREATE TABLE p (a integer, b varchar) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10); CREATE INDEX ON p (b, a DESC);
`

// The statements that create indexes are those that PostgreSQL prints.
func TestIndexStatements(t *testing.T) {
	for _, major := range pgtest.Versions() {
		sql := manyIndexes
		if major >= 15 {
			sql += "CREATE UNIQUE INDEX ON t (v, id DESC) INCLUDE (c) NULLS NOT DISTINCT;"
		}
		url := clusters.Load(t, major, sql)
		files, _, err := pgtest.NewEngine(t).Dump(t.Context(), cairn.DumpRequest{Target: cairn.Connection{Database: url}})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, f := range files {
			text.WriteString(f.Text)
		}
		conn := pgtest.Connect(t, url)
		if _, err := conn.Exec(t.Context(), "SET search_path = ''"); err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(t.Context(), `SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indexrelid >= 16384 AND c.relnamespace::regnamespace::text NOT LIKE 'pg_%' AND NOT i.indisprimary`)
		if err != nil {
			t.Fatal(err)
		}
		statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if len(statements) < 39 {
			t.Fatalf("PostgreSQL %d has %d indexes", major, len(statements))
		}
		for _, s := range statements {
			if !strings.Contains(text.String(), s+";\n") {
				t.Errorf("PostgreSQL %d prints %s, which the dump does not have", major, s)
			}
		}
	}
}
