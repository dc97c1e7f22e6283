package pgtest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// A database can be read while another session drops what is printed.
func TestReadWhileDropped(t *testing.T) {
	for _, major := range pgtest.Versions() {
		url := clusters.Load(t, major, "CREATE TABLE stays (id integer)")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		other := pgtest.Connect(t, url)
		go func() {
			make := "CREATE TABLE goes (a text, CHECK (a <> ''));" + strings.Repeat("CREATE INDEX ON goes (lower(a));", 20)
			for {
				_, err := other.Exec(ctx, make+"; COMMIT; DROP TABLE goes")
				if err != nil {
					ended <- err
					return
				}
			}
		}()
		engine := pgtest.NewEngine(t)
		for range 20 {
			_, _, err := engine.Dump(t.Context(), cairn.DumpRequest{Target: cairn.Connection{Database: url}})
			if err != nil {
				t.Fatalf("PostgreSQL %d: %v", major, err)
			}
		}
		stop()
		if err := <-ended; ctx.Err() == nil {
			t.Fatal(err)
		}
	}
}
