package pgtest_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// recaller plans for one target again and again.
type recaller struct {
	t       *testing.T
	request cairn.PlanRequest
}

// plan makes a plan and reports whether the state of the target was not read but
// kept.
func (r recaller) plan() (p *schema.Plan, recalled bool) {
	r.t.Helper()
	count := map[string]int{}
	p, err := pgtest.NewListeningEngine(r.t, func(e schema.Event) { count[e.Name]++ }).Plan(r.t.Context(), r.request)
	if err != nil {
		r.t.Fatal(err)
	}
	if count["read"]+count["recall"] != 1 {
		r.t.Errorf("the target was read or recalled %d times", count["read"]+count["recall"])
	}
	return p, count["recall"] == 1
}

// The state of a target whose catalogs hold the same as before is not read again,
// and what changes without them is.
func TestRecall(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			url := clusters.Own(t, major, `CREATE TABLE a (b integer CHECK (b > 0)); CREATE INDEX i ON a (b); CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;
CREATE SEQUENCE s; CREATE ROLE recall_reader; CREATE ROLE recall_user LOGIN; CREATE SUBSCRIPTION p CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)`)
			plan := cairn.PlanRequest{Target: cairn.Connection{Database: url}, Prove: cairn.NoProof,
				Desired: desiredFile(t, "CREATE TABLE a (b bigint CHECK (b > 0))")}
			r := recaller{t, plan}
			demand := func(what string, want bool) *schema.Plan {
				t.Helper()
				p, recalled := r.plan()
				if recalled != want {
					t.Errorf("%s: recalled %t", what, recalled)
				}
				return p
			}
			demand("the first plan", false)
			demand("the second plan", true)
			pgtest.Exec(t, url, "INSERT INTO a SELECT generate_series(1, 1000); SELECT nextval('s'), lo_create(0)")
			pgtest.Exec(t, url, "VACUUM ANALYZE a")
			p := demand("rows, values of sequences and large objects", true)
			if !slices.ContainsFunc(p.Steps, func(s schema.Step) bool { return s.Relation == "table:public.a" && s.Rows == 1000 && s.Bytes > 0 }) {
				t.Errorf("no step knows of the 1000 rows: %+v", p.Steps)
			}
			if !slices.ContainsFunc(p.Findings, func(f schema.Finding) bool { return f.Code == "large-objects" }) {
				t.Errorf("the large object is in no finding: %+v", p.Findings)
			}
			for _, change := range recallChanges {
				pgtest.Exec(t, url, change)
				demand(change, false)
				demand("once more after "+change, true)
			}
			pgtest.Exec(t, url, "ALTER SYSTEM SET xmlbinary = hex")
			pgtest.Exec(t, url, "SELECT pg_reload_conf()")
			awaitSetting(t, url, "xmlbinary", "hex")
			demand("another setting of the server", false)
			crash(t, url)
			demand("after a crash", false)
			r.request.Scratch.NoCache = true
			demand("without the cache", false)
			r.request.Scratch.NoCache = false
			r.request.Selection.Database = true
			demand("with what the database has", false)
			demand("with that again", true)
			r.request.Selection.Database = false
			r.request.Target.User = "recall_user"
			demand("another user", false)
			demand("another user, who does not see all of a subscription", false)
			pgtest.Exec(t, url, "ALTER SUBSCRIPTION p SET (slot_name = NONE)")
			pgtest.Exec(t, url, "DROP SUBSCRIPTION p")
			demand("another user", false)
			demand("another user again", true)
			pgtest.Exec(t, url, "REVOKE SELECT ON pg_db_role_setting FROM public")
			demand("another user, who does not see all catalogs", false)
			demand("another user, who does not see all catalogs, again", false)
		})
	}
}

// awaitSetting waits until new sessions have a setting.
func awaitSetting(t *testing.T, url, name, want string) {
	t.Helper()
	for value := ""; value != want; {
		if err := pgtest.Connect(t, url).QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
			t.Fatal(err)
		}
	}
}

// crash kills a session of the server, so that the postmaster, which goes on, starts
// all its other processes anew.
func crash(t *testing.T, url string) {
	t.Helper()
	conn, witness := pgtest.Connect(t, url), pgtest.Connect(t, url)
	var pid int
	if err := conn.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for witness.Ping(t.Context()) == nil { // until the postmaster has noticed, it takes connections
		time.Sleep(10 * time.Millisecond)
	}
	for {
		again, err := pgx.Connect(t.Context(), url)
		if err == nil {
			if err := again.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			return
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// recallChanges are changes of one row or few, of catalogs that little else changes.
var recallChanges = []string{
	"ALTER TABLE a RENAME b TO c", "ALTER TABLE a RENAME c TO b",
	"COMMENT ON TABLE a IS 'x'", "COMMENT ON ROLE recall_reader IS 'x'", "COMMENT ON DATABASE app IS 'x'",
	"ALTER SEQUENCE s INCREMENT 2", "ALTER SEQUENCE s OWNED BY a.b", "ALTER TABLE a ALTER b SET STATISTICS 7",
	"ALTER INDEX i DEPENDS ON EXTENSION plpgsql",
	"GRANT SELECT ON a TO recall_reader", "GRANT recall_reader TO recall_user", "REVOKE recall_reader FROM recall_user",
	"ALTER ROLE recall_reader CREATEDB", "ALTER ROLE recall_reader SET work_mem = '7MB'", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO recall_reader",
	"ALTER SUBSCRIPTION p CONNECTION 'host=elsewhere'",
	"BEGIN; CREATE TABLE other (); COMMIT", "BEGIN; DROP TABLE other; CREATE TABLE other (d integer); COMMIT", "DROP TABLE other",
	"BEGIN; CREATE CAST (a AS m) WITH INOUT; CREATE TYPE e AS ENUM ('x'); COMMIT", "DROP CAST (a AS m)", "DROP TYPE e",
	"REFRESH MATERIALIZED VIEW m WITH NO DATA",
}
