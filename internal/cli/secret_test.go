package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// canary is a password that nothing else on the machine holds, with all that
// could break quoting around it.
type canary struct{ core, password string }

func newCanary() canary {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // it never fails
	core := "canary" + hex.EncodeToString(b)
	return canary{core, "p'w \"" + core + `\@/:?%`}
}

// vault is a server that demands the canary from the role app, and what the
// runs of cairn against it leave.
type vault struct {
	canary
	*pgtest.Network
	dir, temp string
	variables []string

	leaks  []string
	looked map[string]int // how often at a process
}

func newVault(t *testing.T) *vault {
	v := &vault{canary: newCanary(), dir: t.TempDir(), looked: map[string]int{}}
	v.Network = pgtest.NewNetwork(t, pgtest.Versions()[len(pgtest.Versions())-1], "host all all 127.0.0.1/32 scram-sha-256\n")
	quoted := "'" + strings.ReplaceAll(v.password, "'", "''") + "'"
	pgtest.Exec(t, v.URL, "SET log_min_error_statement = panic; CREATE ROLE app SUPERUSER LOGIN PASSWORD "+quoted+"; CREATE TABLE t (a integer)")
	pgtest.Exec(t, v.URL, "CREATE DATABASE scratch")
	var err error
	if v.temp, err = os.MkdirTemp("/tmp", "cv"); err != nil { // short, for the sockets in it
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(v.temp) })
	if err := os.Chmod(v.temp, 0o777); err != nil {
		t.Fatal(err)
	}
	v.variables = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + v.dir, "TMPDIR=" + v.temp, "CAIRN_DATA_DIR=" + filepath.Join(v.temp, "data"),
		"CAIRN_CACHE_DIR=" + pgtest.ServerOptions().CacheDir, "CAIRN_POSTGRES_BIN=" + os.Getenv("CAIRN_POSTGRES_BIN"), "GOTRACEBACK=all"}
	return v
}

func (v *vault) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs cairn in the directory of the vault.
func (v *vault) start(t *testing.T, variables []string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "cairn", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = v.dir, &out, &out
	cmd.Env = append(append([]string{}, v.variables...), variables...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// run runs cairn and looks at its output, its processes and the logs of its
// servers meanwhile. It returns the output.
func (v *vault) run(t *testing.T, code int, variables []string, args ...string) string {
	t.Helper()
	cmd, out := v.start(t, variables, args...)
	ctx, stop := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			v.watch(cmd.Process.Pid)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	err := cmd.Wait()
	stop()
	<-watched
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) || cmd.ProcessState.ExitCode() != code {
		t.Errorf("cairn %s: %v\n%s", strings.ReplaceAll(strings.Join(args, " "), v.core, "CANARY"), err, out)
	}
	v.check(t, "output of "+strings.Join(args, " "), out.String())
	return out.String()
}

// looks is how often a process is looked at, because it can become another
// program.
const looks = 3

// watch looks at processes, except at the one that was given the password, and
// at the logs of temporary servers.
func (v *vault) watch(given int) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		pid, _ := strconv.Atoi(filepath.Base(p))
		if pid == given || pid == os.Getpid() || v.looked[p] >= looks || isStarting(p, given) {
			continue
		}
		v.looked[p]++
		for _, file := range []string{"cmdline", "environ"} {
			v.look(filepath.Join(p, file))
		}
	}
	logs, _ := filepath.Glob(filepath.Join(v.temp, "*", "log"))
	for _, log := range logs {
		v.look(log)
	}
}

// isStarting reports whether a process is a child that still is its parent,
// because it has not yet become another program.
func isStarting(process string, parent int) bool {
	own, err := os.Readlink(process + "/exe")
	of, _ := os.Readlink("/proc/" + strconv.Itoa(parent) + "/exe")
	return err != nil || own == of
}

func (v *vault) look(file string) {
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(text, []byte(v.core)) {
		return
	}
	v.leaks = append(v.leaks, file+": "+string(text))
}

