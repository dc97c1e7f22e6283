package cli

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/pgtest"
)

// guarded is a schema of the role boss in a database that grants nothing to
// everybody, with what only some may read.
const guarded = `REVOKE ALL ON DATABASE app, postgres FROM PUBLIC;
CREATE ROLE boss; CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN; CREATE ROLE builder LOGIN; CREATE ROLE nobody LOGIN;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA hidden AUTHORIZATION boss;
CREATE TYPE hidden.mood AS ENUM ('bad');
CREATE TABLE hidden.t (a integer, mood hidden.mood CHECK (a > 0));
CREATE FUNCTION hidden.f(integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN $1 + 1;
CREATE INDEX i ON hidden.t (hidden.f(a));
CREATE VIEW hidden.v AS SELECT a FROM hidden.t;
CREATE POLICY p ON hidden.t USING (a > 1); ALTER TABLE hidden.t ENABLE ROW LEVEL SECURITY;
ALTER TYPE hidden.mood OWNER TO boss; ALTER TABLE hidden.t OWNER TO boss; ALTER FUNCTION hidden.f OWNER TO boss; ALTER VIEW hidden.v OWNER TO boss;
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR boss SERVER s OPTIONS (user 'u', password 'x');
REVOKE ALL ON ALL TABLES IN SCHEMA hidden FROM PUBLIC; REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hidden FROM PUBLIC;
INSERT INTO hidden.t VALUES (1), (NULL);`

// counting makes the plan look for rows.
const counting = "a integer,"

// task is one row of the table in docs/security.md: a role with these grants and
// no others can run the commands, and without any one of them it fails as said.
type task struct {
	name, role string
	commands   []string
	grants     []grant
	reset      string // brings the database back, between commands
}

type grant struct {
	give, take string
	without    string // what the output says, an expression
	code       int
}

func tasks(scratch string) []task {
	read := grant{"GRANT CONNECT ON DATABASE app TO %s", "REVOKE CONNECT ON DATABASE app FROM %s",
		`permission denied for dat(?s:.*)hint: the user needs the CONNECT privilege on the database`, 1}
	journal := grant{"CREATE SCHEMA IF NOT EXISTS cairn AUTHORIZATION %s", "DROP SCHEMA cairn CASCADE",
		`creating the journal: .*permission denied for database app(?s:.*)hint: .*CREATE SCHEMA IF NOT EXISTS cairn AUTHORIZATION writer;`, 1}
	member := grant{"GRANT boss TO %s", "REVOKE boss FROM %s", `must be owner of (table|view|type|index|function)|permission denied for schema hidden`, 1}
	return []task{
		{name: "read", role: "reader", grants: []grant{read}, commands: []string{
			"dump", "snapshot", "diff TARGET empty:", "diff empty: TARGET --sql", "plan --file same.sql --no-prove --shadow SHADOW", "plan --file new.sql",
			"dump --roles --database-settings", "prove --plan plan.json"}},
		{name: "count", role: "reader", commands: []string{"plan --file notnull.sql --no-prove --shadow SHADOW"}, grants: []grant{read,
			{"GRANT USAGE ON SCHEMA hidden TO %s", "REVOKE USAGE ON SCHEMA hidden FROM %s", "was not checked for rows .*permission denied for schema hidden", 0},
			{"GRANT SELECT ON hidden.t TO %s", "REVOKE SELECT ON hidden.t FROM %s", "was not checked for rows .*permission denied for table t", 0},
			{"ALTER ROLE %s BYPASSRLS", "ALTER ROLE %s NOBYPASSRLS", "was not checked for rows .*query would be affected by row-level security policy", 0}}},
		{name: "shadow beside the target", role: "builder", commands: []string{"plan --shadow target --file plain.sql --no-prove"}, grants: []grant{read,
			{"ALTER ROLE %s CREATEDB", "ALTER ROLE %s NOCREATEDB", "permission denied to create database.*\nhint: give the role CREATEDB", 1}}},
		{name: "given shadow", role: "builder", commands: []string{"dump --file plain.sql --shadow " + scratch}, grants: []grant{
			{"ALTER DATABASE scratch OWNER TO %s", "ALTER DATABASE scratch OWNER TO postgres", "permission denied for database \"scratch\"|must be owner of database scratch", 1}}},
		{name: "apply", role: "writer", commands: []string{"apply --plan plan.json --auto-approve"},
			reset: "DROP TABLE IF EXISTS hidden.n; ALTER TABLE hidden.t DROP COLUMN IF EXISTS b", grants: []grant{read, member, journal}},
		{name: "apply a new schema", role: "writer", commands: []string{"apply --plan schema.json --auto-approve"}, reset: "DROP SCHEMA IF EXISTS fresh", grants: []grant{read,
			{"GRANT CREATE ON DATABASE app TO %s", "REVOKE CREATE ON DATABASE app FROM %s", "permission denied for database app", 1}}},
		{name: "doctor", role: "writer", commands: []string{"doctor --shadow SHADOW"}, grants: []grant{read,
			{"GRANT boss TO %s", "REVOKE boss FROM %s", "FAIL  rights .* belong to roles that writer is no member of", 1}}},
	}
}

