// Package schemas writes the SQL of schemas for benchmarks. They look like those
// of applications: tables with defaults, checks, indexes and foreign keys between
// them, partitions, views, functions, triggers, enums, comments and grants. Equal
// parameters give equal text.
package schemas

import (
	"cmp"
	"fmt"
	"strings"
)

// Roles are those that the text grants to. They have to exist before it is run.
var Roles = []string{"bench_reader", "bench_writer"}

// Parameters say how large a schema is.
type Parameters struct {
	Tables  int  // partitions count, too
	Changed bool // with one changed column and one new index in the middle
	Length  int  // of the changed column, 0 for what it usually has
}

const (
	tablesPerSchema = 100
	fewestSchemas   = 3
	partitions      = 4
	groupEvery      = 25 // of so many tables, the last ones are a partitioned table and its partitions
	typeEvery       = 20
	changedLength   = 60
)

var (
	areas = []string{"sales", "billing", "catalog", "support", "warehouse"}
	nouns = []string{"accounts", "orders", "items", "invoices", "payments", "shipments", "products", "tickets", "messages", "events"}
)

// SQL returns the statements that build a database of several schemas, in an
// order in which they can be run.
func SQL(p Parameters) string {
	count := max(fewestSchemas, p.Tables/tablesPerSchema)
	var text strings.Builder
	before := "" // the schema that foreign keys refer to from the next one
	for i := range count {
		name := areas[i%len(areas)]
		if round := i / len(areas); round > 0 {
			name += fmt.Sprintf("_%d", round+1)
		}
		fmt.Fprintf(&text, "CREATE SCHEMA %s;\nGRANT USAGE ON SCHEMA %s TO bench_reader, bench_writer;\nCOMMENT ON SCHEMA %s IS 'Everything about %s';\n\n", name, name, name, name)
		w := &writer{out: &text, prefix: name + ".", changed: -1, length: cmp.Or(p.Length, changedLength)}
		w.tables = (i+1)*p.Tables/count - i*p.Tables/count
		if p.Changed && i == count/2 {
			w.changed = w.tables / 2 / groupEvery * groupEvery
		}
		w.before = before
		w.write()
		before = w.prefix
	}
	return text.String()
}

// Tenant returns the statements of one schema without its name, which the search
// path decides.
func Tenant(p Parameters) string {
	var text strings.Builder
	w := &writer{out: &text, tables: p.Tables, changed: -1, length: cmp.Or(p.Length, changedLength)}
	if p.Changed {
		w.changed = 0
	}
	w.write()
	return text.String()
}

// TenantName is the name of the schema of a tenant.
func TenantName(n int) string { return fmt.Sprintf("tenant_%04d", n) }

// Tenants returns the statements that build many schemas of the same tables.
func Tenants(count int, p Parameters) string {
	var text strings.Builder
	one := Tenant(p)
	for i := range count {
		name := TenantName(i + 1)
		fmt.Fprintf(&text, "CREATE SCHEMA %s;\nSET search_path = %s;\n%s", name, name, one)
	}
	text.WriteString("RESET search_path;\n")
	return text.String()
}

// writer writes one schema.
type writer struct {
	out     *strings.Builder
	prefix  string // of names: the schema and a dot, or nothing
	before  string // the prefix of an earlier schema, or nothing
	tables  int
	changed int // number of the table that is changed, -1 for none
	length  int // of its changed column
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w.out, format+"\n", args...) }

func (w *writer) name(i int) string { return fmt.Sprintf("%s_%d", nouns[i%len(nouns)], i) }

// grouped reports whether the table begins a partitioned table with its partitions.
func (w *writer) grouped(i int) bool {
	return i%groupEvery == groupEvery-1-partitions && i+partitions < w.tables
}

func (w *writer) write() {
	for i := 0; i < w.tables; i += typeEvery {
		w.line("CREATE TYPE %sstate_%d AS ENUM ('open', 'active', 'paused', 'closed');", w.prefix, i/typeEvery)
	}
	w.line("CREATE FUNCTION %stouch() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  NEW.updated_at := now();\n  RETURN NEW;\nEND\n$$;\n", w.prefix)
	for i := 0; i < w.tables; i++ {
		if w.grouped(i) {
			w.group(i)
			i += partitions
			continue
		}
		w.table(i)
		w.around(i)
	}
}