// slowRestore puts a pg_restore first on PATH that gives time to look at it.
func (v *vault) slowRestore(t *testing.T) {
	t.Helper()
	command := strings.Join(pgtest.Program(t, "pg_restore"), "' '")
	v.write(t, "pg_restore", "#!/bin/sh\nsleep 0.2\nexec '"+command+"' \"$@\"\n")
	if err := os.Chmod(filepath.Join(v.dir, "pg_restore"), 0o755); err != nil {
		t.Fatal(err)
	}
	v.variables[0] = strings.Replace(v.variables[0], "PATH=", "PATH="+v.dir+":", 1)
}

func (v *vault) check(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, v.core) || strings.Contains(text, url.QueryEscape(v.password)) {
		t.Errorf("%s holds the password:\n%s", strings.ReplaceAll(what, v.core, "CANARY"), text)
	}
}

// inspect looks at everything that was left: files but those named, tables of the
// target and the server's log.
func (v *vault) inspect(t *testing.T, but ...string) {
	t.Helper()
	for _, leak := range v.leaks {
		t.Errorf("seen while cairn ran: %s", strings.ReplaceAll(leak, "\x00", " "))
	}
	for _, root := range []string{v.dir, v.temp} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			for _, name := range but {
				if filepath.Base(path) == name {
					return err
				}
			}
			v.check(t, path, string(text))
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	v.check(t, "the server's log", v.Log(t))
	conn := pgtest.Connect(t, v.URL)
	var rows string
	err := conn.QueryRow(t.Context(), `SELECT coalesce(string_agg(query_to_xml(format('SELECT * FROM %s', c.oid::regclass), true, true, '')::text, ''), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)'`).Scan(&rows)
	if err != nil {
		t.Error(err)
	}
	v.check(t, "the target", rows)
}

// inspectJournal looks into what the journal holds compressed.
func (v *vault) inspectJournal(t *testing.T) {
	t.Helper()
	conn := pgtest.Connect(t, v.URL)
	var there bool
	if err := conn.QueryRow(t.Context(), "SELECT to_regclass('cairn.run') IS NOT NULL").Scan(&there); err != nil || !there {
		t.Errorf("no plan was applied, %v", err)
		return
	}
	rows, err := conn.Query(t.Context(), "SELECT plan FROM cairn.run UNION ALL SELECT before FROM cairn.run WHERE before IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	files, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		z, err := gzip.NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		v.check(t, "the journal", string(text))
	}
}

// way is one in which a password is given.
type way struct {
	name      string
	files     map[string]string
	variables []string
	args      []string
}

func (v *vault) ways() []way {
	plain := "host=127.0.0.1 user=app dbname=app port=" + v.Port
	keyword := plain + " password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v.password) + "'"
	address := "postgres://app:" + strings.ReplaceAll(url.QueryEscape(v.password), "+", "%20") + "@127.0.0.1:" + v.Port + "/app"
	pgpass := "*:*:*:app:" + strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(v.password) + "\n"
	dotenv := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v.password)
	return []way{
		{name: "PGPASSWORD", variables: []string{"PGPASSWORD=" + v.password}, args: []string{"-d", plain}},
		{name: "URL", args: []string{"-d", address}},
		{name: "query of URL", args: []string{"-d", "postgres://app@127.0.0.1:" + v.Port + "/app?password=" + strings.ReplaceAll(url.QueryEscape(v.password), "+", "%20")}},
		{name: "keywords", args: []string{"-d", keyword}},
		{name: "variable", variables: []string{"CAIRN_DB=" + keyword}},
		{name: "pgpass", files: map[string]string{".pgpass": pgpass}, args: []string{"-d", plain}},
		{name: "cairn.yaml", files: map[string]string{"cairn.yaml": "environments: {main: {url: \"${SECRET_URL}\"}}\n"},
			variables: []string{"SECRET_URL=" + address}, args: []string{"--env", "main"}},
		{name: "dotenv", files: map[string]string{".env": "PGPASSWORD=\"" + dotenv + "\"\n"}, args: []string{"-d", plain}},
	}
}

