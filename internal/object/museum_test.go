package object_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// museum returns the SQL of every kind with every option that a server version
// has, and of the same schema after the changes of museum/changes. Files whose
// names are numbers below 20 are for servers from that version on.
func museum(t *testing.T, major int) (before, after string) {
	t.Helper()
	clusters.Roles(t, major, "museum_owner", "museum_reader", "museum_super")
	pgtest.Exec(t, clusters.Server(t, major).URL("postgres"), "ALTER ROLE museum_super SUPERUSER")
	clusters.Tablespaces(t, major, "museum_space")
	before = readFiles(t, "testdata/museum", major)
	return before, before + readFiles(t, "testdata/museum/changes", major)
}

func readFiles(t *testing.T, dir string, major int) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no SQL in %s: %v", dir, err)
	}
	var always, since strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		version, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".sql"))
		switch {
		case err != nil:
			always.Write(text)
		case version <= major:
			since.Write(text)
		}
	}
	return always.String() + since.String()
}

// partsOnly are kinds whose objects are parts of others, which are not looked
// for by themselves: TestCatalogCoverage does that.
var partsOnly = map[string]bool{
	"attribute":                true,
	"column":                   true,
	"default":                  true,
	"family_function":          true,
	"family_operator":          true,
	"index_attachment":         true,
	"inheritance":              true,
	"label":                    true,
	"materialized_view_column": true,
	"partition":                true,
	"publication_schema":       true,
	"publication_table":        true,
	"replica_identity":         true,
	"sequence_ownership":       true,
	"table_type":               true,
	"text_search_mapping":      true,
}

// Objects of a kind that Cairn does not know are named as unmanaged.
func TestUnmanaged(t *testing.T) {
	for _, major := range pgtest.Versions() {
		before, _ := museum(t, major)
		conn := pgtest.Connect(t, clusters.Load(t, major, before))
		unknown := func(kinds *kind.Set) []string {
			state, err := catalog.Read(t.Context(), conn, kinds, catalog.Options{Server: major})
			if err != nil {
				t.Fatal(err)
			}
			return state.Unknown
		}
		if names := unknown(object.All()); len(names) > 0 {
			t.Errorf("PostgreSQL %d: unmanaged: %q", major, names)
		}
		if _, err := conn.Exec(t.Context(), "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO museum_reader"); err != nil {
			t.Fatal(err)
		}
		if names := unknown(object.All()); !slices.Equal(names, []string{"who may use function pg_read_file(text)"}) {
			t.Errorf("PostgreSQL %d: with a grant on a function of PostgreSQL's own, unmanaged: %q", major, names)
		}
		if _, err := conn.Exec(t.Context(), "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) FROM museum_reader"); err != nil {
			t.Fatal(err)
		}
		for _, k := range object.All().All() {
			if k.Satellite != kind.NotSatellite || k.Option != "" || major < k.Since {
				continue
			}
			names := unknown(object.All().Without(k.Name))
			if (len(names) == 0) != partsOnly[k.Name] {
				t.Errorf("PostgreSQL %d: without the kind %s, unmanaged: %q", major, k.Name, names)
			}
		}
	}
}

// The museum is built from nothing, changed, changed back, torn down, and
// loads from its own dump.
func TestMuseum(t *testing.T) {
	for _, major := range pgtest.Versions() {
		before, after := museum(t, major)
		rows := readFiles(t, "testdata/museum/rows", major)
		steps := []struct{ name, from, to, rows string }{
			{"build", "", before, ""}, {"change", before, after, rows}, {"change back", after, before, ""}, {"tear down", before, "", rows},
		}
		for _, s := range steps {
			t.Run(strconv.Itoa(major)+"/"+s.name, func(t *testing.T) {
				clusters.Converge(t, pgtest.Pair{Major: major, From: s.from, To: s.to, Seed: s.rows})
			})
		}
		t.Run(strconv.Itoa(major)+"/dump", func(t *testing.T) { clusters.RoundTrip(t, major, before) })
	}
}