// table writes one with what belongs to it.
func (w *writer) table(i int) {
	name, length := w.name(i), 40
	if i == w.changed {
		length = w.length
	}
	w.line("CREATE TABLE %s%s (", w.prefix, name)
	w.line("  id bigint GENERATED ALWAYS AS IDENTITY,\n  owner_id bigint,\n  code varchar(40) NOT NULL,\n  reference varchar(%d),\n  title text DEFAULT '' NOT NULL,", length)
	w.line("  state %sstate_%d DEFAULT 'open' NOT NULL,\n  amount numeric(12,2) DEFAULT 0 NOT NULL,\n  quantity integer DEFAULT 1 NOT NULL,", w.prefix, i/typeEvery)
	w.line("  tags text[] DEFAULT '{}' NOT NULL,\n  attributes jsonb,\n  created_at timestamp with time zone DEFAULT now() NOT NULL,\n  updated_at timestamp with time zone,")
	w.line("  CONSTRAINT %s_pkey PRIMARY KEY (id),", name)
	w.line("  CONSTRAINT %s_amount CHECK (amount >= 0),\n  CONSTRAINT %s_quantity CHECK (quantity >= 1 AND quantity <= %d)\n);", name, name, 1000+i)
	w.line("CREATE UNIQUE INDEX %s_code ON %s%s (lower(code));", name, w.prefix, name)
	w.line("CREATE INDEX %s_owner ON %s%s (owner_id, created_at DESC);", name, w.prefix, name)
	w.line("CREATE INDEX %s_open ON %s%s (created_at) WHERE state = 'open';", name, w.prefix, name)
	if i == w.changed {
		w.line("CREATE INDEX %s_updated ON %s%s (updated_at);", name, w.prefix, name)
	}
	w.describe(i, name)
}

// describe writes foreign keys, comments and grants.
func (w *writer) describe(i int, name string) {
	if other := w.referred(i); other != "" {
		w.line("ALTER TABLE %s%s ADD CONSTRAINT %s_owner FOREIGN KEY (owner_id) REFERENCES %s (id) ON DELETE CASCADE;", w.prefix, name, name, other)
	}
	w.line("COMMENT ON TABLE %s%s IS 'One row for each of the %s';", w.prefix, name, strings.ReplaceAll(name, "_", " of area "))
	w.line("COMMENT ON COLUMN %s%s.code IS 'What people call it';", w.prefix, name)
	w.line("GRANT SELECT ON TABLE %s%s TO bench_reader;", w.prefix, name)
	if i%2 == 0 {
		w.line("GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s%s TO bench_writer;", w.prefix, name)
	}
}

// referred is the table that the foreign key of another refers to: an earlier one
// of the schema, or the first of the schema before.
func (w *writer) referred(i int) string {
	if i > 0 {
		at := i / 2 / groupEvery * groupEvery // what follows is no partitioned one
		return w.prefix + w.name(at+i*7%min(i, 13))
	}
	if w.before != "" {
		return w.before + w.name(0)
	}
	return ""
}

// around writes views, functions and triggers of some tables.
func (w *writer) around(i int) {
	name := w.name(i)
	if i%5 == 0 {
		w.line("CREATE TRIGGER %s_touch BEFORE UPDATE ON %s%s FOR EACH ROW EXECUTE FUNCTION %stouch();", name, w.prefix, name, w.prefix)
	}
	if i%5 == 1 {
		w.line("CREATE VIEW %s%s_current AS\n SELECT t.id, t.code, t.title, o.code AS owner_code, count(*) OVER (PARTITION BY t.owner_id) AS siblings", w.prefix, name)
		w.line("   FROM %s%s t LEFT JOIN %s o ON o.id = t.owner_id\n  WHERE t.state = 'open' AND t.amount > 0;", w.prefix, name, w.referred(i))
		w.line("GRANT SELECT ON TABLE %s%s_current TO bench_reader;\nCOMMENT ON VIEW %s%s_current IS 'Those that are open';", w.prefix, name, w.prefix, name)
	}
	if i%10 == 2 {
		w.line("CREATE FUNCTION %s%s_total(owner bigint) RETURNS numeric LANGUAGE sql STABLE AS $$\n  SELECT sum(amount * quantity) FROM %s%s WHERE owner_id = owner\n$$;", w.prefix, name, w.prefix, name)
		w.line("COMMENT ON FUNCTION %s%s_total(bigint) IS 'What an owner has in all';", w.prefix, name)
	}
	w.line("")
}

// group writes a partitioned table and its partitions.
func (w *writer) group(i int) {
	name := w.name(i)
	w.line("CREATE TABLE %s%s (\n  id bigint NOT NULL,\n  owner_id bigint,\n  code varchar(40) NOT NULL,\n  amount numeric(12,2) DEFAULT 0 NOT NULL,", w.prefix, name)
	w.line("  created_at timestamp with time zone DEFAULT now() NOT NULL,\n  CONSTRAINT %s_pkey PRIMARY KEY (id, created_at),", name)
	w.line("  CONSTRAINT %s_amount CHECK (amount >= 0)\n) PARTITION BY RANGE (created_at);", name)
	for _, index := range []string{"owner_id", "code", "created_at"} {
		w.line("CREATE INDEX %s_%s ON %s%s (%s);", name, index, w.prefix, name, index)
	}
	for p := range partitions {
		w.line("CREATE TABLE %s%s_p%d PARTITION OF %s%s FOR VALUES FROM ('%d-01-01 00:00:00+00') TO ('%d-01-01 00:00:00+00');", w.prefix, name, p, w.prefix, name, 2021+p, 2022+p)
	}
	w.line("COMMENT ON TABLE %s%s IS 'One row for each event, by year';\nGRANT SELECT ON TABLE %s%s TO bench_reader;\n", w.prefix, name, w.prefix, name)
}
