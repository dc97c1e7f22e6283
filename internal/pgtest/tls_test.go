package pgtest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
)

// The modes protect as libpq's do, with the server's certificate for localhost.
func TestTLSModes(t *testing.T) {
	for _, major := range pgtest.Versions() {
		n := pgtest.NewNetwork(t, major, "host all all 127.0.0.1/32 trust\n")
		a, other := pgtest.NewAuthority(t, "authority"), pgtest.NewAuthority(t, "other")
		missing := "the server does not offer TLS: check sslmode"
		for _, secure := range []bool{false, true} {
			if secure {
				n.Secure(t, a, "localhost")
			}
			for _, test := range []struct {
				host, settings string
				plain, tls     string // "yes" or "no" TLS, or the start of the hint
			}{
				{"127.0.0.1", "", "no", "yes"},
				{"127.0.0.1", "sslmode=disable", "no", "no"},
				{"127.0.0.1", "sslmode=allow", "no", "no"},
				{"127.0.0.1", "sslmode=prefer", "no", "yes"},
				{"127.0.0.1", "sslmode=require", missing, "yes"},
				{"127.0.0.1", "sslmode=require sslrootcert=" + other.Root, missing, "somebody else may answer at this address: name the file"},
				{"127.0.0.1", "sslmode=verify-ca sslrootcert=" + a.Root, missing, "yes"},
				{"127.0.0.1", "sslmode=verify-ca sslrootcert=" + other.Root, missing, "somebody else may answer at this address: name the file"},
				{"localhost", "sslmode=verify-full sslrootcert=" + a.Root, missing, "yes"},
				{"127.0.0.1", "sslmode=verify-full sslrootcert=" + a.Root, missing, "somebody else may answer at this address: connect by a name"},
				{"localhost", "sslmode=verify-full sslrootcert=" + other.Root, missing, "somebody else may answer at this address: name the file"},
				{"localhost", "sslmode=verify-full sslrootcert=system", missing, "somebody else may answer at this address: name the file"},
				{"localhost", "sslmode=verify-full sslrootcert=/nowhere", "give a database name", "give a database name"},
			} {
				want := test.plain
				if secure {
					want = test.tls
				}
				dsn := "host=" + test.host + " port=" + n.Port + " user=postgres dbname=app " + test.settings
				if got := tlsOf(t, dsn, nil); !strings.HasPrefix(got, want) {
					t.Errorf("TLS %v, %s: got %s, want %s", secure, dsn, got, want)
				}
			}
		}
		variables := map[string]string{"PGHOST": "localhost", "PGPORT": n.Port, "PGUSER": "postgres", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": a.Root}
		getenv := func(name string) string { return variables[name] }
		if got := tlsOf(t, "app", getenv); got != "yes" {
			t.Errorf("with variables: got %s", got)
		}
		variables["PGHOST"] = "127.0.0.1"
		if got := tlsOf(t, "app", getenv); !strings.HasPrefix(got, "somebody else") {
			t.Errorf("with variables: got %s", got)
		}
		if got := tlsOf(t, "postgres://postgres@localhost:"+n.Port+"/app?sslmode=verify-full&sslrootcert="+a.Root, nil); got != "yes" {
			t.Errorf("with a URL: got %s", got)
		}
	}
}

// tlsOf connects and returns whether the session has TLS, or the hint of the
// error.
func tlsOf(t *testing.T, dsn string, getenv func(string) string) string {
	t.Helper()
	conn, err := pg.Connect(t.Context(), dsn, pg.Options{Getenv: getenv})
	var refused *pg.ConnectError
	if errors.As(err, &refused) {
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is more than a line", err)
		}
		return refused.Hint()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var secure bool
	if err := conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&secure); err != nil {
		t.Fatal(err)
	}
	return map[bool]string{true: "yes", false: "no"}[secure]
}

// A client certificate is what a server can demand instead of a password, and a
// plan is made and applied with it.
func TestTLSClientCertificate(t *testing.T) {
	for _, major := range pgtest.Versions() {
		n := pgtest.NewNetwork(t, major, "hostssl all all 127.0.0.1/32 cert\n")
		a, other := pgtest.NewAuthority(t, "authority"), pgtest.NewAuthority(t, "other")
		n.Secure(t, a, "localhost")
		pgtest.Exec(t, n.URL, "CREATE ROLE app SUPERUSER LOGIN")
		certificate, key := a.Files(t, "app")
		foreign, foreignKey := other.Files(t, "app")
		base := "host=localhost dbname=app sslmode=verify-full sslrootcert=" + a.Root + " port=" + n.Port
		const hint = "give a client certificate that the server accepts with sslcert and sslkey"
		for dsn, want := range map[string]string{
			base + " user=app sslcert=" + certificate + " sslkey=" + key: "yes",
			base + " user=app": hint,
			base + " user=app sslcert=" + foreign + " sslkey=" + foreignKey:   hint,
			base + " user=postgres sslcert=" + certificate + " sslkey=" + key: "check the server's pg_hba.conf, the user and sslmode",
			base + " user=app sslcert=" + certificate + " sslkey=/nowhere":    "give a database name",
		} {
			if got := tlsOf(t, dsn, nil); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %s", dsn, got)
			}
		}
		variables := map[string]string{"PGSSLCERT": certificate, "PGSSLKEY": key, "PGUSER": "app"}
		if got := tlsOf(t, base, func(name string) string { return variables[name] }); got != "yes" {
			t.Errorf("with variables: got %s", got)
		}
		target := base + " user=app sslcert=" + certificate + " sslkey=" + key
		request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Desired: writeFile(t, "CREATE TABLE t (a integer)")}
		if p := pgtest.Apply(t, pgtest.NewEngine(t), request); len(p.Steps) != 1 {
			t.Errorf("the plan is\n%s", steps(p))
		}
	}
}
