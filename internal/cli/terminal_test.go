package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// onTerminal runs a command as if a person answered on a terminal.
func onTerminal(ctx context.Context, input io.Reader, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(ctx, &Env{In: input, Out: &out, Err: &errs, Getenv: os.Getenv, Now: time.Now, Terminal: true, Color: true, Version: "1"}, args)
	return code, out.String(), errs.String()
}

func TestApplyAsks(t *testing.T) {
	target := clusters.Database(t, slices.Max(pgtest.Versions()))
	file := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(file, []byte("CREATE TABLE books (id bigint);"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{"no\n", "y\n", ""} {
		code, _, stderr := onTerminal(t.Context(), strings.NewReader(answer), "apply", "-d", target, "--file", file)
		if code != 1 || !strings.Contains(stderr, "Type yes to go on: ") || !strings.Contains(stderr, "error: not approved: nothing was changed\n") {
			t.Errorf("answer %q: code %d, %s", answer, code, stderr)
		}
	}
	code, stdout, stderr := onTerminal(t.Context(), strings.NewReader("yes\n"), "apply", "-d", target, "--file", file)
	if code != 0 || !strings.Contains(stdout, "Applied 1 statement") || !strings.Contains(stdout, "\x1b[32m") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
}

func TestInterruptedQuestion(t *testing.T) {
	target := clusters.Database(t, slices.Max(pgtest.Versions()))
	file := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(file, []byte("CREATE TABLE books (id bigint);"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	input, never := io.Pipe()
	defer never.Close()
	var out, errs bytes.Buffer
	env := &Env{In: input, Out: &out, Err: writerFunc(func(b []byte) (int, error) {
		if bytes.Contains(b, []byte("Type yes")) {
			cancel()
		}
		return errs.Write(b)
	}), Getenv: os.Getenv, Now: time.Now, Terminal: true}
	code := Main(ctx, env, []string{"apply", "-d", target, "--file", file})
	if code != 130 || !strings.HasSuffix(errs.String(), "error: interrupted\n") {
		t.Errorf("code %d, %s", code, errs.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestReport(t *testing.T) {
	cases := []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{changesExist{}, 2, ""},
		{errors.New("one\ntwo\n  three"), 1, "error: one\n  two\n  three\n"},
		{hintf("try\nthis", "reading postgres://u:secret@h/d: no"), 1, "error: reading postgres://u:xxxxx@h/d: no\nhint: try this\n"},
		{&cairn.StaleError{Expected: "sha256:a", Actual: "sha256:b", Changed: []string{"table public.users (column added: nickname)"}}, 3,
			"error: the database changed since this plan was made\n  expected fingerprint  sha256:a\n  actual fingerprint    sha256:b\n" +
				"  changed: table public.users (column added: nickname)\nhint: run cairn plan again, review it, then apply\n"},
		{&cairn.RefusedError{Steps: []schema.Step{
			{Loses: "drop-column", Object: "column:public.users.email", Why: "every value"},
			{Loses: "drop-function", Object: "function:public.f(integer, text)", Why: "it"},
		}}, 4, "error: 2 steps can lose data and are not allowed\n  --allow drop-column:public.users.email  every value\n" +
			"  --allow 'drop-function:public.f(integer, text)'  it\n" +
			"hint: add these --allow flags to permit them, or --allow-destructive to permit every such step\n"},
		{&cairn.LockError{What: "step 1 did not get its lock", Undone: true}, 5, "error: step 1 did not get its lock (rolled back, nothing was changed)\nhint: "},
		{context.Canceled, 130, "error: interrupted\n"},
	}
	for _, c := range cases {
		var errs bytes.Buffer
		code := report(t.Context(), &Env{Err: redacted{&errs}}, c.err)
		if code != c.code || !strings.HasPrefix(errs.String(), c.want) {
			t.Errorf("%v: code %d, want %d\n%s", c.err, code, c.code, errs.String())
		}
	}
}

// On a terminal the question is asked, and the answer is kept.
func TestRenameAsks(t *testing.T) {
	target := clusters.Database(t, slices.Max(pgtest.Versions()))
	pgtest.Exec(t, target, "CREATE TABLE books (id bigint, name text, fax integer)")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("schema.sql", []byte("CREATE TABLE books (id bigint, title text, phone integer);"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := onTerminal(t.Context(), strings.NewReader("no\nyes\n"), "plan", "-d", target, "--file", "schema.sql")
	if code != 0 || !strings.Contains(stdout, "RENAME COLUMN name TO title") || !strings.Contains(stdout, "DROP COLUMN fax") ||
		!strings.Contains(stderr, "Is column:public.books.phone the former column:public.books.fax, renamed?") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
	code, stdout, stderr = onTerminal(t.Context(), strings.NewReader(""), "plan", "-d", target, "--file", "schema.sql")
	if code != 0 || !strings.Contains(stdout, "RENAME COLUMN name TO title") || strings.Contains(stderr, "renamed?") {
		t.Errorf("the answers are not kept: code %d, %s%s", code, stdout, stderr)
	}
}
