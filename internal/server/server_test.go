package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ownerVariable turns the test binary into the owner of a temporary server.
const ownerVariable = "CAIRN_TEST_SERVER_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerVariable) != "" {
		os.Exit(ownServer())
	}
	os.Exit(m.Run())
}

// ownServer starts a server, prints where it is and waits to be killed.
func ownServer() int {
	ctx := context.Background()
	o := Options{Getenv: os.Getenv, CacheDir: os.Getenv(ownerVariable)}
	b, err := Find(ctx, 0, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s, err := Start(ctx, b, Config{}, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.work.dir)
	select {}
}

// testOptions keeps everything a test writes below a directory that the
// account of the server can enter and whose path is short.
func testOptions(t *testing.T) Options {
	t.Helper()
	dir, err := os.MkdirTemp("", "servertest")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return Options{Getenv: os.Getenv, CacheDir: filepath.Join(dir, "cache"), DataDir: filepath.Join(dir, "data")}
}

func find(t *testing.T, o Options) Binaries {
	t.Helper()
	b, err := Find(t.Context(), 0, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// query runs a statement and returns the single value it yields.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var value string
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

func TestTemporaryServer(t *testing.T) {
	o := testOptions(t)
	b := find(t, o)
	for _, round := range []string{"initdb", "template"} {
		began := time.Now()
		s, err := Start(t.Context(), b, Config{Superuser: "app owner+1", Settings: map[string]string{"work_mem": "7MB"}}, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: ready after %s", round, time.Since(began).Round(time.Millisecond))
		for sql, want := range map[string]string{
			"select current_user::text": "app owner+1",
			"show work_mem":             "7MB",
			"show listen_addresses":     "",
			"show fsync":                "off",
			"show server_encoding":      "UTF8",
			"show lc_collate":           "C",
			"select (current_setting('server_version_num')::int / 10000)::text": fmt.Sprint(s.Major()),
		} {
			if sql == "show lc_collate" && b.Major > 15 {
				continue
			}
			if got := query(t, s.URL("postgres"), sql); got != want {
				t.Errorf("%s: %s = %q, want %q", round, sql, got, want)
			}
		}
		Sweep(o)
		query(t, s.URL("postgres"), "select 'a sweep leaves a live server alone'")
		for range 2 {
			if err := s.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !gone(s.work.dir) {
			t.Errorf("%s is left", s.work.dir)
		}
		if err := syscall.Kill(s.process.pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is left: %v", s.process.pid, err)
		}
	}
}

func TestBrokenTemplateIsRebuilt(t *testing.T) {
	o := testOptions(t)
	b := find(t, o)
	start := func() {
		t.Helper()
		s, err := Start(t.Context(), b, Config{}, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	start()
	file := templateFor(b, Config{}, o).file
	whole, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func() error{
		"torn":  func() error { return os.Truncate(file, whole.Size()/2) },
		"empty": func() error { return os.WriteFile(file, nil, 0o600) },
		"foreign": func() error {
			other := filepath.Join(filepath.Dir(file), "other")
			if err := errors.Join(os.Mkdir(other, 0o755), os.WriteFile(filepath.Join(other, "PG_VERSION"), []byte("9\n"), 0o600)); err != nil {
				return err
			}
			f, err := os.Create(file)
			if err != nil {
				return err
			}
			return errors.Join(template{}.pack(other, f), f.Close())
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		start()
		if info, err := os.Stat(file); err != nil || info.Size() != whole.Size() {
			t.Errorf("%s: not rebuilt: %v", name, err)
		}
	}
}

// A template that is written takes away those that nobody has used for long.
func TestOldTemplatesGo(t *testing.T) {
	o := testOptions(t)
	b := find(t, o)
	root := filepath.Join(o.CacheDir, "initdb")
	long := time.Now().Add(-2 * templateKept)
	for name, used := range map[string]time.Time{"17.1-uid0-old.tar": long, "17.2-uid0-new.tar": time.Now()} {
		if err := errors.Join(os.MkdirAll(root, 0o755), os.WriteFile(filepath.Join(root, name), nil, 0o600), os.Chtimes(filepath.Join(root, name), used, used)); err != nil {
			t.Fatal(err)
		}
	}
	start := func(c Config) {
		t.Helper()
		s, err := Start(t.Context(), b, c, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	start(Config{})
	if !gone(filepath.Join(root, "17.1-uid0-old.tar")) || gone(filepath.Join(root, "17.2-uid0-new.tar")) {
		t.Error("the wrong templates are there")
	}
	file := templateFor(b, Config{}, o).file
	if err := os.Chtimes(file, long, long); err != nil {
		t.Fatal(err)
	}
	start(Config{}) // uses it
	start(Config{Superuser: "another"})
	if gone(file) {
		t.Error("a template that was used is gone")
	}
}

func TestStartTellsWhatTheServerSaid(t *testing.T) {
	o := testOptions(t)
	_, err := Start(t.Context(), find(t, o), Config{Settings: map[string]string{"no_such_setting": "1"}}, o)
	if err == nil || !strings.Contains(err.Error(), `unrecognized configuration parameter "no_such_setting"`) ||
		!strings.HasPrefix(err.Error(), "starting PostgreSQL ") {
		t.Errorf("unexpected error: %v", err)
	}
}

func TestKeptDataDirectory(t *testing.T) {
	o := testOptions(t)
	b := find(t, o)
	c := Config{Data: filepath.Join(o.DataDir, "mine"), Durable: true}
	for _, sql := range []string{
		"create table kept as select 'same data'::text as v; select 'made'",
		"select v from kept",
	} {
		s, err := Start(t.Context(), b, c, o)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), s.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Error(err)
		}
		if err := errors.Join(conn.Close(t.Context()), s.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if gone(c.Data) {
		t.Error("the data is gone")
	}
}

func TestSweepRemovesServersOfKilledRuns(t *testing.T) {
	o := testOptions(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerVariable+"="+o.CacheDir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(line)
	data := filepath.Join(dir, "data")
	pid := runningPostmaster(data)
	if pid == 0 {
		t.Fatal("no server runs in " + dir)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the owner ended by itself")
	}
	Sweep(o)
	if !gone(dir) {
		t.Errorf("%s is left", dir)
	}
	if serves(pid, data) {
		t.Errorf("process %d is left", pid)
	}
}

func TestEmbeddedServer(t *testing.T) {
	o := testOptions(t)
	ctx := t.Context()
	t.Cleanup(func() {
		if err := RemoveEmbedded(context.Background(), "dev-1", o); err != nil {
			t.Error(err)
		}
	})
	var urls [2]string
	var errs [2]error
	var both sync.WaitGroup
	for i := range urls {
		both.Go(func() { urls[i], errs[i] = OpenEmbedded(ctx, "dev-1", 0, o) })
	}
	both.Wait()
	if errs[0] != nil || errs[1] != nil || urls[0] != urls[1] {
		t.Fatal(urls, errs)
	}
	query(t, urls[0], "select set_config('search_path', 'public', false)")
	if got := query(t, urls[0], "select current_database()::text || ' ' || current_setting('fsync')"); got != "dev-1 on" {
		t.Errorf("got %s", got)
	}
	before := query(t, urls[0], "select system_identifier::text from pg_control_system()")
	if err := StopEmbedded(ctx, "dev-1", o); err != nil {
		t.Fatal(err)
	}
	all, err := ListEmbedded(o)
	if err != nil || len(all) != 1 || all[0].Running || all[0].Name != "dev-1" {
		t.Fatal(all, err)
	}
	url, err := OpenEmbedded(ctx, "dev-1", all[0].Major, o)
	if err != nil {
		t.Fatal(err)
	}
	if after := query(t, url, "select system_identifier::text from pg_control_system()"); before != after {
		t.Error("another server came back")
	}
	if all, err = ListEmbedded(o); err != nil || !all[0].Running || all[0].URL != url {
		t.Error(all, err)
	}
	other := oldestMajor
	if all[0].Major == other {
		other++
	}
	if _, err := OpenEmbedded(ctx, "dev-1", other, o); err == nil || !strings.Contains(err.Error(), "it holds data of PostgreSQL") {
		t.Errorf("another major: %v", err)
	}
	if err := StopEmbedded(ctx, "nope", o); err == nil || !strings.Contains(err.Error(), "dev-1") {
		t.Errorf("unknown name: %v", err)
	}
}

func TestFindWithVariable(t *testing.T) {
	o := testOptions(t)
	b := find(t, o)
	other := oldestMajor
	if b.Major == other {
		other++
	}
	set := func(dir string) Options {
		o.Getenv = func(name string) string { return map[string]string{"CAIRN_POSTGRES_BIN": dir}[name] }
		return o
	}
	want := fmt.Sprintf("holds PostgreSQL %d, but %d is needed", b.Major, other)
	if len(b.Env) == 0 {
		if _, err := Find(t.Context(), other, set(b.Bin)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if got, err := Find(t.Context(), b.Major, set(b.Bin)); err != nil || got.Bin != b.Bin {
			t.Error(got, err)
		}
	}
	if _, err := Find(t.Context(), 0, set("/no/such")); err == nil || !strings.Contains(err.Error(), "CAIRN_POSTGRES_BIN=/no/such: not there") {
		t.Errorf("missing directory: %v", err)
	}
}

func TestNotFound(t *testing.T) {
	e := &NotFoundError{Major: 17, Tried: []string{"/a/bin: not there", "/b/bin: it is PostgreSQL 15", "fetching with npm: two\nlines"}}
	if got, want := e.Error(), "no PostgreSQL 17 found on this machine (/b/bin: it is PostgreSQL 15; fetching with npm: two lines)"; got != want {
		t.Errorf("got %s", got)
	}
	for _, part := range []string{"postgresql-17", "CAIRN_POSTGRES_BIN", "--shadow URL"} {
		if !strings.Contains(e.Hint(), part) {
			t.Errorf("the hint lacks %s: %s", part, e.Hint())
		}
	}
	if _, err := Find(t.Context(), 13, Options{}); err == nil {
		t.Error("13 is not supported")
	}
}

func TestFindWithoutAnything(t *testing.T) {
	o := testOptions(t)
	o.Getenv = func(string) string { return "" }
	major := newestMajor
	_, err := Find(t.Context(), major, o)
	var missing *NotFoundError
	if err != nil && !errors.As(err, &missing) {
		t.Fatal(err)
	}
	if err != nil && !strings.Contains(err.Error(), "npm is not on PATH") {
		t.Error(err)
	}
}

func TestVersions(t *testing.T) {
	for _, pair := range [][2]string{
		{"18.4.0-beta.9", "18.4.0-beta.17"}, {"16.9.0-beta.15", "16.10.0-beta.15"}, {"15.9-0+deb12u1", "15.18-0+deb12u1"},
	} {
		if compareVersions(pair[0], pair[1]) >= 0 || compareVersions(pair[1], pair[0]) <= 0 {
			t.Errorf("%s must be older than %s", pair[0], pair[1])
		}
	}
	got, err := newestVersion([]string{"14.9.0-beta.1", "17.2.0-beta.14", "17.10.0-beta.17", "18.1.0-beta.15"}, 17)
	if err != nil || got != "17.10.0-beta.17" {
		t.Error(got, err)
	}
}

func TestDefaultDirs(t *testing.T) {
	env := func(pairs map[string]string) func(string) string {
		return func(name string) string { return pairs[name] }
	}
	if got := DefaultCacheDir(env(map[string]string{"CAIRN_CACHE_DIR": "/x/y"})); got != "/x/y" {
		t.Error(got)
	}
	if os.Geteuid() != 0 {
		if got := DefaultDataDir(env(nil)); got != filepath.Join(userTempDir(), "data") {
			t.Error(got)
		}
	}
}

func TestWorkDirIsInMemoryWhereThereIsPlenty(t *testing.T) {
	where := func(named string) string {
		t.Helper()
		t.Setenv("TMPDIR", named)
		w, err := newWorkDir(t.Context(), serverAccount())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.remove(); err != nil {
			t.Error(err)
		}
		return filepath.Dir(w.dir)
	}
	want := "/tmp"
	if plenty(memory) {
		want = memory
	}
	if got := where(""); got != want {
		t.Errorf("the work directory is in %s, want %s", got, want)
	}
	if got := where("/var/tmp"); got != "/var/tmp" {
		t.Errorf("with TMPDIR the work directory is in %s", got)
	}
}
