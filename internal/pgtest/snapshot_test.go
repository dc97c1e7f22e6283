package pgtest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// hostile has names and texts that need care in JSON, in SQL or in both.
const hostile = entangled + `
CREATE TABLE "<&>""\u2028\" ("a""b" text DEFAULT E'\x01\\n\t<&>', "c:d/e" text, " " text);
COMMENT ON TABLE "<&>""\u2028\" IS E'line\u2028end\r\n\\ " '' &lt; \U0001F600';
CREATE TYPE "quo'te" AS ENUM ('a"b', 'c\d', ' ', '<');
ALTER TABLE "<&>""\u2028\" OWNER TO "snap shot/owner";
GRANT UPDATE ("a""b") ON "<&>""\u2028\" TO "snap shot/owner", PUBLIC;
CREATE TABLE parent (x integer); CREATE TABLE child (y integer) INHERITS (parent);
`

func TestSnapshots(t *testing.T) {
	for _, major := range pgtest.Versions() {
		clusters.Roles(t, major, "snap shot/owner")
		t.Run(strconv.Itoa(major), func(t *testing.T) { snapshotRoundTrip(t, major, hostile) })
	}
}

// snapshotRoundTrip takes a snapshot, demands that it stands for its database,
// and builds another database from it alone.
func snapshotRoundTrip(t *testing.T, major int, sql string) {
	source := clusters.Load(t, major, sql)
	engine := pgtest.NewEngine(t)
	text := takeSnapshot(t, engine, cairn.SnapshotRequest{Target: cairn.Connection{Database: source}})
	if !bytes.Equal(text, takeSnapshot(t, engine, cairn.SnapshotRequest{Target: cairn.Connection{Database: source}})) {
		t.Error("a second snapshot has other bytes")
	}
	name := "snapshot:" + filepath.Join(t.TempDir(), "a=b.json")
	if err := os.WriteFile(strings.TrimPrefix(name, "snapshot:"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, takeSnapshot(t, engine, cairn.SnapshotRequest{From: name})) {
		t.Error("a snapshot of the snapshot has other bytes")
	}
	selection := cairn.Selection{Owners: cairn.All, Privileges: cairn.All}
	copied := clusters.Database(t, major)
	pgtest.Apply(t, engine, cairn.PlanRequest{Target: cairn.Connection{Database: copied}, Desired: name, Selection: selection})
	if diff := cmp.Diff(clusters.Dump(t, source), clusters.Dump(t, copied)); diff != "" {
		t.Errorf("pg_dump differs (-source +copy):\n%s", diff)
	}
	for _, pair := range [][2]string{{name, source}, {source, name}, {copied, name}} {
		plan, err := engine.Diff(t.Context(), cairn.DiffRequest{From: pair[0], To: pair[1], Selection: selection})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Steps {
			t.Errorf("%s and %s differ: %s", pair[0], pair[1], s.SQL)
		}
	}
}

func takeSnapshot(t *testing.T, engine *cairn.Engine, request cairn.SnapshotRequest) []byte {
	t.Helper()
	state, err := engine.Snapshot(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := cairn.WriteSnapshot(&b, state); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Sizes and rows are no part of a snapshot: they change without the schema.
func TestSnapshotsLeaveSizesOut(t *testing.T) {
	major := pgtest.Versions()[0]
	source := clusters.Load(t, major, "CREATE TABLE t (id integer)")
	engine := pgtest.NewEngine(t)
	request := cairn.SnapshotRequest{Target: cairn.Connection{Database: source}}
	before := takeSnapshot(t, engine, request)
	pgtest.Exec(t, source, "INSERT INTO t SELECT generate_series(1, 10000)")
	pgtest.Exec(t, source, "ANALYZE t")
	if !bytes.Equal(before, takeSnapshot(t, engine, request)) {
		t.Error("rows change the bytes")
	}
}

// A snapshot of an older version is what the newer server prints of it; one of a
// newer version can hold what the older server lacks.
func TestSnapshotsOfOtherVersions(t *testing.T) {
	versions := pgtest.Versions()
	if len(versions) < 2 {
		t.Logf("there is one version: %v", versions)
		return
	}
	engine := pgtest.NewEngine(t)
	const sql = "CREATE VIEW public.v AS SELECT t.c FROM (VALUES (1)) t(c)"
	older, newer := clusters.Load(t, versions[0], sql), clusters.Load(t, versions[1], sql)
	plan, err := planSnapshot(t, engine, older, newer)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Steps {
		t.Errorf("the versions differ: %s", s.SQL)
	}
	_, err = planSnapshot(t, engine, newer, older)
	if err == nil || !strings.Contains(err.Error(), "the two states come from PostgreSQL ") {
		t.Errorf("got %v", err)
	}
}

// planSnapshot plans the way of the target to a snapshot of the source.
func planSnapshot(t *testing.T, engine *cairn.Engine, source, target string) (*schema.Plan, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "state.json")
	text := takeSnapshot(t, engine, cairn.SnapshotRequest{Target: cairn.Connection{Database: source}})
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return engine.Plan(t.Context(), cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: "snapshot:" + name})
}
