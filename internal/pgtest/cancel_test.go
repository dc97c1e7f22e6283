package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// A canceled context ends the statement in the server and leaves the connection,
// whatever it goes through.
func TestCanceled(t *testing.T) {
	for _, major := range pgtest.Versions() {
		n := pgtest.NewNetwork(t, major, "host all all 127.0.0.1/32 trust\n")
		a := pgtest.NewAuthority(t, "authority")
		n.Secure(t, a, "localhost")
		for name, dsn := range map[string]string{
			"socket": n.URL,
			"tcp":    "host=127.0.0.1 user=postgres dbname=app sslmode=disable port=" + n.Port,
			"tls":    "host=localhost user=postgres dbname=app sslmode=verify-full port=" + n.Port + " sslrootcert=" + a.Root,
		} {
			t.Run(name, func(t *testing.T) {
				conn, err := pg.Connect(t.Context(), dsn, pg.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close(context.Background())
				var tls bool
				if err := conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&tls); err != nil || tls != (name == "tls") {
					t.Fatalf("the connection has TLS: %v, %v", tls, err)
				}
				if _, err := conn.Exec(t.Context(), "BEGIN; CREATE TABLE t (a integer); SELECT pg_advisory_lock(7)"); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				canceled := make(chan error)
				go func() {
					_, err := conn.Exec(ctx, "SELECT pg_sleep(60)")
					canceled <- err
				}()
				observer := pgtest.Connect(t, n.URL)
				sleeping := func() (n int) {
					if err := observer.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").Scan(&n); err != nil {
						t.Fatal(err)
					}
					return n
				}
				for sleeping() == 0 {
					time.Sleep(10 * time.Millisecond)
				}
				cancel()
				if err := <-canceled; !pg.IsCanceled(err) || pg.Code(err) != "57014" {
					t.Errorf("got %v", err)
				}
				if sleeping() != 0 {
					t.Error("the statement goes on in the server")
				}
				for _, sql := range []string{"ROLLBACK", "SELECT pg_advisory_unlock(7)", "CREATE TABLE t (a integer); DROP TABLE t"} {
					if _, err := conn.Exec(t.Context(), sql); err != nil {
						t.Errorf("%s: %v", sql, err)
					}
				}
			})
		}
	}
}
