package generate

import (
	"maps"
	"slices"
	"strings"
)

// rowCount is the most rows that a table has.
const rowCount = 3

// seeds works out which rows of tables both schemas of a pair accept.
type seeds struct {
	Pair
	rows map[int][]int // table to its rows
}

// Rows returns statements that fill tables of From with rows that To accepts
// too, and queries on the rows and columns that both schemas keep, whose
// results have to be the same before and after.
func (p Pair) Rows() (inserts string, kept []string) {
	w := &seeds{p, map[int][]int{}}
	for _, t := range p.From.Objects {
		if t.Kind == "table" && p.To.get(t.ID) != nil && !p.From.partitioned(t) {
			w.rows[t.ID] = w.start(t)
		}
	}
	for again := true; again; {
		again = false
		for _, s := range []*Schema{p.From, p.To} {
			for _, key := range s.Objects {
				if key.Kind == "foreign_key" && w.follow(s, key) {
					again = true
				}
			}
		}
	}
	var b strings.Builder
	b.WriteString("SET session_replication_role = replica;\n")
	filled := false
	for _, t := range p.From.Objects {
		if rows := w.rows[t.ID]; len(rows) > 0 {
			insert, query := w.print(t, rows)
			b.WriteString(insert)
			filled = filled || insert != ""
			if query != "" {
				kept = append(kept, query)
			}
		}
	}
	if !filled {
		return "", nil
	}
	return b.String(), kept
}

