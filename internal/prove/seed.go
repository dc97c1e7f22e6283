package prove

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
)

// seedRows is how many rows each table gets, as far as its constraints allow.
const seedRows = 3

// column is a column of a table to be filled.
type column struct {
	Name      string
	Type      int64
	TypeName  string // with its modifier
	NotNull   bool
	Generated bool
}

// reference is a foreign key of a table to be filled.
type reference struct {
	Table   int64
	Ref     string // of the other table, quoted
	Columns []string
	Others  []string // of the other table
}

// seedTable is a table to be filled.
type seedTable struct {
	OID        int64
	Ref        string
	Columns    []column
	Checks     []string
	Bound      string // as pg_get_partition_constraintdef prints it
	References []reference
}

// seeder makes rows in an order in which foreign keys find theirs.
type seeder struct {
	ctx    context.Context
	conn   *pgx.Conn
	types  map[int64]*datatype
	tables map[int64]*seedTable
	fits   map[string][]string // of domains, by the values that were asked for
	rows   map[int64]int64     // made in each table
	above  map[int64][]int64   // what each table is a partition or a child of
}

// seed makes rows in the tables that the plan touches, and in those that they
// refer to. No trigger and no rule sees them.
func (r *runner) seed(ctx context.Context) error {
	r.touched = map[int64]bool{}
	for oid, w := range r.relations {
		if w.kind == "r" && r.isTouched(w) {
			r.touched[oid] = true
		}
	}
	if len(r.touched) == 0 {
		return nil
	}
	s := &seeder{ctx: ctx, conn: r.Conn, fits: map[string][]string{}, rows: map[int64]int64{}, above: map[int64][]int64{}}
	for oid, w := range r.relations {
		s.above[oid] = w.super
	}
	tx, err := r.Conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("seeding the shadow: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it does nothing
	if r.Conn.PgConn().ParameterStatus("is_superuser") == "on" {
		if _, err := r.Conn.Exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
			return fmt.Errorf("seeding the shadow: %w", err)
		}
	}
	if err := s.read(r.touched); err != nil {
		return fmt.Errorf("reading the tables to seed: %w", err)
	}
	for _, t := range s.ordered() {
		if err := s.fill(t); err != nil {
			return fmt.Errorf("seeding %s: %w", t.Ref, err)
		}
		r.result.Seeded += s.rows[t.OID]
		if s.rows[t.OID] == 0 && r.touched[t.OID] {
			r.result.Empty = append(r.result.Empty, r.relations[t.OID].id.String())
		}
		if s.rows[t.OID] > 0 {
			r.touched[t.OID] = true
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("seeding the shadow: %w", err)
	}
	return nil
}

// isTouched reports whether a step or a change is for the relation, or for one
// that it is a partition or a child of.
func (r *runner) isTouched(w *relation) bool {
	if r.names == nil {
		r.names = map[string]bool{}
		for _, s := range r.Plan.Steps {
			r.names[s.Relation], r.names[s.Object] = true, true
			for _, l := range s.Locks {
				r.names[l.Relation] = true
			}
		}
		for _, c := range r.Plan.Changes {
			r.names[c.Object], r.names[c.Parent] = true, true
		}
	}
	if text := w.id.String(); r.names[text] || r.About[text] {
		return true
	}
	return slices.ContainsFunc(w.super, func(oid int64) bool { return r.relations[oid] != nil && r.isTouched(r.relations[oid]) })
}

// seedQuery describes the tables, those that they refer to, and what holds the
// rows of these.
const seedQuery = `WITH RECURSIVE s(oid) AS (SELECT unnest('{%s}'::oid[]) UNION
	SELECT n.oid FROM s CROSS JOIN LATERAL (SELECT c.confrelid AS oid FROM pg_constraint c WHERE c.conrelid = s.oid AND c.contype = 'f'
		UNION ALL SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = s.oid) n),
t(oid) AS (SELECT a.atttypid FROM s JOIN pg_attribute a ON a.attrelid = s.oid WHERE a.attnum > 0 AND NOT a.attisdropped UNION
	SELECT n.oid FROM t JOIN pg_type y ON y.oid = t.oid CROSS JOIN LATERAL (SELECT y.typbasetype AS oid WHERE y.typtype = 'd'
		UNION ALL SELECT y.typelem WHERE y.typelem <> 0 AND y.typcategory = 'A'
		UNION ALL SELECT g.rngsubtype FROM pg_range g WHERE g.rngtypid = y.oid
		UNION ALL SELECT g.rngtypid FROM pg_range g WHERE g.rngmultitypid = y.oid
		UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = y.typrelid AND y.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped) n)
SELECT 'table', json_build_object('oid', c.oid::int8, 'ref', format('%%I.%%I', n.nspname, c.relname), 'bound', pg_get_partition_constraintdef(c.oid),
	'columns', (SELECT json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int8, 'typename', format_type(a.atttypid, a.atttypmod),
		'notnull', a.attnotnull, 'generated', a.attgenerated <> '') ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
	'checks', (SELECT json_agg(pg_get_expr(k.conbin, k.conrelid)) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'),
	'references', (SELECT json_agg(json_build_object('table', k.confrelid::int8, 'ref', format('%%I.%%I', rn.nspname, rc.relname),
		'columns', (SELECT json_agg(a.attname ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY u(a, n) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.a),
		'others', (SELECT json_agg(a.attname ORDER BY u.n) FROM unnest(k.confkey) WITH ORDINALITY u(a, n) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.a)))
		FROM pg_constraint k JOIN pg_class rc ON rc.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = rc.relnamespace WHERE k.conrelid = c.oid AND k.contype = 'f'
			AND NOT EXISTS (SELECT FROM pg_constraint whole WHERE whole.oid = k.conparentid AND whole.conrelid = k.conrelid)))::text
FROM s JOIN pg_class c ON c.oid = s.oid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'
UNION ALL SELECT 'type', json_build_object('oid', y.oid::int8, 'name', format_type(y.oid, NULL), 'plain', y.typname, 'sort', y.typtype, 'category', y.typcategory,
	'base', y.typbasetype::int8, 'basename', format_type(y.typbasetype, y.typtypmod), 'element', y.typelem::int8,
	'subtype', coalesce((SELECT g.rngsubtype::int8 FROM pg_range g WHERE g.rngtypid = y.oid), 0), 'range', coalesce((SELECT g.rngtypid::int8 FROM pg_range g WHERE g.rngmultitypid = y.oid), 0),
	'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid),
	'fields', (SELECT json_agg(a.atttypid::int8 ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = y.typrelid AND y.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped),
	'checks', (SELECT json_agg(pg_get_expr(k.conbin, 0)) FROM pg_constraint k WHERE k.contypid = y.oid AND k.contype = 'c'), 'notnull', y.typnotnull)::text
FROM t JOIN pg_type y ON y.oid = t.oid`

// byIndex keeps the server from reading whole catalogs and from making room for
// thousands of rows, because it cannot know how few a recursive query has.
const (
	byIndex = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL work_mem = '64kB'"
	byCost  = "SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT; SET LOCAL work_mem TO DEFAULT"
)

// read describes the tables and the types of their columns.
func (s *seeder) read(touched map[int64]bool) error {
	if _, err := s.conn.Exec(s.ctx, byIndex); err != nil {
		return err
	}
	var oids []string
	for oid := range touched {
		oids = append(oids, strconv.FormatInt(oid, 10))
	}
	rows, err := s.conn.Query(s.ctx, fmt.Sprintf(seedQuery, strings.Join(oids, ",")), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return err
	}
	s.tables, s.types = map[int64]*seedTable{}, map[int64]*datatype{}
	var what, text string
	_, err = pgx.ForEachRow(rows, []any{&what, &text}, func() error {
		if what == "type" {
			var d datatype
			err := json.Unmarshal([]byte(text), &d)
			s.types[d.OID] = &d
			return err
		}
		var t seedTable
		err := json.Unmarshal([]byte(text), &t)
		s.tables[t.OID] = &t
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.conn.Exec(s.ctx, byCost) // the rows depend on how they are joined
	return err
}

// ordered returns the tables such that those that others refer to come first,
// as far as there is no circle.
func (s *seeder) ordered() []*seedTable {
	var list []*seedTable
	seen := map[int64]bool{}
	var visit func(oid int64)
	visit = func(oid int64) {
		t := s.tables[oid]
		if t == nil || seen[oid] {
			return
		}
		seen[oid] = true
		for _, f := range t.References {
			for _, other := range s.holders(f.Table) {
				visit(other)
			}
		}
		list = append(list, t)
	}
	for _, oid := range s.sorted() {
		visit(oid)
	}
	return list
}

// sorted lists the tables in the order of their names.
func (s *seeder) sorted() []int64 {
	var oids []int64
	for oid := range s.tables {
		oids = append(oids, oid)
	}
	slices.SortFunc(oids, func(a, b int64) int { return strings.Compare(s.tables[a].Ref, s.tables[b].Ref) })
	return oids
}

// holders returns the tables that hold the rows of a table: itself, or its
// partitions.
func (s *seeder) holders(table int64) []int64 {
	var list []int64
	for _, oid := range s.sorted() {
		if s.within(oid, table) {
			list = append(list, oid)
		}
	}
	return list
}

func (s *seeder) within(oid, whole int64) bool {
	return oid == whole || slices.ContainsFunc(s.above[oid], func(parent int64) bool { return s.within(parent, whole) })
}

// attempt runs a statement so that the transaction outlives its failure.
func (s *seeder) attempt(sql string) (int64, error) {
	results, err := s.conn.PgConn().Exec(s.ctx, "SAVEPOINT cairn_seed;"+sql+";RELEASE cairn_seed").ReadAll()
	if err == nil {
		return results[1].CommandTag.RowsAffected(), nil
	}
	if pg.Code(err) == "" {
		return 0, err
	}
	if _, back := s.conn.Exec(s.ctx, "ROLLBACK TO cairn_seed"); back != nil {
		return 0, back
	}
	return 0, err
}

// ask runs a query as attempt does and returns its arrays of numbers, or of
// texts. ok is false when the server refuses it.
func ask[T any](s *seeder, sql string) (list []T, ok bool, err error) {
	if _, err := s.conn.Exec(s.ctx, "SAVEPOINT cairn_seed"); err != nil {
		return nil, false, err
	}
	rows, err := s.conn.Query(s.ctx, sql, pgx.QueryExecModeSimpleProtocol)
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowTo[T])
	}
	if err != nil && pg.Code(err) == "" {
		return nil, false, err
	}
	_, back := s.conn.Exec(s.ctx, "ROLLBACK TO cairn_seed; RELEASE cairn_seed")
	return list, err == nil, back
}