// A password shows nowhere, in whichever way it is given, also when the
// connection fails.
func TestSecretGiven(t *testing.T) {
	v := newVault(t)
	v.write(t, "schema.sql", "CREATE TABLE t (a integer, b integer);")
	for _, way := range v.ways() {
		t.Run(way.name, func(t *testing.T) {
			for name, text := range way.files {
				v.write(t, name, text)
				defer os.Remove(filepath.Join(v.dir, name))
			}
			with := func(command string, args ...string) []string {
				return append(append([]string{command, "--debug"}, way.args...), args...)
			}
			v.run(t, 0, way.variables, with("dump")...)
			for _, failing := range [][]string{{"--port", "1"}, {"--host", "nowhere.invalid"}, {"--user", "nobody"}, {"--sslmode", "require"}, {"--sslmode", "odd"}} {
				text := v.run(t, 1, way.variables, with("dump", failing...)...)
				if !strings.Contains(text, "error: ") {
					t.Error(text)
				}
			}
			v.inspect(t, ".pgpass", ".env")
		})
	}
	for _, odd := range []string{"postgres://app:" + v.password + "@127.0.0.1/app", "password=" + v.core + "' host=x", "postgres://app:" + v.core + "@[::1/app",
		"host=127.0.0.1 password = " + v.core + " port=x", "postgres://app:" + v.core + "%zz@h/app"} {
		v.run(t, 1, nil, "dump", "-d", odd)
	}
}

// No command shows it, however it ends.
func TestSecretCommands(t *testing.T) {
	v := newVault(t)
	keyword := v.ways()[3].args[1]
	server := strings.TrimSuffix(v.ways()[1].args[1], "/app")
	shadow := server + "/scratch"
	v.write(t, "schema.sql", "CREATE TABLE t (a integer, b integer);")
	v.write(t, "failing.sql", "CREATE TABLE t (a integer);\nSELECT 1 FROM nowhere;\nCREATE VIEW v AS SELECT nothing;")
	db := func(args ...string) []string { return append(args, "--debug", "-d", keyword) }
	v.run(t, 0, nil, db("init")...)
	v.run(t, 0, nil, db("doctor", "--shadow", shadow)...)
	v.run(t, 0, nil, db("plan", "--file", "schema.sql", "--output-json", "plan.json", "--output-sql", "plan.sql", "--output-human", "plan.txt", "--shadow", shadow)...)
	v.run(t, 1, nil, db("plan", "--file", "failing.sql", "--shadow", shadow)...)
	v.run(t, 1, nil, db("plan", "--file", "schema.sql", "--shadow", server+"/nowhere")...)
	v.run(t, 0, nil, db("snapshot", "--output", "snapshot.json")...)
	v.run(t, 0, nil, "diff", "--debug", server+"/app", "snapshot:snapshot.json")
	dump := filepath.Join(v.dir, "data.dump")
	v.slowRestore(t)
	pgtest.Run(t, "pg_dump", "-Fc", "--file", dump, v.URL)
	v.run(t, 0, []string{"PGPASSWORD=" + v.password}, "prove", "--debug", "-d", keyword, "--plan", "plan.json", "--with-data", dump)
	v.run(t, 0, nil, db("prove", "--plan", "plan.json", "--with-data", dump, "--shadow", shadow)...)
	v.run(t, 0, nil, db("apply", "--plan", "plan.json", "--auto-approve")...)
	v.inspect(t)
	v.inspectJournal(t)
}

