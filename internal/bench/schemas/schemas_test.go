package schemas_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/bench/schemas"
	"github.com/cairn-db/cairn/internal/pgtest"
)

var clusters pgtest.Clusters

func TestMain(m *testing.M) { os.Exit(clusters.Main(m)) }

// What is written loads on every server, with as many tables as were asked for.
func TestLoads(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			for _, role := range schemas.Roles {
				pgtest.Exec(t, clusters.Server(t, major).URL("postgres"), "CREATE ROLE "+role)
			}
			const tables = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'p') AND nspname !~ '^(pg_|information_)'"
			for _, c := range []struct{ sql, query, want string }{
				{schemas.SQL(schemas.Parameters{Tables: 5}), tables, "5"},
				{schemas.Tenants(2, schemas.Parameters{Tables: 30}), tables, "60"},
				{schemas.SQL(schemas.Parameters{Tables: 78, Changed: true}), "SELECT (" + tables + `),
	(SELECT count(*) FROM pg_inherits JOIN pg_class ON oid = inhrelid AND relkind = 'r'),
	(SELECT count(*) FROM information_schema.columns WHERE character_maximum_length = 60),
	(SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%\_updated')`, "78 12 1 1"},
			} {
				url := clusters.Database(t, major)
				pgtest.Exec(t, url, c.sql)
				if got := ask(t, url, c.query); got != c.want {
					t.Errorf("%s gives %s, want %s", c.query, got, c.want)
				}
			}
		})
	}
}

func ask(t *testing.T, url, query string) string {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	results, err := conn.Exec(t.Context(), query).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.Join(results[0].Rows[0], []byte(" ")))
}

func TestEqualParametersGiveEqualText(t *testing.T) {
	p := schemas.Parameters{Tables: 300}
	text := schemas.SQL(p)
	if text != schemas.SQL(p) {
		t.Error("equal parameters give different text")
	}
	// The change is what it says and nothing else.
	p.Changed = true
	before := map[string]bool{}
	for line := range strings.Lines(text) {
		before[line] = true
	}
	var added []string
	for line := range strings.Lines(schemas.SQL(p)) {
		if !before[line] {
			added = append(added, strings.TrimSpace(line))
		}
	}
	if len(added) != 2 || !strings.HasPrefix(added[0], "reference varchar(60)") || !strings.HasPrefix(added[1], "CREATE INDEX") {
		t.Errorf("the change adds %q", added)
	}
	if tenant := (schemas.Parameters{Tables: 40}); schemas.Tenants(2, tenant) != schemas.Tenants(2, tenant) || schemas.Tenant(tenant) == schemas.Tenant(schemas.Parameters{Tables: 40, Changed: true}) {
		t.Error("tenants: equal parameters give different text, or a change gives the same")
	}
}
