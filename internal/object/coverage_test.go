package object_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// Every column of every catalog is read by some kind, and the museum has
// different values in it, or a table of this test says why not. A server with a
// new catalog or a new column fails here until somebody decides.
func TestCatalogCoverage(t *testing.T) {
	for _, major := range pgtest.Versions() {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			before, _ := museum(t, major)
			conn := pgtest.Connect(t, clusters.Load(t, major, before))
			read := columnsRead(t, conn, major)
			var queries strings.Builder
			for _, k := range object.All().All() {
				if k.Query != nil && k.Since <= major {
					queries.WriteString(k.Query(major))
				}
			}
			for _, column := range catalogColumns(t, conn) {
				table, _, _ := strings.Cut(column, ".")
				printer := printedBy[column]
				switch {
				case notCompared[table] != "":
				case notCompared[column] != "":
					if read[column] && !sometimesRead[column] {
						t.Errorf("%s is read, though the test says that it is not compared: %s", column, notCompared[column])
					}
				case !read[column] && printer == "":
					t.Errorf("nothing reads %s", column)
				case printer != "" && !strings.Contains(queries.String(), printer):
					t.Errorf("no query calls %s, which is said to print %s", printer, column)
				default:
					checkVariety(t, conn, column)
				}
			}
		})
	}
}

// columnsRead returns the columns of catalogs that the queries of the kinds
// read, as the server understands them: it keeps them with a view.
func columnsRead(t *testing.T, conn *pgx.Conn, major int) map[string]bool {
	t.Helper()
	exec := func(sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("running %s: %v", sql, err)
		}
	}
	exec("SET search_path = ''; CREATE SCHEMA coverage")
	for _, k := range object.All().All() {
		if k.Query != nil && k.Since <= major {
			exec(fmt.Sprintf("CREATE VIEW coverage.%q AS %s", k.Name, noRoles.Replace(k.Query(major))))
		}
	}
	rows, err := conn.Query(t.Context(), `SELECT r.ev_action::text FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = 'coverage'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	trees, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	exec("DROP SCHEMA coverage CASCADE")
	names := map[string]string{}
	rows, err = conn.Query(t.Context(), `SELECT c.oid::text || '.' || a.attnum, c.relname || '.' || a.attname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'pg_catalog'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	var number, name string
	if _, err := pgx.ForEachRow(rows, []any{&number, &name}, func() error { names[number] = name; return nil }); err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, tree := range trees {
		for _, m := range selected.FindAllStringSubmatch(tree, -1) {
			for _, bit := range strings.Fields(m[2]) {
				n, err := strconv.Atoi(bit)
				if err != nil {
					t.Fatal(err)
				}
				read[names[m[1]+"."+strconv.Itoa(n-firstColumn)]] = true
			}
		}
	}
	return read
}

// selected finds in the tree of a query the columns that it reads of a relation.
// Their numbers are counted from before the first system column.
var selected = regexp.MustCompile(`:relid (\d+) (?:[^{}]*?):selectedCols \(b([ \d]*)\)`)

const firstColumn = 7

// noRoles makes a query one that a view can hold: constants that name roles
// cannot stand in it.
var noRoles = strings.NewReplacer("'::regrole", "'::text::regrole")

func catalogColumns(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT c.relname || '.' || a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

// checkVariety demands that a column of a catalog has different values in the
// museum, and every letter of those that it can have.
func checkVariety(t *testing.T, conn *pgx.Conn, column string) {
	t.Helper()
	table, name, _ := strings.Cut(column, ".")
	restriction, special := own[table]
	if !special {
		restriction = "WHERE oid >= 16384"
	}
	rows, err := conn.Query(t.Context(), fmt.Sprintf("SELECT DISTINCT coalesce(%s::text, 'NULL') FROM pg_catalog.%s %s LIMIT 1000", name, table, restriction))
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", column, err)
	}
	if len(values) < 2 && same[column] == "" {
		t.Errorf("the museum has only the values %q in %s", values, column)
	}
	for _, letter := range letters[column] {
		if !slices.Contains(values, strings.Trim(string(letter), "-")) {
			t.Errorf("the museum has no %c in %s", letter, column)
		}
	}
}
