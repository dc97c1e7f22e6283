package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inOneLine demands an error of one line that holds no control character.
func inOneLine(t *testing.T, err error) {
	t.Helper()
	if err != nil && (err.Error() == "" || strings.Contains(err.Error(), "\n")) {
		t.Fatalf("the error is %q", err)
	}
}

// A configuration is read or refused with one line, and what is read of it can be
// used.
func FuzzParseConfig(f *testing.F) {
	for _, text := range []string{
		"schema: a\nenvironments: {a: {url: b}}", "a: &a [*a]", "schemas: &n [a, b]\nignore: *n", "hazards: {deny: [drop-table]}", "postgres:\n  version: 17\n",
		"environments:\n  p: {url: \"${U}\", protected: true, lock_timeout: 3s, approvals: 1}\n", "schema: |\n  a\n", "? a\n: b", "!!binary a", "---\n---\na", "{{{{", "%YAML 9",
		"x: &a [&b [*a, *b]]", "- - - -", "schema: \"\\ud800\"", "approvals: 99999999999999999999", "roles: yes", "<<: *a", "schema: ${", "\t",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConfig("cairn.yaml", []byte(text), variables(nil))
		if inOneLine(t, err); err != nil {
			return
		}
		for name := range c.environments {
			_, err := c.environment(&Env{Getenv: variables(nil)}, name)
			inOneLine(t, err)
		}
	})
}

// Decisions are read or refused with one line. What is written of them reads as
// the same.
func FuzzParseDecisions(f *testing.F) {
	for _, text := range []string{"", "drops: [a]", "renames: {a: b, c: d}", "renames:\n  \"column:public.\\\"a b\\\".c\": column:public.d.e\n", "drops:\n- a\n- *b", "renames: {a: }", "{", "renames: {? [a] : b}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDecisions([]byte(text))
		if inOneLine(t, err); err != nil {
			return
		}
		c := &config{path: filepath.Join(t.TempDir(), configFile), decisions: d}
		if err := c.writeDecisions(); err != nil {
			t.Fatal(err)
		}
		written, err := os.ReadFile(c.decisionsPath())
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseDecisions(written)
		if err != nil || len(again.Renames) != len(d.Renames) || strings.Join(again.Drops, "\x00") != strings.Join(d.Drops, "\x00") {
			t.Fatalf("%q was written as\n%s\nwhich reads as %v: %v", text, written, again, err)
		}
		for from, to := range d.Renames {
			if again.Renames[from] != to {
				t.Fatalf("%q was written as\n%s\nwhich reads as %v", text, written, again)
			}
		}
	})
}

// A .env file is read or refused with one line, in which there is no value.
func FuzzParseDotEnv(f *testing.F) {
	for _, text := range []string{"A=1\nexport B = \"x\\\"y\\n\" # c\nC='$lit'", "\ufeffA=b=c # d", "A='", "=", "A B=c", "A=\"\\", "\x00=\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseDotEnv(".env", text)
		inOneLine(t, err)
		for name := range got {
			if name == "" || strings.ContainsAny(name, " \t=\"'\n") {
				t.Fatalf("%q has the variable %q", text, name)
			}
		}
	})
}
