package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
)

func variables(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

func TestParseConfig(t *testing.T) {
	text := `# yaml-language-server: $schema=./cairn.schema.json
schema: schema/                 # desired state
migrations: migrations/
schemas: [public, "${TENANT}"]
ignore: ["table:public.tmp_*", "*:audit.*"]
roles: true
database_settings: true
postgres: {version: 17, extensions: [pg_trgm]}
hazards: {drop-column: deny, drop-index: allow}
environments:
  local:      {url: "postgres:///app", hazards: {drop-column: warn, rewrite-table: {warn-above: 500MB, deny-above: 1.5 GB}}}
  staging:    {url: "${STAGING_URL}"}
  direct:     {url: "${NOT_USED}", direct_url: "${STAGING_URL}?a=b"}
  production: {url: "${PUBLIC_URL}", protected: true, lock_timeout: 3s, approvals: 1}
  empty:
    lock_timeout: 500ms
`
	env := &Env{Getenv: variables(map[string]string{"TENANT": "t7", "STAGING_URL": "postgres://s/app"})}
	c, err := parseConfig("cairn.yaml", []byte(text), env.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	always, warn, deny := int64(0), int64(500<<20), int64(1536<<20)
	want := &config{
		hazards: cairn.Policy{"drop-column": {DenyAbove: &always}, "drop-index": {}},
		path:    "cairn.yaml", schema: "schema/", migrations: "migrations/", schemas: []string{"public", "t7"},
		ignore: []string{"table:public.tmp_*", "*:audit.*"}, version: 17, extensions: []string{"pg_trgm"}, roles: true, database: true,
		environments: map[string]environment{
			"local": {url: "postgres:///app", where: "11:21", hazards: cairn.Policy{
				"drop-column": {WarnAbove: &always}, "rewrite-table": {WarnAbove: &warn, DenyAbove: &deny}}},
			"staging":    {url: "${STAGING_URL}", where: "12:21"},
			"production": {url: "${PUBLIC_URL}", protected: true, lockTimeout: 3 * time.Second, approvals: 1, where: "14:21"},
			"direct":     {url: "${NOT_USED}", direct: "${STAGING_URL}?a=b", where: "13:21", directWhere: "13:48"},
			"empty":      {lockTimeout: 500 * time.Millisecond},
		},
	}
	if d := cmp.Diff(want, c, cmp.AllowUnexported(config{}, environment{})); d != "" {
		t.Error(d)
	}
	if p := c.policy(c.environments["local"]); len(p) != 3 || p["drop-column"].WarnAbove == nil || p["drop-column"].DenyAbove != nil {
		t.Errorf("the policy of local is %v", p)
	}
	if e, err := c.environment(env, "staging"); err != nil || e.url != "postgres://s/app" {
		t.Errorf("%v, %v", e, err)
	}
	if e, err := c.environment(env, "direct"); err != nil || e.url != "postgres://s/app?a=b" {
		t.Errorf("%v, %v", e, err)
	}
	if _, err := c.environment(env, "production"); err == nil || !strings.Contains(err.Error(), "PUBLIC_URL") {
		t.Errorf("got %v", err)
	}
	if _, err := c.environment(env, "empty"); err == nil || !strings.Contains(err.Error(), "no url") {
		t.Errorf("got %v", err)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"schema: [a]":                                     "1:9: schema is a text, not a list",
		"schema: 3":                                       "1:9: schema is a text, not a number",
		"schema: a\nschema: b":                            "2:1: ",
		"schemas: {a: b}":                                 "1:10: schemas is a list of texts, not a mapping",
		"schemas: [1]":                                    "1:11: schemas[0] is a text, not a number",
		"hazards: {drop-colum: deny}":                     `1:11: unknown hazard "hazards.drop-colum"`,
		"hazards: {drop-column: refuse}":                  "1:24: hazards.drop-column: it is allow, warn, deny, or a mapping",
		"hazards: {drop-column: 1}":                       "1:24: hazards.drop-column: it is allow, warn, deny, or a mapping",
		"hazards: {drop-column: {deny-above: 5}}":         "1:37: hazards.drop-column.deny-above is a size with its unit, such as 500MB, not a number",
		"hazards: {drop-column: {deny-above: 5 bushels}}": `1:37: hazards.drop-column.deny-above: "5 bushels" is no size`,
		"hazards: {drop-column: {above: 5MB}}":            `1:25: unknown key "hazards.drop-column.above"`,
		"hazards: {drop-column: {}}":                      "1:24: hazards.drop-column needs warn-above or deny-above",
		"environments: {a: {hazards: [drop-column]}}":     "1:29: environments.a.hazards is a mapping of keys, not a list",
		"postgres: 17":                                    "1:11: postgres is a mapping of keys, not a number",
		"postgres:\n  version: -1":                        "2:12: postgres.version is not negative",
		"postgres:\n  verison: 1":                         `2:3: unknown key "postgres.verison"`,
		"environments: {a: {protected: 1}}":               "1:31: environments.a.protected is true or false, not a number",
		"environments: {a: {lock_timeout: 3}}":            "is a time with its unit",
		"environments: {a: {lock_timeout: soon}}":         "1:34: environments.a.lock_timeout: it is a time",
		"environments: {a: {approvals: one}}":             "is a whole number, not a text",
		"environments: [a]":                               "environments is a mapping",
		"schema: \"${NOWHERE}\"":                          "1:9: schema needs the variable NOWHERE, which is not set",
		"just text":                                       "1:1: it is a mapping of keys, not a text",
		"schema: a\n---\nschema: b":                       "a second document",
		"schema: *nothing":                                "",
		"\x00\x01\x02":                                    "",
		"a: [":                                            "",
		"? {":                                             "",
		"\t- x":                                           "",
	} {
		_, err := parseConfig("cairn.yaml", []byte(text), variables(nil))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "# nothing\n", "schema:\n", "environments: {}\n", "x-common: &a {b: c}\n"[:0]} {
		if _, err := parseConfig("cairn.yaml", []byte(text), variables(nil)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAliases(t *testing.T) {
	c, err := parseConfig("cairn.yaml", []byte("schemas: &names [a, b]\nignore: *names\n"), variables(nil))
	if err != nil || len(c.ignore) != 2 {
		t.Errorf("%v, %v", c, err)
	}
}

func TestParseDotEnv(t *testing.T) {
	got, err := parseDotEnv(".env", "\ufeffA=1\r\n# no\nexport B = \"x\\\"y # z\\n\" # c\nC='$lit # x'\nD=a=b # c\nE=\nF=#x\nG=a#b\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "1", "B": "x\"y # z\n", "C": "$lit # x", "D": "a=b", "E": "", "F": "", "G": "a#b"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, text := range []string{"A", "=x", "A B=c", "A='x", "A=\"x"} {
		if _, err := parseDotEnv(".env", text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestSplitList(t *testing.T) {
	got := splitList(`drop-function:public.f(integer, text), drop-table:public."a,b",,x`)
	want := []string{"drop-function:public.f(integer, text)", `drop-table:public."a,b"`, "x"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
