package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// Apply through a pool of transactions ends with code 1 and names direct_url,
// with which the same environment works for every command.
func TestPooledEnvironment(t *testing.T) {
	major := pgtest.Versions()[len(pgtest.Versions())-1]
	direct := clusters.Database(t, major)
	pooled := pgtest.Bouncer(t, direct, "transaction")
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("schema.sql", "CREATE TABLE a (b integer);")
	const environments = "schema: schema.sql\nenvironments: {main: {url: \"${POOLED}\"%}}\n"
	getenv := func(name string) string {
		if value := map[string]string{"POOLED": pooled, "DIRECT": direct}[name]; value != "" {
			return value
		}
		return os.Getenv(name)
	}
	run := func(code int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		env := &Env{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: getenv, Now: time.Now}
		if got := Main(t.Context(), env, args); got != code {
			t.Errorf("cairn %s: exit code %d\n%s", strings.Join(args, " "), got, out.String())
		}
		return out.String()
	}
	write("cairn.yaml", strings.Replace(environments, "%", "", 1))
	run(2, "plan", "--env", "main", "--exit-code", "--no-prove")
	text := run(1, "apply", "--env", "main", "--no-prove", "--auto-approve")
	if !strings.Contains(text, "error: database ") || !strings.Contains(text, " is behind a pooler that gives each transaction another session") ||
		!strings.Contains(text, "\nhint: connect to the server itself, with direct_url in cairn.yaml") {
		t.Error(text)
	}
	run(2, "plan", "-d", direct, "--exit-code", "--no-prove")
	write("cairn.yaml", strings.Replace(environments, "%", `, direct_url: "${DIRECT}"`, 1))
	run(0, "apply", "--env", "main", "--no-prove", "--auto-approve")
	run(0, "diff", "env:main", "schema.sql", "--exit-code")
	write("cairn.yaml", strings.Replace(environments, "%", `, direct_url: "${NOWHERE}"`, 1))
	if text := run(1, "plan", "--env", "main"); !strings.Contains(text, "environments.main.direct_url needs the variable NOWHERE") {
		t.Error(text)
	}
}
