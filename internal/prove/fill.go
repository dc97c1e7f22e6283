package prove

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// fill makes rows in one table. A table that no row can be made for stays empty.
func (s *seeder) fill(t *seedTable) error {
	factors, copies, possible, err := s.factors(t)
	if err != nil || !possible {
		return err
	}
	var conditions []condition
	for _, text := range append(slices.Clone(t.Checks), t.Bound) {
		if c, ok := newCondition(text, t.Columns); ok {
			conditions = append(conditions, c)
		}
	}
	for _, careful := range []bool{false, true} {
		if careful {
			if err := s.validate(factors); err != nil {
				return err
			}
		}
		rows, err := s.choose(t, factors, conditions, careful)
		if err != nil {
			return err
		}
		for _, row := range rows {
			for to, from := range copies {
				row[to] = row[from]
			}
		}
		if s.rows[t.OID], err = s.insert(t, rows); err != nil || s.rows[t.OID] > 0 {
			return err
		}
	}
	return nil
}

// factors returns the values that the columns can have, and which of them
// repeat another one of the same row. It reports whether a row is possible.
func (s *seeder) factors(t *seedTable) (factors []factor, copies map[int]int, possible bool, err error) {
	copies = map[int]int{}
	taken := map[int]bool{}
	place := func(name string) int {
		return slices.IndexFunc(t.Columns, func(c column) bool { return c.Name == name })
	}
	for _, ref := range t.References {
		f := factor{}
		self, shared := s.within(t.OID, ref.Table), false
		for _, name := range ref.Columns {
			f.columns = append(f.columns, place(name))
			shared = shared || taken[place(name)]
		}
		if shared {
			continue // a column of another foreign key decides
		}
		if f.tuples, err = s.referred(t, f.columns, ref); err != nil {
			return nil, nil, false, err
		}
		optional := !slices.ContainsFunc(f.columns, func(c int) bool { return t.Columns[c].NotNull })
		switch {
		case len(f.tuples) > 0:
		case optional:
			f.tuples = [][]string{slices.Repeat([]string{"NULL"}, len(f.columns))}
		case self:
			for i, c := range f.columns {
				copies[c], taken[c] = place(ref.Others[i]), true
			}
			continue
		default:
			return nil, nil, false, nil
		}
		for _, c := range f.columns {
			taken[c] = true
		}
		factors = append(factors, f)
	}
	for i, c := range t.Columns {
		if taken[i] || c.Generated {
			continue
		}
		f := factor{columns: []int{i}}
		for _, e := range s.expressions(c.Type, c.TypeName, 0) {
			f.tuples = append(f.tuples, []string{e})
		}
		if !c.NotNull {
			f.tuples = append(f.tuples, []string{"NULL::" + c.TypeName})
		}
		if len(f.tuples) == 0 {
			return nil, nil, false, nil
		}
		factors = append(factors, f)
	}
	return factors, copies, true, nil
}

// referred returns the keys that rows of another table have.
func (s *seeder) referred(t *seedTable, columns []int, ref reference) ([][]string, error) {
	var others []string
	for _, name := range ref.Others {
		others = append(others, pg.QuoteIdent(name)+"::text")
	}
	keys, _, err := ask[[]*string](s, fmt.Sprintf("SELECT ARRAY[%s] FROM %s LIMIT %d", strings.Join(others, ","), ref.Ref, seedRows))
	if err != nil {
		return nil, err
	}
	var tuples [][]string
	for _, key := range keys {
		var tuple []string
		for i, value := range key {
			if value == nil {
				break
			}
			tuple = append(tuple, pg.QuoteLiteral(*value)+"::"+t.Columns[columns[i]].TypeName)
		}
		if len(tuple) == len(columns) {
			tuples = append(tuples, tuple)
		}
	}
	return tuples, nil
}

// choose makes rows of values that fulfil the conditions. Values that no
// condition is about are taken in turn.
func (s *seeder) choose(t *seedTable, factors []factor, conditions []condition, careful bool) ([][]string, error) {
	rows := make([][]string, seedRows)
	for n := range rows {
		rows[n] = make([]string, len(t.Columns))
	}
	groups, of := components(factors, conditions)
	for g, members := range groups {
		chosen := make([]factor, len(members))
		for i, m := range members {
			chosen[i] = factors[m]
			if len(of[g]) > 0 {
				chosen[i] = s.extend(t, factors[m], of[g])
			}
		}
		if len(of[g]) > 0 && careful {
			if err := s.validate(chosen); err != nil {
				return nil, err
			}
		}
		matches, err := s.matches(t, chosen, of[g])
		if err != nil {
			return nil, err
		}
		for n := range rows {
			for i, f := range chosen {
				tuple := f.tuples[n%min(seedRows, len(f.tuples))]
				if len(matches) > 0 {
					tuple = f.tuples[matches[n%len(matches)][i]]
				}
				for j, c := range f.columns {
					rows[n][c] = tuple[j]
				}
			}
		}
	}
	return rows, nil
}