// start returns the rows that fit the bounds of both sides, none where a side
// adds a column that existing rows have no value for.
func (w *seeds) start(t *Object) []int {
	to := w.To.get(t.ID)
	if w.To.partitioned(to) || !w.fits(w.From, w.To, t) || !w.fits(w.To, w.From, to) {
		return nil
	}
	var rows []int
	for r := 1; r <= rowCount; r++ {
		if accepts(w.From, t, r) && accepts(w.To, to, r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// fits reports whether rows of t in from can become rows in to.
func (w *seeds) fits(from, to *Schema, t *Object) bool {
	before := map[int]bool{}
	for _, c := range from.columns(t) {
		before[c.ID] = true
	}
	keys := map[int]bool{}
	for _, o := range to.Objects {
		switch o.Kind {
		case "unique", "foreign_key", "exclusion":
			for _, slot := range []string{"column", "second"} {
				if id, ok := o.Refs[slot]; ok {
					keys[id] = true
				}
			}
		}
	}
	if c := to.keyColumn(t); c != nil && !before[c.ID] {
		return false // it may be the key of the table
	}
	for _, c := range to.columns(to.get(t.ID)) {
		if !before[c.ID] && (keys[c.ID] || to.strict(c) || to.uniquelyIndexed(t)) {
			return false
		}
		if before[c.ID] && (to.strict(c) || from.strict(c)) && (w.literal(c.ID, 1) == "" || from.generated(from.get(c.ID)) != to.generated(c)) {
			return false
		}
		if before[c.ID] && (to.uniquelyIndexed(t) || keys[c.ID]) && from.generated(from.get(c.ID)) != to.generated(c) {
			return false
		}
	}
	return true
}

func (s *Schema) strict(c *Object) bool {
	if s.identity(s.get(c.ID)) {
		return false
	}
	return s.pick(c, "notnull") > 0 || s.columnType(c).strict
}

// uniquelyIndexed reports whether a unique index is on the table or on one that
// it belongs to.
func (s *Schema) uniquelyIndexed(t *Object) bool {
	for t = s.get(t.ID); t != nil; t = s.ref(t, "parent") {
		for _, x := range s.of("index", "table", t) {
			if s.pick(x, "unique") > 0 {
				return true
			}
		}
	}
	return false
}

// accepts reports whether a row lies in the bounds of a table that is a
// partition, on all levels.
func accepts(s *Schema, t *Object, r int) bool {
	for s.isPartition(t) {
		parent := s.ref(t, "parent")
		if s.pick(parent, "key") == 3 {
			return false
		}
		n := s.pick(t, "tie")
		for _, sibling := range s.of("table", "parent", parent) {
			if n == 4 && s.isPartition(sibling) && s.pick(sibling, "tie") == r {
				return false
			}
		}
		if n != 4 && n != r {
			return false
		}
		t = parent
	}
	return true
}

// follow takes away the rows that a foreign key has no target for.
func (w *seeds) follow(s *Schema, key *Object) bool {
	target := s.ref(s.ref(key, "target"), "table")
	there := map[int]bool{}
	for _, r := range w.tree(s, target) {
		there[r] = true
	}
	changed := false
	for _, id := range w.leaves(s, s.ref(key, "table")) {
		rows := slices.DeleteFunc(slices.Clone(w.rows[id]), func(r int) bool { return !there[r] })
		changed = changed || len(rows) != len(w.rows[id])
		w.rows[id] = rows
	}
	return changed
}

// leaves are the tables that hold the rows of a table.
func (w *seeds) leaves(s *Schema, t *Object) []int {
	if !s.partitioned(t) {
		return []int{t.ID}
	}
	var list []int
	for _, p := range s.of("table", "parent", t) {
		if s.isPartition(p) {
			list = append(list, w.leaves(s, p)...)
		}
	}
	return list
}

func (w *seeds) tree(s *Schema, t *Object) []int {
	rows := map[int]bool{}
	for _, id := range w.leaves(s, t) {
		for _, r := range w.rows[id] {
			rows[r] = true
		}
	}
	return slices.Sorted(maps.Keys(rows))
}

// literal is the value of a column in a row that both sides accept.
func (w *seeds) literal(id, r int) string {
	from, to := w.From.get(id), w.To.get(id)
	of := w.From.columnType(from)
	if to == nil {
		return of.literal(r)
	}
	other := w.To.columnType(to)
	if of.family == "text" {
		of, other = other, of
	}
	if of.family == "enum" && other.family == "enum" {
		common := slices.DeleteFunc(slices.Clone(of.labels), func(l string) bool { return !slices.Contains(other.labels, l) })
		of.labels = common
	}
	return of.literal(r)
}

// print returns the statement that fills a table, and the query on its kept
// columns.
func (w *seeds) print(t *Object, rows []int) (insert, query string) {
	var names, kept []string
	var columns []*Object
	to := w.To.get(t.ID)
	for _, c := range w.From.columns(t) {
		if w.From.generated(c) {
			continue
		}
		names, columns = append(names, quoted(c)), append(columns, c)
		other := w.To.get(c.ID)
		if other == nil || w.To.generated(other) || !slices.Contains(w.To.columns(to), other) {
			continue
		}
		if w.steady(c) && w.steady(other) && w.From.columnType(c).sql == w.To.columnType(other).sql && w.literal(c.ID, 1) != "" {
			kept = append(kept, quoted(c)+`::text COLLATE "C"`)
		}
	}
	if len(names) == 0 {
		return "", ""
	}
	var lines []string
	for _, r := range rows {
		var values []string
		for _, c := range columns {
			v := w.literal(c.ID, r)
			if v == "" {
				v = "NULL"
			}
			values = append(values, v)
		}
		lines = append(lines, "("+strings.Join(values, ", ")+")")
	}
	name := w.From.name(t)
	insert = "INSERT INTO " + name + " (" + strings.Join(names, ", ") + ") OVERRIDING SYSTEM VALUE VALUES " + strings.Join(lines, ", ") + ";\n"
	if len(kept) == 0 {
		return insert, "SELECT count(*)::text FROM ONLY " + name
	}
	return insert, "SELECT concat_ws(' ', " + strings.Join(kept, ", ") + ") FROM ONLY " + name + " ORDER BY 1"
}

// steady reports whether a column keeps its values whatever happens to its
// type: PostgreSQL's own types and enums can always be changed in place.
func (w *seeds) steady(c *Object) bool {
	of := w.From.ref(c, "type")
	if of == nil {
		of = w.To.ref(c, "type")
	}
	return of == nil || of.Kind == "enum"
}
