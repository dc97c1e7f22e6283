package prove

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// datatype is a type of a column, or of a part of one.
type datatype struct {
	OID      int64
	Name     string // as the server prints it, without a modifier
	Plain    string // pg_type.typname
	Sort     string // pg_type.typtype
	Category string
	Base     int64    // of a domain
	BaseName string   // with its modifier
	Element  int64    // of an array
	Subtype  int64    // of a range
	Range    int64    // of a multirange
	Labels   []string // of an enum
	Fields   []int64  // types of a composite one
	Checks   []string // of a domain, about VALUE
	NotNull  bool
}

// samples are texts that each built-in type reads, the first three different.
var samples = map[string][]string{
	"bool": {"true", "false"}, "name": texts, "text": texts, "varchar": texts, "bpchar": texts, "citext": texts, "refcursor": texts,
	"int2": numerals, "int4": numerals, "int8": numerals, "oid": numerals[:3], "numeric": decimals, "float4": decimals, "float8": decimals, "money": decimals,
	"date": days, "timestamp": days, "timestamptz": days,
	"time": {"01:00", "02:00", "03:00", "12:00", "23:59"}, "timetz": {"01:00+00", "02:00+00", "03:00+00", "12:00+00"},
	"interval": {"1 day", "2 days", "3 days", "1 hour", "1 month", "1 year"},
	"char":     {"a", "b", "c", "1", "Y", "N"}, "bytea": {`\x01`, `\x02`, `\x03`},
	"uuid": {"00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000003"},
	"json": {`{"a": 1}`, `{"a": 2}`, `{"a": 3}`, "[1]", "1", `"a"`, "{}"}, "jsonb": {`{"a": 1}`, `{"a": 2}`, `{"a": 3}`, "[1]", "1", `"a"`, "{}"},
	"jsonpath": {"$.a", "$.b", "$.c"}, "xml": {"<a>1</a>", "<a>2</a>", "<a>3</a>"},
	"inet": {"10.0.0.1", "10.0.0.2", "10.0.0.3", "::1"}, "cidr": {"10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"},
	"macaddr":  {"08:00:2b:01:02:01", "08:00:2b:01:02:02", "08:00:2b:01:02:03"},
	"macaddr8": {"08:00:2b:01:02:03:04:01", "08:00:2b:01:02:03:04:02", "08:00:2b:01:02:03:04:03"},
	"point":    {"(1,1)", "(2,2)", "(3,3)"}, "line": {"{1,2,3}", "{1,2,4}", "{1,2,5}"}, "lseg": {"[(0,0),(1,1)]", "[(0,0),(2,2)]", "[(0,0),(3,3)]"},
	"box": {"(1,1),(0,0)", "(3,3),(2,2)", "(5,5),(4,4)"}, "path": {"[(0,0),(1,1)]", "[(0,0),(2,2)]", "[(0,0),(3,3)]"},
	"polygon": {"((0,0),(1,0),(1,1))", "((2,2),(3,2),(3,3))", "((4,4),(5,4),(5,5))"}, "circle": {"<(1,1),1>", "<(10,10),1>", "<(20,20),1>"},
	"tsvector": {"a:1", "b:1", "c:1"}, "tsquery": {"a", "b", "c"}, "pg_lsn": {"0/1", "0/2", "0/3"},
	"txid_snapshot": {"1:2:", "1:3:", "1:4:"}, "pg_snapshot": {"1:2:", "1:3:", "1:4:"}, "xid": {"1", "2", "3"}, "xid8": {"1", "2", "3"}, "cid": {"1", "2", "3"},
	"tid": {"(0,1)", "(0,2)", "(0,3)"}, "int2vector": {"1 2", "2 3", "3 4"}, "oidvector": {"1 2", "2 3", "3 4"},
	"regclass": {"pg_class", "pg_type", "pg_attribute"}, "regproc": {"pg_sleep", "pg_typeof", "pg_backend_pid"},
	"regprocedure": {"pg_sleep(float8)", "pg_backend_pid()", "version()"}, "regoper": {"*<>", "*=", "*>"},
	"regoperator": {"+(int4,int4)", "-(int4,int4)", "*(int4,int4)"}, "regtype": {"int4", "int8", "text"},
	"regnamespace": {"pg_catalog", "information_schema", "pg_toast"}, "regrole": {"pg_monitor", "pg_read_all_stats", "pg_signal_backend"},
	"regcollation": {`"C"`, `"POSIX"`, `"default"`}, "regconfig": {"simple", "english", "german"}, "regdictionary": {"simple", "english_stem", "german_stem"},
	"regdatabase": {"template1", "template0", "postgres"}, "aclitem": {"=r/pg_monitor", "=w/pg_monitor", "=a/pg_monitor"},
	"hstore": {"a=>1", "a=>2", "a=>3"}, "ltree": {"a", "b", "c"}, "cube": {"(1)", "(2)", "(3)"},
	"geometry": {"POINT(1 1)", "POINT(2 2)", "POINT(3 3)"}, "geography": {"POINT(1 1)", "POINT(2 2)", "POINT(3 3)"}, "vector": {"[1,2,3]", "[2,3,4]", "[3,4,5]"},
}