// matches asks the server which values fulfil the conditions together.
func (s *seeder) matches(t *seedTable, factors []factor, conditions []condition) ([][]int64, error) {
	if len(conditions) == 0 {
		return nil, nil
	}
	found, _, err := ask[[]int64](s, matching(factors, t.Columns, conditions))
	if err != nil {
		return nil, err
	}
	return spread(found, seedRows), nil
}

// extend adds the values that conditions name to those of a column.
func (s *seeder) extend(t *seedTable, f factor, conditions []condition) factor {
	if len(f.columns) != 1 {
		return f
	}
	col := t.Columns[f.columns[0]]
	var named [][]string
	for _, c := range conditions {
		if slices.Contains(c.columns, f.columns[0]) {
			for _, e := range s.others(col, c) {
				named = append(named, []string{e})
			}
		}
	}
	f.tuples = append(named, f.tuples...)
	return f
}

// validate takes out the values that the server does not read.
func (s *seeder) validate(factors []factor) error {
	for i, f := range factors {
		var good [][]string
		for _, tuple := range f.tuples {
			_, ok, err := ask[string](s, "SELECT row("+strings.Join(tuple, ",")+")::text")
			if err != nil {
				return err
			}
			if ok {
				good = append(good, tuple)
			}
		}
		if len(good) > 0 {
			factors[i].tuples = good
		}
	}
	return nil
}

// insert makes the rows, all at once or, when one is refused, one after the
// other. It returns how many there are.
func (s *seeder) insert(t *seedTable, rows [][]string) (int64, error) {
	var names []string
	var places []int
	for i, c := range t.Columns {
		if !c.Generated {
			names, places = append(names, pg.QuoteIdent(c.Name)), append(places, i)
		}
	}
	tuple := func(row []string) string {
		var values []string
		for _, i := range places {
			values = append(values, row[i])
		}
		return "(" + strings.Join(values, ",") + ")"
	}
	if len(names) == 0 {
		return s.attempt("INSERT INTO " + t.Ref + " DEFAULT VALUES")
	}
	head := "INSERT INTO " + t.Ref + " (" + strings.Join(names, ",") + ") OVERRIDING SYSTEM VALUE VALUES "
	var tuples []string
	for _, row := range rows {
		tuples = append(tuples, tuple(row))
	}
	n, err := s.attempt(head + strings.Join(tuples, ",") + " ON CONFLICT DO NOTHING")
	if err == nil || pg.Code(err) == "" {
		return n, err
	}
	var made int64
	for _, t := range tuples {
		n, err := s.attempt(head + t)
		if err != nil && pg.Code(err) == "" {
			return made, err
		}
		made += n
	}
	return made, nil
}

// fitting returns those of the values that a domain takes.
func (s *seeder) fitting(d *datatype, values []string) []string {
	if len(d.Checks) == 0 || len(values) == 0 {
		return values
	}
	key := d.Name + "\x00" + strings.Join(values, "\x00")
	if fit, known := s.fits[key]; known {
		return fit
	}
	value := column{Name: "value", Type: d.Base, TypeName: d.BaseName}
	f := factor{columns: []int{0}}
	for _, v := range values {
		f.tuples = append(f.tuples, []string{v})
	}
	var conditions []condition
	for _, text := range d.Checks {
		c, _ := newCondition(text, []column{value})
		for _, e := range s.others(value, c) {
			f.tuples = append(f.tuples, []string{e})
		}
		conditions = append(conditions, c)
	}
	found, ok, err := ask[[]int64](s, matching([]factor{f}, []column{value}, conditions))
	if err == nil && !ok {
		factors := []factor{f}
		if err = s.validate(factors); err == nil {
			f = factors[0]
			found, _, err = ask[[]int64](s, matching(factors, []column{value}, conditions))
		}
	}
	fit := values // an error of the connection shows with the next statement
	if err == nil && len(found) > 0 {
		fit = nil
		for _, m := range found {
			fit = append(fit, f.tuples[m[0]][0])
		}
	}
	s.fits[key] = fit
	return fit
}
