package catalog_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/pgtest"
)

var clusters pgtest.Clusters

func TestMain(m *testing.M) { os.Exit(clusters.Main(m)) }

// unstamped are the catalogs that hold nothing that a state has, or what is read
// again: rows, what is collected from them, the progress of replication, and what
// follows from owners and grants.
var unstamped = []string{"pg_statistic", "pg_statistic_ext_data", "pg_largeobject", "pg_largeobject_metadata",
	"pg_subscription_rel", "pg_replication_origin", "pg_shdepend"}

// The stamp looks at each catalog of each version, or it is known why not.
func TestStampedCatalogs(t *testing.T) {
	for _, major := range pgtest.Versions() {
		rows, err := pgtest.Connect(t, clusters.Database(t, major)).Query(t.Context(),
			"SELECT relname::text FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'")
		if err != nil {
			t.Fatal(err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		query := catalog.StampQuery(major, false)
		for _, name := range names {
			stamped := regexp.MustCompile(`FROM ` + name + `\b`).MatchString(query)
			if stamped == slices.Contains(unstamped, name) {
				t.Errorf("PostgreSQL %d: that the stamp looks at %s is %t", major, name, stamped)
			}
		}
	}
}
