package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/schema"
)

// Stamp tells what the catalogs of a database hold from everything that they held
// before, without reading it.
//
// A change of the schema writes rows into the catalogs, and each row says which
// transaction wrote it (xmin, manual chapter 5.6). When that has ended, its rows can
// only become fewer. So while the same rows of the same transactions are there, they
// are the same rows. What PostgreSQL writes into a row in its place, the estimates of
// VACUUM and ANALYZE, is no part of a state, or is read again.
//
// That holds while one server runs, and as long as the numbers of transactions have
// not come round. Where a data directory was restored or copied, other transactions
// can have the same numbers, but it is another server that was started. So they can
// where transactions were lost in a crash that the server has survived; its
// background processes are others then.
type Stamp struct {
	Place   string // the running server, the database and who reads it
	Content string // of the catalogs
}

// Memory keeps states that were read.
type Memory interface {
	// Recall returns the state that was kept under a stamp, for the caller alone, and
	// nil when there is none.
	Recall(Stamp) *schema.State
	// Keep keeps a state, which it does not change.
	Keep(Stamp, *schema.State)
}

// stamped are the catalogs that are looked at whole. Roles and user mappings are not
// everybody's to read, and subscriptions only in part: see stampQuery.
var stamped = []string{
	"pg_aggregate", "pg_am", "pg_amop", "pg_amproc", "pg_attrdef", "pg_attribute", "pg_auth_members", "pg_cast", "pg_class", "pg_collation",
	"pg_constraint", "pg_conversion", "pg_db_role_setting", "pg_default_acl", "pg_depend", "pg_description", "pg_enum", "pg_event_trigger",
	"pg_extension", "pg_foreign_data_wrapper", "pg_foreign_server", "pg_foreign_table", "pg_index", "pg_inherits", "pg_init_privs",
	"pg_language", "pg_namespace", "pg_opclass", "pg_operator", "pg_opfamily", "pg_partitioned_table", "pg_policy", "pg_proc",
	"pg_publication", "pg_publication_rel", "pg_range", "pg_rewrite", "pg_seclabel", "pg_sequence", "pg_shdescription", "pg_shseclabel",
	"pg_statistic_ext", "pg_tablespace", "pg_transform", "pg_trigger", "pg_ts_config", "pg_ts_config_map", "pg_ts_dict",
	"pg_ts_parser", "pg_ts_template", "pg_type",
}

// stampedSince are those that came later, with their first version.
var stampedSince = map[string]int{"pg_parameter_acl": 15, "pg_publication_namespace": 15}

// stampQuery returns the two parts of the stamp. Of views, which have no xmin, the
// content counts; so do the settings, which can change what is printed. There is no stamp of what this reader may not see all changes of.
func stampQuery(server int, restricted bool) string {
	const written = "SELECT COALESCE(sum(hash_record_extended(ROW(xmin), 0)), 0) FROM "
	const content = "SELECT COALESCE(sum(hash_record_extended(v, 0)), 0) FROM "
	sums := []string{
		written + "pg_database WHERE datname = current_database()",
		content + "pg_roles AS v",
		content + "(SELECT name, setting FROM pg_settings WHERE name <> 'application_name') AS v",
	}
	readable := "true"
	if restricted {
		sums = append(sums, content+"pg_user_mappings AS v")
		readable = "NOT EXISTS (SELECT FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()))"
	} else {
		sums = append(sums, written+"pg_authid", written+"pg_user_mapping", written+"pg_subscription")
	}
	for _, name := range stamped {
		sums = append(sums, written+name)
	}
	for name, since := range stampedSince {
		if server >= since {
			sums = append(sums, written+name)
		}
	}
	slices.Sort(sums) // those of a map have no order
	return fmt.Sprintf(`SELECT concat_ws(' ', (SELECT oid FROM pg_database WHERE datname = current_database()),
	CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') THEN (SELECT system_identifier FROM pg_control_system()) END,
	extract(epoch FROM pg_postmaster_start_time()), (SELECT min(pid) FROM pg_stat_get_activity(NULL) WHERE datid IS NULL),
	pg_snapshot_xmax(pg_current_snapshot())::text::bigint >> 32, quote_ident(session_user), quote_ident(current_user)),
	CASE WHEN %s THEN concat_ws(' ', (%s)) END`, readable, strings.Join(sums, "),\n\t("))
}

func (r *reader) readStamp(rr *pgconn.ResultReader) error {
	for rr.NextRow() {
		v := rr.Values()
		r.stamp = Stamp{
			Place:   fmt.Sprintf("%s server %d restricted %t unowned %q default %q with %q", v[0], r.options.Server, r.restricted, r.options.Unowned, r.options.Default, r.state.Options),
			Content: string(v[1]),
		}
	}
	return nil
}

// recall returns the state that was read from what the catalogs still hold, nil
// when it was not kept.
func (r *reader) recall() *schema.State {
	if r.stamp.Content == "" { // nobody asked, or there is none
		return nil
	}
	return r.options.Memory.Recall(r.stamp)
}

// remember keeps what was read.
func (r *reader) remember() {
	if r.stamp.Content != "" {
		r.options.Memory.Keep(r.stamp, r.state)
	}
}

// sizes returns the queries of what changes without the schema, and who reads each.
func (r *reader) sizes() (queries []string, targets []target) {
	sized := map[string]bool{}
	for id, o := range r.state.Objects {
		if o.Stats != nil {
			sized[id.Kind] = true
		}
	}
	for _, k := range r.kinds.All() {
		if !sized[k.Name] {
			continue
		}
		queries = append(queries, "SELECT schema, name, tuples, bytes FROM ("+k.Query(r.options.Server)+") AS q")
		targets = append(targets, target{"the sizes of kind " + k.Name, func(rr *pgconn.ResultReader) error {
			for rr.NextRow() {
				v := rr.Values()
				if o := r.state.Objects[schema.ID{Kind: k.Name, Schema: string(v[0]), Name: string(v[1])}]; o != nil {
					o.Stats = statsOf(string(v[2]), string(v[3]))
				}
			}
			return nil
		}})
	}
	return append(queries, largeQuery), append(targets, target{"large objects", r.readLarge})
}

// largeQuery counts large objects as far as it matters.
var largeQuery = fmt.Sprintf("SELECT count(*) FROM (SELECT FROM pg_largeobject_metadata LIMIT %d) AS l", schema.MostLarge+1)