// A password in a statement of a file reaches the shadow and nothing else: no
// plan, no output, no log.
func TestSecretInFiles(t *testing.T) {
	v := newVault(t)
	connect := strings.TrimSuffix(v.ways()[1].args[1], "/app")
	quoted, word := "'"+strings.ReplaceAll(v.password, "'", "''")+"'", "password="+v.core
	const foreign = "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;\n"
	v.write(t, "schema.sql", foreign+"CREATE TABLE t (a integer);\nCREATE ROLE other LOGIN PASSWORD "+quoted+";\n"+
		"CREATE USER MAPPING FOR app SERVER s OPTIONS (user 'u', password "+quoted+", client_secret "+quoted+");\n"+
		"CREATE SUBSCRIPTION sub CONNECTION 'host=h user=u "+word+"' PUBLICATION p WITH (connect = false);\n"+
		"CREATE SUBSCRIPTION uri CONNECTION 'postgres://u:"+v.core+"@h/d?"+word+"' PUBLICATION p WITH (connect = false);\n"+
		"ALTER ROLE other SET app.api_secret = "+quoted+";\n")
	for _, where := range []string{"", connect + "/scratch"} {
		args := []string{"--debug", "--file", "schema.sql", "--shadow", where}
		db := append([]string{"-d", connect + "/app"}, args...)
		v.run(t, 0, nil, append([]string{"plan", "--output-json", "plan.json", "--output-sql", "plan.sql", "--output-human", "stdout"}, db...)...)
		v.run(t, 0, nil, append([]string{"dump", "--output", "dumped/"}, args...)...)
		v.run(t, 0, nil, append([]string{"snapshot", "--output", "snapshot.json"}, args...)...)
	}
	v.run(t, 0, nil, "plan", "--debug", "-d", connect+"/app", "--file", "schema.sql", "--roles", "--output-json", "roles.json", "--output-human", "stdout")
	v.run(t, 0, nil, "apply", "--debug", "-d", connect+"/app", "--file", "schema.sql", "--auto-approve")
	for _, failing := range []string{
		"CREATE USER MAPPING FOR app SERVER missing OPTIONS (password " + quoted + ")",
		foreign + "CREATE USER MAPPING FOR app SERVER s OPTIONS (password\n" + quoted + ", password " + quoted + ")",
		"CREATE SUBSCRIPTION x CONNECTION 'host=h " + word + "' PUBLICATION p WITH (connect = false, nonsense = 1)",
		"CREATE SUBSCRIPTION x CONNECTION '" + word + " = =' PUBLICATION p WITH (connect = false)",
		"CREATE ROLE x PASSWORD " + quoted + " NONSENSE",
		"ALTER ROLE missing_role PASSWORD $x$" + v.core + "$x$ BYPASSRLS CONNECTION LIMIT -7",
		"DO $$ BEGIN EXECUTE 'CREATE USER MAPPING FOR app SERVER missing OPTIONS (password ''" + v.core + "'')'; END $$",
		"DO $$ BEGIN EXECUTE 'CREATE USER MAPPING FOR app SERVER s OPTIONS (password ''" + v.core + "'') NONSENSE'; END $$",
	} {
		v.write(t, "failing.sql", failing+";\n")
		for _, where := range []string{connect + "/scratch", ""} {
			if where == "" && !strings.HasPrefix(failing, "DO") {
				continue // the server says the same
			}
			text := v.run(t, 1, nil, "plan", "--debug", "-d", connect+"/app", "--file", "failing.sql", "--shadow", where)
			if !strings.Contains(text, "error: failing.sql:") {
				t.Error(text)
			}
		}
	}
	v.inspect(t, "schema.sql", "failing.sql")
	v.inspectJournal(t)
}

// What Go prints when a process is killed with SIGQUIT holds no text.
func TestSecretInCrash(t *testing.T) {
	v := newVault(t)
	v.write(t, "schema.sql", "CREATE TABLE t (a integer, b integer);")
	holder := pgtest.Connect(t, v.URL)
	if _, err := holder.Exec(t.Context(), "BEGIN; LOCK TABLE t IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	variables := []string{"GOTRACEBACK=system", "PGPASSWORD=" + v.password}
	cmd, out := v.start(t, variables, "apply", "-d", v.ways()[3].args[1], "--file", "schema.sql", "--no-prove", "--auto-approve", "--lock-timeout", "1m")
	observer := pgtest.Connect(t, v.URL)
	for waiting := false; !waiting; time.Sleep(10 * time.Millisecond) {
		if err := observer.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name ~ '^cairn [0-9]+/' AND wait_event_type = 'Lock')").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its end by the signal
	if !strings.Contains(out.String(), "goroutine ") || !strings.Contains(out.String(), "apply.RunEach(") {
		t.Errorf("no stacks were printed:\n%s", out)
	}
	v.check(t, "the stacks", out.String())
	words := hex.EncodeToString([]byte(v.core)[:8])
	if strings.Contains(out.String(), words) {
		t.Errorf("the stacks hold the password in hexadecimal:\n%s", out)
	}
}
