package object_test

import (
	"flag"
	"os"
	"testing"

	"github.com/cairn-db/cairn/internal/pgtest"
)

var (
	clusters pgtest.Clusters
	update   = flag.Bool("update", false, "write the golden plans of the cases")
)

func TestMain(m *testing.M) { os.Exit(clusters.Main(m)) }

// Every kind has its cases below testdata, in a folder of its name.
func TestCases(t *testing.T) { clusters.RunCases(t, "testdata", *update) }
