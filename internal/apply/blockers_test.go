package apply

import (
	"testing"
	"time"

	"github.com/cairn-db/cairn/schema"
)

// What other sessions run is shown without passwords, also where the server cut
// it off, and in one line.
func TestRedactedQuery(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 'it''s'":                         "SELECT 'it''s'",
		"ALTER ROLE a PASSWORD 'hunter2'":        "ALTER ROLE a PASSWORD ...",
		"SELECT dblink('host=a password=''hunte": "SELECT dblink('host=a password ...",
		"SELECT dblink('postgres://a:hunt":       "SELECT dblink('postgres://a: ...",
		"SELECT 1\n\tFROM \x1b[31mt":             "SELECT 1 FROM [31mt",
	} {
		if got := plain(redacted(query), mostQuery); got != want {
			t.Errorf("%q is %q", query, got)
		}
	}
}

func TestDescribe(t *testing.T) {
	for want, s := range map[string]schema.Session{
		"pid 7: user app, application psql, client 10.0.0.1, idle in transaction for 3m, last query: SELECT 1": {
			PID: 7, User: "app", Application: "psql", Client: "10.0.0.1", Type: clientBackend, State: "idle in transaction", Age: 3 * time.Minute, Query: "SELECT 1"},
		"pid 7: user app, active for 1h2m, query: SELECT 1": {
			PID: 7, User: "app", Client: "local", Type: clientBackend, State: "active", Age: time.Hour + 2*time.Minute, Query: "SELECT 1"},
		"pid 7: autovacuum worker, active for 12s, query: autovacuum: VACUUM t": {
			PID: 7, Type: "autovacuum worker", State: "active", Age: 12 * time.Second, Query: "autovacuum: VACUUM t"},
		"pid 7: user app, what it does is not visible to this role": {PID: 7, User: "app"},
		"prepared transaction 'it''s': user app, 0.4s old":          {Prepared: "it's", User: "app", Age: 400 * time.Millisecond},
	} {
		if got := describe(s); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
