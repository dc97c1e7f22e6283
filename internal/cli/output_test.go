package cli

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cairn-db/cairn/internal/pgtest"
)

func put(t *testing.T, env *Env, place, text string) error {
	t.Helper()
	return writeOutput(env, place, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// A reader sees one of two texts whole, never a part or a mixture.
func TestOutputWhole(t *testing.T) {
	place := filepath.Join(t.TempDir(), "plan.json")
	texts := []string{strings.Repeat("a", 300_000), strings.Repeat("b", 200_000)}
	if err := put(t, &Env{}, place, texts[0]); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		for i := range 100 {
			if err := put(t, &Env{}, place, texts[i%2]); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for reads := 0; ; reads++ {
		select {
		case err := <-done:
			if err != nil || reads == 0 {
				t.Errorf("%d reads, %v", reads, err)
			}
			entries, err := os.ReadDir(filepath.Dir(place))
			if err != nil || len(entries) != 1 {
				t.Errorf("left are %v, %v", entries, err)
			}
			return
		default:
		}
		if text, err := os.ReadFile(place); err != nil || string(text) != texts[0] && string(text) != texts[1] {
			t.Fatalf("read %d bytes, %v", len(text), err)
		}
	}
}

func TestOutputPermissions(t *testing.T) {
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	for _, test := range []struct {
		name         string
		before, want fs.FileMode
		private      bool
	}{
		{"new", 0, 0o640, false}, {"there", 0o604, 0o604, false}, {"new and private", 0, 0o600, true}, {"there and private", 0o644, 0o600, true},
	} {
		place := filepath.Join(t.TempDir(), "f")
		if test.before != 0 {
			if err := os.WriteFile(place, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(place, test.before); err != nil {
				t.Fatal(err)
			}
		}
		if err := put(t, &Env{private: test.private}, place, "text"); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		info, err := os.Stat(place)
		if err != nil || info.Mode().Perm() != test.want {
			t.Errorf("%s: %v, %v", test.name, info.Mode(), err)
		}
	}
}

// A link of the user's own is followed. One of somebody else's in a directory
// that everybody can write to is refused, and so is a pipe.
func TestOutputLinks(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"1", "2"} {
		if err := os.WriteFile(real, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := put(t, &Env{}, link, text); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(real)
		if target, _ := os.Readlink(link); err != nil || string(got) != text || target != "real" {
			t.Errorf("got %q behind %q, %v", got, target, err)
		}
	}
	if err := put(t, &Env{}, dir, "x"); err == nil || !strings.HasSuffix(err.Error(), "is a directory") {
		t.Errorf("got %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can make a link of another user's")
	}
	if err := os.Chmod(dir, 0o1777); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Symlink(t.TempDir(), folder); err != nil {
		t.Fatal(err)
	}
	for _, planted := range []string{link, pipe, folder} {
		if err := os.Lchown(planted, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		place := planted
		if planted == folder {
			place = filepath.Join(folder, "plan.json")
		}
		if err := put(t, &Env{}, place, "x"); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
			t.Errorf("%s: %v", planted, err)
		}
	}
	if text, err := os.ReadFile(real); err != nil || string(text) != "2" {
		t.Errorf("behind the link is %q, %v", text, err)
	}
}

func TestOutputElsewhere(t *testing.T) {
	var out bytes.Buffer
	env := &Env{Out: &out}
	for _, place := range []string{"stdout", "-", "/dev/stdout", "/dev/null"} {
		if err := put(t, env, place, place+";"); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	if out.String() != "stdout;-;/dev/stdout;" {
		t.Errorf("standard output has %q", out.String())
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		text, _ := os.ReadFile(pipe)
		read <- string(text)
	}()
	long := strings.Repeat("x", 200_000)
	if err := put(t, &Env{private: true}, pipe, long); err != nil {
		t.Fatal(err)
	}
	if text := <-read; text != long {
		t.Errorf("the pipe gave %d bytes", len(text))
	}
}

// What holds the schema of a protected environment is closed to others.
func TestProtectedFiles(t *testing.T) {
	old := syscall.Umask(0o022)
	defer syscall.Umask(old)
	major := pgtest.Versions()[0]
	target := clusters.Load(t, major, "CREATE TABLE t (a integer)")
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"cairn.yaml": "schema: schema.sql\nenvironments: {closed: {url: \"" + target + "\", protected: true}, open: {url: \"" + target + "\"}}\n",
		"schema.sql": "CREATE TABLE t (a integer, b integer);",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for environment, want := range map[string]fs.FileMode{"open": 0o044, "closed": 0} {
		for _, args := range [][]string{
			{"plan", "--no-prove", "--output-json", environment + "/plan.json", "--output-sql", environment + "/plan.sql", "--output-human", environment + "/plan.txt"},
			{"dump", "--output", environment + "/dump.sql"}, {"dump", "--output", environment + "/dump/"}, {"snapshot", "--output", environment + "/snapshot.json"},
		} {
			if err := os.MkdirAll(environment, 0o755); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			env := &Env{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: os.Getenv, Now: time.Now}
			if code := Main(t.Context(), env, append(args, "--env", environment)); code != 0 {
				t.Fatalf("%v: %s", args, out.String())
			}
		}
		files := 0
		err := filepath.WalkDir(environment, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || path == environment {
				return err
			}
			info, err := entry.Info()
			if files++; err == nil && info.Mode().Perm()&0o044 != want {
				t.Errorf("%s has %v", path, info.Mode())
			}
			return err
		})
		if err != nil || files < 9 {
			t.Errorf("%d files, %v", files, err)
		}
	}
}
