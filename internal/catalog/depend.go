package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// address is how pg_depend names an object (manual chapter 53.18).
type address struct {
	class, object uint32
	sub           int32
}

func (a address) whole() address { return address{a.class, a.object, 0} }

// dependency is one row of pg_depend.
type dependency struct {
	from, to address
	kind     byte
}

// userOID is the first OID that initdb does not hand out.
const userOID = 16384

// dependQuery leaves out what the triggers of foreign keys need: they are no
// objects, and nothing depends on them.
const dependQuery = `SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype
FROM pg_depend WHERE objid >= 16384 AND refobjid <> 0
	AND NOT (classid = 'pg_trigger'::regclass AND refclassid = 'pg_constraint'::regclass AND deptype = 'i')`

// holders are the catalogs whose rows are objects by themselves. Rows of other
// catalogs are parts of these.
var holders = []string{
	"pg_am", "pg_cast", "pg_class", "pg_collation", "pg_conversion", "pg_constraint", "pg_default_acl",
	"pg_event_trigger", "pg_extension", "pg_foreign_data_wrapper", "pg_foreign_server", "pg_language",
	"pg_namespace", "pg_opclass", "pg_operator", "pg_opfamily", "pg_policy", "pg_proc", "pg_publication",
	"pg_rewrite", "pg_statistic_ext", "pg_transform", "pg_trigger", "pg_ts_config", "pg_ts_dict", "pg_ts_parser",
	"pg_ts_template", "pg_type",
}

// objectsQuery lists every object that a user made. Internal triggers and what
// belongs to TOAST or a temporary schema are nobody's, and the types of rows and
// arrays come with others.
func objectsQuery() string {
	skip := map[string]string{
		"pg_trigger":    " AND NOT tgisinternal AND tgparentid = 0",
		"pg_namespace":  " AND nspname !~ '^pg_(temp|toast_temp)_'",
		"pg_class":      " AND relkind <> 't' AND relnamespace <> 'pg_toast'::regnamespace AND relpersistence <> 't'",
		"pg_type":       " AND typrelid = 0 AND (typelem = 0 OR typarray <> 0) AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.oid = typnamespace AND n.nspname ~ '^pg_')",
		"pg_constraint": " AND conparentid = 0 AND contype NOT IN ('n', 't')", // parts of columns, domains and triggers
		"pg_operator":   " AND oprcode <> 0",                                  // a shell, which another operator made by naming it
	}
	queries := make([]string, len(holders))
	for i, h := range holders {
		queries[i] = fmt.Sprintf("SELECT '%s'::regclass::oid, oid FROM %s WHERE oid >= %d%s", h, h, userOID, skip[h])
	}
	queries = append(queries,
		"SELECT 'pg_subscription'::regclass::oid, oid FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
		fmt.Sprintf("SELECT 'pg_user_mapping'::regclass::oid, umid FROM pg_user_mappings WHERE umid >= %d", userOID))
	return strings.Join(queries, " UNION ALL ")
}

// addressOf reads an address from the first three columns.
func addressOf(v [][]byte) address {
	return address{oid(string(v[0])), oid(string(v[1])), int32(number(string(v[2])))}
}

func (r *reader) readDepends(rr *pgconn.ResultReader) error {
	for rr.NextRow() {
		v := rr.Values()
		r.depends = append(r.depends, dependency{
			from: addressOf(v),
			to:   addressOf(v[3:]),
			kind: v[6][0],
		})
	}
	return nil
}

// initialQuery lists the privileges that extensions gave on their members when
// they were created (manual chapter 53.22).
const initialQuery = `SELECT classoid, objoid, objsubid, array_to_json(initprivs::text[])
FROM pg_init_privs WHERE privtype = 'e' AND objoid >= 16384`

// systemQuery lists the objects of PostgreSQL's own whose privileges somebody
// changed.
const systemQuery = `SELECT x.c, x.o FROM (SELECT 'pg_proc'::regclass::oid, oid, proacl FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
	UNION ALL SELECT 'pg_class'::regclass::oid, oid, relacl FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace) AS x(c, o, acl)
	LEFT JOIN pg_init_privs i ON i.classoid = x.c AND i.objoid = x.o AND i.objsubid = 0
WHERE x.acl IS NOT NULL AND x.acl IS DISTINCT FROM i.initprivs AND x.o < 16384`

