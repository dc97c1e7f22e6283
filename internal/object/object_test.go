package object_test

import (
	"flag"
	"os"
	"testing"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pgtest"
)

var (
	clusters pgtest.Clusters
	update   = flag.Bool("update", false, "write the golden plans of the cases")
)

func TestMain(m *testing.M) { os.Exit(clusters.Main(m)) }

// uncovered are attributes that cannot differ by themselves, and why.
var uncovered = map[string]string{
	"owner of column":        "a column belongs to the owner of its table",
	"owner of database":      "it is not managed",
	"add database":           "it is there",
	"drop database":          "it stays",
	"change constraint.only": "follows from its table being partitioned, and such a table is replaced with its constraints",
	"change index.only":      "follows from its table being partitioned, and such a table is replaced with its indexes",
}

// Every kind has its cases below testdata, in a folder of its name, and they
// cover its creation, its drop and a change of each attribute.
func TestCases(t *testing.T) {
	covered := clusters.RunCases(t, "testdata", *update)
	if f := flag.Lookup("test.run"); t.Failed() || f.Value.String() != "" && f.Value.String() != "TestCases" {
		return // only some cases ran, or the failures say enough
	}
	demand := func(what string) {
		if !covered[what] && uncovered[what] == "" {
			t.Errorf("no case does: %s", what)
		}
	}
	for _, k := range object.All().All() {
		demand("add " + k.Name)
		demand("drop " + k.Name)
		for _, f := range k.Fields {
			if k.Info[f] {
				continue
			}
			demand("change " + k.Name + "." + f)
		}
		if k.Satellite != kind.NotSatellite {
			continue
		}
		if k.SQL != "" {
			demand("comment of " + k.Name)
		}
		if k.Grant != "" {
			demand("grant of " + k.Name)
			demand("owner of " + k.Name)
		}
	}
}
