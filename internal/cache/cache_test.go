package cache

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func key(name string) Key { return sha256.Sum256([]byte(name)) }

func put(t *testing.T, d Dir, name, content string) string {
	t.Helper()
	if err := d.Put(key(name), []byte(content)); err != nil {
		t.Fatal(err)
	}
	return d.file(key(name))
}

func get(t *testing.T, d Dir, name string) string {
	t.Helper()
	content, err := d.Get(key(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEntries(t *testing.T) {
	d := Dir{Path: filepath.Join(t.TempDir(), "below", "states")}
	if got := get(t, d, "a"); got != "" {
		t.Errorf("an empty cache has %q", got)
	}
	text := strings.Repeat("some text, ", 1000)
	file := put(t, d, "a", text)
	put(t, d, "b", "")
	if got := get(t, d, "a"); got != text {
		t.Errorf("got %q", got)
	}
	if content, err := d.Get(key("b")); content == nil || len(content) > 0 || err != nil {
		t.Error("an empty entry is not there", content, err)
	}
	for name, want := range map[string]os.FileMode{d.Path: os.ModeDir | 0o700, file: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Error(name, info.Mode(), err)
		}
	}
	usage, err := d.Usage()
	if err != nil || usage.Entries != 2 || usage.Bytes == 0 || usage.Bytes > 1000 {
		t.Error(usage, err)
	}
	if cleared, err := d.Clear(); err != nil || cleared != usage {
		t.Error(cleared, err)
	}
	if usage, err := d.Usage(); err != nil || usage != (Usage{}) || get(t, d, "a") != "" {
		t.Error(usage, err)
	}
}

// Nothing is read from a file that is not as it was written, under its own name.
func TestBrokenEntries(t *testing.T) {
	d := Dir{Path: filepath.Join(t.TempDir(), "states")}
	file := put(t, d, "a", strings.Repeat("content", 10))
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if content, err := d.Get(key("a")); err == nil || content != nil {
			t.Errorf("%s: got %q, %v", what, content, err)
		}
	}
	for n := range whole {
		refused("torn", whole[:n])
		edited := bytes.Clone(whole)
		edited[n] ^= 1
		refused("edited", edited)
	}
	refused("longer", append(bytes.Clone(whole), 'x'))
	if err := os.WriteFile(d.file(key("b")), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if content, err := d.Get(key("b")); err == nil || content != nil {
		t.Errorf("under another name: %q, %v", content, err)
	}
	put(t, d, "a", "again")
	if got := get(t, d, "a"); got != "again" {
		t.Errorf("got %q", got)
	}
}

// What others can write to or read is no cache.
func TestForeignDirectory(t *testing.T) {
	d := Dir{Path: filepath.Join(t.TempDir(), "states")}
	put(t, d, "a", "x")
	if err := os.Chmod(d.Path, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(key("a")); err == nil || !strings.Contains(err.Error(), "others can enter") {
		t.Error(err)
	}
	if err := d.Put(key("a"), nil); err == nil {
		t.Error("an entry was written where others can write")
	}
	link := Dir{Path: filepath.Join(t.TempDir(), "link")}
	if err := os.Chmod(d.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(d.Path, link.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := link.Get(key("a")); err == nil {
		t.Error("a link was followed")
	}
	file := Dir{Path: filepath.Join(d.Path, "file")}
	if err := os.WriteFile(file.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := file.Put(key("a"), nil); err == nil {
		t.Error("a file is a directory")
	}
}

// The entries that were not used for longest go first.
func TestLimit(t *testing.T) {
	d := Dir{Path: filepath.Join(t.TempDir(), "states"), Limit: 1000}
	random := func(seed string) string { // what does not shrink
		var b []byte
		for len(b) < 200 {
			sum := sha256.Sum256(append(b, seed...))
			b = append(b, sum[:]...)
		}
		return string(b)
	}
	for i, name := range []string{"a", "b", "c"} {
		file := put(t, d, name, random(name))
		at := time.Now().Add(time.Duration(i-10) * time.Minute)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if get(t, d, "a") == "" { // now b is the oldest
		t.Fatal("a is gone too early")
	}
	put(t, d, "d", random("d"))
	for name, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if got := get(t, d, name) != ""; got != want {
			t.Errorf("%s is there: %t", name, got)
		}
	}
	if usage, err := d.Usage(); err != nil || usage.Bytes > 1000 {
		t.Error(usage, err)
	}
	if err := d.Put(key("e"), []byte(strings.Repeat(random("e")+random("f"), 5))); err == nil {
		if usage, _ := d.Usage(); usage.Bytes > 1000 {
			t.Error("an entry is larger than all are allowed to be")
		}
	}
	old := filepath.Join(d.Path, unfinished+"x")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	put(t, d, "g", "x")
	d.Most = 20
	for i := range d.Most {
		if err := os.WriteFile(d.file(key(strconv.Itoa(i))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(t, d, "h", "x")
	if usage, err := d.Usage(); err != nil || usage.Entries > d.Most || usage.Entries < d.Most/2 {
		t.Error(usage, err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Error("an unfinished file stays forever")
	}
}

// Writers, readers and those who clear do not disturb each other.
func TestParallel(t *testing.T) {
	d := Dir{Path: filepath.Join(t.TempDir(), "states"), Limit: 20000}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 30 {
				name := string(rune('a' + i%5))
				want := strings.Repeat(name, 5000)
				if worker == 0 && i%10 == 9 {
					if _, err := d.Clear(); err != nil {
						t.Error(err)
					}
				}
				if err := d.Put(key(name), []byte(want)); err != nil {
					t.Error(err)
				}
				content, err := d.Get(key(name))
				if err != nil || content != nil && string(content) != want {
					t.Errorf("%d bytes, %v", len(content), err)
				}
			}
		})
	}
	group.Wait()
}

func TestProgram(t *testing.T) {
	id, err := Program()
	if err != nil || len(id) < 40 {
		t.Error(id, err)
	}
	name := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(name, []byte("no binary"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := identify(name)
	if err != nil || other == id || !strings.HasPrefix(other, "sha256 ") {
		t.Error(other, err)
	}
}