func (r *reader) readSystem(rr *pgconn.ResultReader) error {
	for rr.NextRow() {
		v := rr.Values()
		r.changed = append(r.changed, address{oid(string(v[0])), oid(string(v[1])), 0})
	}
	return nil
}

func (r *reader) readInitial(rr *pgconn.ResultReader) error {
	r.initial = map[address]string{}
	for rr.NextRow() {
		v := rr.Values()
		r.initial[addressOf(v)] = string(v[3])
	}
	return nil
}

func (r *reader) readCatalogue(rr *pgconn.ResultReader) error {
	for rr.NextRow() {
		v := rr.Values()
		r.catalogue = append(r.catalogue, address{oid(string(v[0])), oid(string(v[1])), 0})
	}
	return nil
}

// resolver finds the modelled object behind a catalog address.
type resolver struct {
	byAddress map[address]*node
	extension map[address]address      // members of extensions
	above     map[address][]dependency // rows that can be climbed from what is not modelled, best first
}

// climbOrder is the order in which an object's own dependencies lead to the
// object that it is a part of: internal, partition, automatic.
const climbOrder = "iPSa"

func newResolver(byAddress map[address]*node, depends []dependency) *resolver {
	v := &resolver{byAddress: byAddress, extension: map[address]address{}, above: map[address][]dependency{}}
	for _, d := range depends {
		if d.kind == 'e' {
			v.extension[d.from.whole()] = d.to
		} else if strings.IndexByte(climbOrder, d.kind) >= 0 && byAddress[d.from] == nil {
			v.above[d.from] = append(v.above[d.from], d)
		}
	}
	for _, rows := range v.above {
		slices.SortStableFunc(rows, func(a, b dependency) int {
			return strings.IndexByte(climbOrder, a.kind) - strings.IndexByte(climbOrder, b.kind)
		})
	}
	return v
}

// resolve returns the object that stands for the address: the modelled object
// itself, the extension that it is a member of, the whole of which it is a
// sub-object, or what its own dependencies lead to; nil when there is none.
func (v *resolver) resolve(a address) *node { return v.climb(a, 0) }

func (v *resolver) climb(a address, depth int) *node {
	if e, ok := v.extension[a.whole()]; ok {
		return v.byAddress[e]
	}
	if n := v.byAddress[a]; n != nil {
		return n
	}
	if a.sub != 0 {
		if n := v.climb(a.whole(), depth); n != nil {
			return n
		}
	}
	if depth > 8 {
		return nil
	}
	for _, d := range v.above[a] {
		if n := v.climb(d.to, depth+1); n != nil {
			return n
		}
	}
	return nil
}

// accounted reports whether the object is modelled, belongs to an extension, or
// is what PostgreSQL made for one of these. That it depends on such an object is
// not enough.
func (v *resolver) accounted(a address, depth int) bool {
	if v.byAddress[a] != nil || v.member(a) {
		return true
	}
	return depth < 8 && slices.ContainsFunc(v.above[a], func(d dependency) bool {
		return d.kind != 'a' && v.accounted(d.to.whole(), depth+1)
	})
}

// member reports whether the address belongs to an extension.
func (v *resolver) member(a address) bool {
	_, ok := v.extension[a.whole()]
	return ok
}

// describeUnknown asks the server for the names of objects that no kind covers.
func (r *reader) describeUnknown(ctx context.Context, conn *pgx.Conn) error {
	if len(r.unknown)+len(r.changed) == 0 {
		return nil
	}
	var classes, objects []uint32
	for _, a := range append(r.unknown, r.changed...) {
		classes, objects = append(classes, a.class), append(objects, a.object)
	}
	rows, err := conn.Query(ctx, `SELECT DISTINCT d COLLATE "C" FROM (SELECT CASE WHEN i > $3 THEN 'who may use ' ELSE '' END || pg_describe_object(c, o, 0) AS d
FROM unnest($1::oid[], $2::oid[]) WITH ORDINALITY AS u(c, o, i)) x WHERE d IS NOT NULL ORDER BY 1`, classes, objects, len(r.unknown))
	if err != nil {
		return fmt.Errorf("describing unmanaged objects: %w", err)
	}
	r.state.Unknown, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("describing unmanaged objects: %w", err)
	}
	return nil
}
