package object_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// hostileSettings are settings of a database under which text means something
// else, prints otherwise, goes elsewhere, or is refused.
var hostileSettings = map[string]string{
	"standard_conforming_strings":         "'off'",
	"escape_string_warning":               "'on'",
	"backslash_quote":                     "'off'",
	"quote_all_identifiers":               "'on'",
	"transform_null_equals":               "'on'",
	"array_nulls":                         "'off'",
	"xmloption":                           "'document'",
	"client_encoding":                     "'LATIN1'",
	"DateStyle":                           "'German, DMY'",
	"IntervalStyle":                       "'sql_standard'",
	"TimeZone":                            "'Asia/Kathmandu'",
	"bytea_output":                        "'escape'",
	"extra_float_digits":                  "'-15'",
	"search_path":                         "evil, pg_catalog, public",
	"default_tablespace":                  "'museum_space'",
	"default_table_access_method":         "'evil_heap'",
	"default_toast_compression":           "'pglz'",
	"default_text_search_config":          "'pg_catalog.german'",
	"default_transaction_isolation":       "'serializable'",
	"default_transaction_read_only":       "'on'",
	"default_transaction_deferrable":      "'on'",
	"lc_numeric":                          "'C'",
	"check_function_bodies":               "'on'",
	"row_security":                        "'off'",
	"client_min_messages":                 "'error'",
	"statement_timeout":                   "'50ms'",
	"lock_timeout":                        "'50ms'",
	"idle_in_transaction_session_timeout": "'50ms'",
	"idle_session_timeout":                "'300ms'",
	"transaction_timeout":                 "'50ms'",
	"createrole_self_grant":               "'set, inherit'",
	"enable_seqscan":                      "'off'",
	"plan_cache_mode":                     "'force_generic_plan'",
}

// evil holds objects that stand in for PostgreSQL's own where its schema comes
// before pg_catalog.
const evil = `CREATE SCHEMA evil; CREATE ACCESS METHOD evil_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE VIEW evil.pg_class AS SELECT 'pg_class'::pg_catalog.name AS relname WHERE false;
CREATE VIEW evil.pg_roles AS SELECT 'nobody'::pg_catalog.name AS rolname;
CREATE FUNCTION evil.length(text) RETURNS integer LANGUAGE sql RETURN -1;
CREATE FUNCTION evil.current_database() RETURNS name LANGUAGE sql RETURN 'elsewhere';
CREATE FUNCTION evil.pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE sql RETURN false;
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE sql RETURN false;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE TYPE evil.text AS (a integer);
`

// makeHostile gives a database settings for every session that begins afterwards,
// until the test ends.
func makeHostile(t *testing.T, major int, url string) {
	t.Helper()
	conn := pgtest.Connect(t, url)
	since := map[string]int{"createrole_self_grant": 16, "transaction_timeout": 17}
	var name string
	if err := conn.QueryRow(t.Context(), "SELECT quote_ident(current_database())").Scan(&name); err != nil {
		t.Fatal(err)
	}
	var set []string
	for setting, value := range hostileSettings {
		if major >= since[setting] {
			set = append(set, "ALTER DATABASE "+name+" SET "+setting+" = "+value)
		}
	}
	pgtest.Exec(t, url, strings.Join(set, ";"))
	t.Cleanup(func() { // what clears up is no session of cairn
		if _, err := conn.Exec(context.Background(), "ALTER DATABASE "+name+" RESET ALL"); err != nil {
			t.Error(err)
		}
	})
}

// What the databases of target and shadow set for their sessions changes nothing:
// the museum is built, prints as it does elsewhere, and is changed.
func TestHostileSettings(t *testing.T) {
	major := slices.Max(pgtest.Versions())
	before, after := museum(t, major)
	const backslashes = `COMMENT ON SCHEMA public IS 'a\n\';CREATE VIEW public.slashes AS SELECT 'a\'::text AS a, E'b\n\\'::text AS b, U&'\0041\\'::text AS c;`
	before, after = before+backslashes, after+backslashes
	engine := pgtest.NewEngine(t)
	target, shadow := clusters.Load(t, major, evil), clusters.Shadow(t, major)
	makeHostile(t, major, target)
	makeHostile(t, major, shadow)
	request := cairn.PlanRequest{
		Target: cairn.Connection{Database: target}, Desired: writeState(t, before), Scratch: cairn.Scratch{Shadow: shadow},
		Selection: cairn.Selection{Ignore: []string{"*:evil", "*:evil.*", "access_method:evil_heap"}},
	}
	pgtest.ApplyWhole(t, engine, request)
	text := func(url string) string {
		files, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: cairn.Connection{Database: url}, Selection: request.Selection})
		if err != nil {
			t.Fatal(err)
		}
		return files[0].Text
	}
	if diff := cmp.Diff(text(clusters.Load(t, major, before)), text(target)); diff != "" {
		t.Errorf("the dumps differ (-plain +hostile):\n%s", diff)
	}
	request.Desired, request.Prove = writeState(t, after), cairn.NoProof
	pgtest.ApplyWhole(t, engine, request)
}

// writeState puts SQL into a file and returns its name.
func writeState(t *testing.T, sql string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.sql")
	if err := os.WriteFile(path, []byte(sql), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
