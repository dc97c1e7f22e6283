package pgtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// What is attached, and the default partition beside it, are not read under the
// lock: PostgreSQL says that it takes the checks' word.
func TestAttachReadsNothing(t *testing.T) {
	for _, test := range []struct{ by, first, second, third string }{
		{"RANGE (a)", "FROM (0) TO (10)", "FROM (10) TO (20)", "FROM (20) TO (30)"},
		{"RANGE (a, b)", "FROM (0, 0) TO (10, 0)", "FROM (10, 0) TO (10, 7)", "FROM (10, 7) TO (30, MAXVALUE)"},
		{"LIST (a)", "IN (1)", "IN (2, 3)", "IN (4, NULL)"},
	} {
		eachVersion(t, func(t *testing.T, major int) {
			tables := "CREATE TABLE t (a integer, b integer) PARTITION BY " + test.by + ";\n" +
				"CREATE TABLE p1 PARTITION OF t FOR VALUES " + test.first + "; CREATE TABLE rest PARTITION OF t DEFAULT;\n" +
				"CREATE TABLE p2 (b integer, a integer); CREATE TABLE p3 (a integer, b integer);\n"
			attach := "ALTER TABLE t ATTACH PARTITION p2 FOR VALUES " + test.second + "; ALTER TABLE t ATTACH PARTITION p3 FOR VALUES " + test.third + ";\n"
			file := filepath.Join(t.TempDir(), "to.sql")
			if err := os.WriteFile(file, []byte(tables+attach), 0o644); err != nil {
				t.Fatal(err)
			}
			target := clusters.Load(t, major, tables)
			plan, err := pgtest.NewEngine(t).Plan(t.Context(), cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: file,
				Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}})
			if err != nil {
				t.Fatal(err)
			}
			config, err := pgx.ParseConfig(target)
			if err != nil {
				t.Fatal(err)
			}
			config.RuntimeParams["client_min_messages"] = "debug1"
			implied := 0
			config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
				if strings.Contains(n.Message, "is implied by existing constraints") {
					implied++
				}
			}
			conn, err := pgx.ConnectConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			for _, s := range plan.Steps {
				before := implied
				if _, err := conn.Exec(t.Context(), s.SQL); err != nil {
					t.Fatalf("%v\n%s", err, s.SQL)
				}
				if strings.Contains(s.SQL, "ONLY public.t ATTACH") && implied != before+2 {
					t.Errorf("%d of 2 tables are not read by %s\n%s", implied-before, s.SQL, steps(plan))
				}
			}
		})
	}
}