// Roles with exactly what docs/security.md lists can do what it says, and not
// with one grant less.
func TestLeastPrivileges(t *testing.T) {
	major := pgtest.Versions()[len(pgtest.Versions())-1]
	target := clusters.Own(t, major, guarded)
	pgtest.Exec(t, target, "CREATE DATABASE scratch TEMPLATE template0")
	pgtest.Exec(t, target, "REVOKE ALL ON DATABASE scratch FROM PUBLIC")
	pgtest.Exec(t, target, "CREATE DATABASE shadow TEMPLATE template0")
	as := func(database, role string) string {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set("user", role)
		return "postgres:///" + database + "?" + q.Encode()
	}
	t.Chdir(t.TempDir())
	run := func(role, command string) (int, string) {
		var out bytes.Buffer
		env := &Env{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: os.Getenv, Now: time.Now}
		args := strings.Fields(strings.NewReplacer("TARGET", as("app", role), "SHADOW", as("shadow", "postgres")).Replace(command))
		if args[0] != "diff" && !strings.Contains(command, "dump --file") {
			args = append(args, "-d", as("app", role))
		}
		return Main(t.Context(), env, args), out.String()
	}
	pgtest.Exec(t, target, "GRANT CONNECT ON DATABASE app TO reader")
	prepareGuarded(t, run)
	pgtest.Exec(t, target, "REVOKE CONNECT ON DATABASE app FROM reader")
	for _, task := range tasks(as("scratch", "builder")) {
		for _, command := range task.commands {
			t.Run(task.name+"/"+command[:min(len(command), 30)], func(t *testing.T) {
				for _, g := range task.grants {
					pgtest.Exec(t, target, fmt.Sprintf(g.give, task.role))
				}
				for _, g := range task.grants {
					pgtest.Exec(t, target, take(g, task.role))
					code, out := run(task.role, command)
					if code != g.code || !regexp.MustCompile(g.without).MatchString(out) {
						t.Errorf("without %q: exit code %d\n%s", fmt.Sprintf(g.give, task.role), code, out)
					}
					pgtest.Exec(t, target, fmt.Sprintf(g.give, task.role)+";"+task.reset)
				}
				if code, out := run(task.role, command); code != 0 || strings.Contains(out, "permission denied") || strings.Contains(out, "was not checked") {
					t.Errorf("with all: exit code %d\n%s", code, out)
				}
				pgtest.Exec(t, target, task.reset)
				for _, g := range task.grants {
					pgtest.Exec(t, target, take(g, task.role))
				}
			})
		}
	}
}

func take(g grant, role string) string {
	if strings.Contains(g.take, "%s") {
		return fmt.Sprintf(g.take, role)
	}
	return g.take
}

// prepareGuarded writes the files that the commands take, made as superuser.
func prepareGuarded(t *testing.T, run func(role, command string) (int, string)) {
	t.Helper()
	must := func(command string) {
		t.Helper()
		if code, out := run("postgres", command); code != 0 {
			t.Fatalf("%s: %s", command, out)
		}
	}
	must("dump --owners none --output same.sql")
	same, err := os.ReadFile("same.sql")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(same), counting, "a integer NOT NULL,", 1)
	if changed == string(same) {
		t.Fatalf("the dump has no %q:\n%s", counting, same)
	}
	for name, text := range map[string]string{
		"notnull.sql": changed,
		"new.sql":     strings.Replace(string(same), counting, counting+" b integer,", 1) + "\nCREATE TABLE hidden.n (a integer);\n",
		"schema.sql":  string(same) + "\nCREATE SCHEMA fresh;\n",
		"plain.sql":   "CREATE SCHEMA IF NOT EXISTS hidden; CREATE TABLE hidden.t (a integer);",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A plan holds what its reader may see, so the plans are those of one who is no superuser.
	must("plan --file new.sql --output-json plan.json --no-prove --user reader")
	must("plan --file schema.sql --output-json schema.json --no-prove --user reader")
}
