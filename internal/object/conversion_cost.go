package object

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// typeWords is the printed name of a type in its parts: "timestamp(3) without
// time zone" has the base "timestamp without time zone" and the modifier 3.
type typeWords struct {
	base  string
	mod   []int
	array bool
}

func wordsOf(printed string) typeWords {
	var t typeWords
	printed, t.array = strings.CutSuffix(printed, "[]")
	before, rest, found := strings.Cut(printed, "(")
	mod, after, _ := strings.Cut(rest, ")")
	t.base = strings.TrimSpace(before + after)
	if !found {
		return t
	}
	for m := range strings.SplitSeq(mod, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(m))
		if err != nil { // fields of a type that an extension brings
			return typeWords{base: printed, array: t.array}
		}
		t.mod = append(t.mod, n)
	}
	return t
}

// limit is the first modifier, or a value that no modifier reaches.
func (t typeWords) limit() int {
	if len(t.mod) == 0 {
		return 1 << 30
	}
	return t.mod[0]
}

// scale is the second modifier of numeric.
func (t typeWords) scale() int {
	if len(t.mod) < 2 {
		return 0
	}
	return t.mod[1]
}

// coercible are the changes between types of one binary form: PostgreSQL takes
// the stored values as they are. Those to varchar hold without a length.
var coercible = map[string][]string{
	"character varying": {"text"},
	"text":              {"character varying"},
	"cidr":              {"inet"},
	"xml":               {"text", "character varying"},
	"integer":           {"oid"},
	"oid":               {"integer"},
	"bit":               {"bit varying"},
}

// rewrites reports whether ALTER COLUMN ... TYPE makes PostgreSQL convert every
// row. It keeps the rows where the values cannot change: a longer varchar, a
// numeric of the same scale, more digits of a second (manual, ALTER TABLE, Notes).
func rewrites(old, new string) bool {
	a, b := wordsOf(old), wordsOf(new)
	switch {
	case old == new:
		return false
	case a.array || b.array:
		return true
	case a.base != b.base:
		return len(b.mod) > 0 || !slices.Contains(coercible[a.base], b.base)
	}
	switch a.base {
	case "numeric":
		return len(b.mod) > 0 && (len(a.mod) == 0 || a.scale() != b.scale() || b.limit() < a.limit())
	case "character varying", "bit varying", "interval", "timestamp without time zone", "timestamp with time zone",
		"time without time zone", "time with time zone":
		return b.limit() < a.limit()
	}
	return true
}

// whole are the types of whole numbers, to which others are rounded.
var whole = []string{"smallint", "integer", "bigint"}

// fractions are the types of numbers that are not whole.
var fractions = []string{"numeric", "real", "double precision"}

// text are the types whose values a cast to a length cuts without an error.
var texts = []string{"text", "character varying", "character", "bit varying", "bit"}

// narrows reports whether the conversion can change values without an error: a
// cast cuts text and rounds numbers and times.
func narrows(old, new string) bool {
	a, b := wordsOf(old), wordsOf(new)
	switch {
	case slices.Contains(texts, b.base) && len(b.mod) > 0 && slices.Contains(texts, a.base):
		return b.limit() < a.limit()
	case slices.Contains(fractions, a.base) && slices.Contains(whole, b.base):
		return true
	case a.base == "double precision" && b.base == "real", a.base == "numeric" && slices.Contains(fractions[1:], b.base):
		return true
	case a.base == "numeric" && b.base == "numeric":
		return len(b.mod) > 0 && (len(a.mod) == 0 || b.scale() < a.scale())
	case strings.HasPrefix(a.base, "timestamp"):
		return b.base == "date" || strings.HasPrefix(b.base, "time") && (b.limit() < a.limit() || !strings.HasPrefix(b.base, "timestamp"))
	case strings.HasPrefix(a.base, "time "), a.base == "interval":
		return a.base == b.base && b.limit() < a.limit()
	}
	return false
}

// converted says of a change of type or collation what PostgreSQL does with the
// rows. Another collation leaves them alone and builds the column's indexes anew.
func converted(c *kind.Ctx, id schema.ID, old, col column, actions []kind.Action) []kind.Action {
	a := &actions[0]
	a.Rewrite = rewrites(old.Type, col.Type)
	a.Scan = !a.Rewrite && old.Collation != col.Collation && indexed(c, id)
	if narrows(old.Type, col.Type) {
		a.Loses, a.Why = "narrows-type", "what of the values does not fit into "+col.Type
	}
	return actions
}

// indexed reports whether an index of the old state needs the column.
func indexed(c *kind.Ctx, id schema.ID) bool {
	return len(c.Users(c.Old, id, "index")) > 0 || len(c.Users(c.Old, id, "constraint")) > 0
}

// fills reports whether adding the column writes every row anew: only a value
// that is the same for all rows is kept beside them (manual, ALTER TABLE, Notes).
func fills(c *kind.Ctx, id schema.ID, col column) bool {
	if col.Generated != "" {
		return !col.Virtual
	}
	return col.Identity != "" || volatileDefault(c, id) || constrainedDomain(c, id)
}

// volatile are functions of PostgreSQL itself that give another value each time.
var volatile = []string{"nextval", "random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7", "clock_timestamp", "timeofday",
	"currval", "lastval", "setval", "txid_current", "pg_current_xact_id"}

func volatileDefault(c *kind.Ctx, id schema.ID) bool {
	own := id
	own.Kind = "default"
	o := c.New.Objects[own]
	if o == nil {
		return false
	}
	for _, t := range pg.Tokens(kind.Decode[columnDefault](o).Expression) {
		if t.Name && slices.Contains(volatile, strings.ToLower(t.Text)) {
			return true
		}
	}
	return slices.ContainsFunc(o.Needs, func(need schema.ID) bool {
		f := c.New.Objects[need]
		return need.Kind == "function" && f != nil && f.Attr("volatility") == "VOLATILE"
	})
}

// constrainedDomain reports whether the column's type is a domain whose
// constraints PostgreSQL checks for each row that it fills.
func constrainedDomain(c *kind.Ctx, id schema.ID) bool {
	return slices.ContainsFunc(c.New.Objects[id].Needs, func(need schema.ID) bool {
		return need.Kind == "domain" && (len(c.Parts(c.New, need, "domain_constraint")) > 0 || c.New.Objects[need].Attr("notnull") == "t")
	})
}