var (
	numerals = []string{"1", "2", "3", "0", "-1", "10", "50", "100", "1000"}
	decimals = append(slices.Clone(numerals), "0.5", "0.25", "0.125", "0.1", "-0.5")
	days     = []string{"2024-01-01", "2024-01-02", "2024-01-03", "1900-01-01", "2999-01-01", "2000-06-15"}
	texts    = []string{"1", "2", "3", "a", "ab", "abc", "A", "AB", "ABC", "a1", "a-b", "abcdefgh", "a@b.cd", "https://a.bc/", "+12025550123", "12345", "2024-01-01", "{}"}
	anything = []string{"1", "2", "3", "a", "b", "c", "(1)", "{}", ""}
)

// others are what else is tried for a column, because a condition names it.
func (s *seeder) others(col column, c condition) []string {
	d, name := s.types[col.Type], col.TypeName
	if d == nil {
		return nil
	}
	base := d
	for base.Sort == "d" && s.types[base.Base] != nil {
		name, base = base.BaseName, s.types[base.Base]
	}
	var list []string
	switch base.Category {
	case "N":
		for _, n := range c.numbers {
			list = append(list, "("+n+")::"+name, "("+n+"+1)::"+name, "("+n+"-1)::"+name)
		}
	case "B", "E":
		return nil
	default:
		words := slices.Clone(c.strings)
		for _, n := range c.lengths {
			if base.Category == "S" {
				words = append(words, strings.Repeat("a", n), strings.Repeat("a", n+1), strings.Repeat("1", n), strings.Repeat("a", max(0, n-1)))
			}
		}
		for _, w := range words {
			list = append(list, pg.QuoteLiteral(w)+"::"+name)
		}
	}
	if d.Sort != "d" {
		return list
	}
	var fit []string
	for _, e := range s.fitting(d, list) {
		fit = append(fit, "("+e+")::"+col.TypeName)
	}
	return fit
}

// expressions returns SQL of values of the type, the first ones different.
func (s *seeder) expressions(oid int64, name string, depth int) []string {
	d := s.types[oid]
	if d == nil || depth > 5 {
		return nil
	}
	var list []string
	wrap := func(of int64, form func(string) string) {
		for _, e := range s.expressions(of, s.nameOf(of), depth+1) {
			list = append(list, form(e))
		}
	}
	switch {
	case len(d.Labels) > 0:
		for _, l := range d.Labels {
			list = append(list, pg.QuoteLiteral(l)+"::"+name)
		}
	case d.Sort == "d":
		for _, e := range s.fitting(d, s.expressions(d.Base, d.BaseName, depth+1)) {
			list = append(list, "("+e+")::"+name)
		}
	case d.Element != 0 && d.Category == "A":
		wrap(d.Element, func(e string) string { return "ARRAY[" + e + "]::" + name })
	case d.Subtype != 0:
		wrap(d.Subtype, func(e string) string { return d.Name + "(" + e + "," + e + ",'[]')" })
	case d.Range != 0:
		wrap(d.Range, func(e string) string { return d.Name + "(" + e + ")" })
	case d.Sort == "c":
		list = s.composites(d, name, depth)
	case d.Plain == "bit" || d.Plain == "varbit":
		list = []string{"(B'1')::" + name, "(B'0')::" + name, "(B'01')::" + name, "(B'001')::" + name}
	default:
		texts, known := samples[d.Plain]
		if !known {
			texts = anything
		}
		for _, t := range texts {
			list = append(list, pg.QuoteLiteral(t)+"::"+name)
		}
	}
	return list
}

func (s *seeder) nameOf(oid int64) string {
	if d := s.types[oid]; d != nil {
		return d.Name
	}
	return ""
}

// composites makes rows of the n-th value of each field.
func (s *seeder) composites(d *datatype, name string, depth int) []string {
	var list []string
	for n := range 3 {
		var fields []string
		for _, f := range d.Fields {
			all := s.expressions(f, s.nameOf(f), depth+1)
			if len(all) == 0 {
				fields = append(fields, "NULL")
				continue
			}
			fields = append(fields, all[n%len(all)])
		}
		list = append(list, "ROW("+strings.Join(fields, ",")+")::"+name)
	}
	return list
}
