package snapshot

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/internal/object"
)

var kinds = object.All()

func refuses(t *testing.T, what, file string) *FileError {
	t.Helper()
	_, err := Read(strings.NewReader(file), kinds)
	var e *FileError
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v is no *FileError", what, err)
	}
	if e.Hint() == "" || strings.Contains(e.Error(), "\n") {
		t.Errorf("%s: got %q, hint %q", what, e.Error(), e.Hint())
	}
	return e
}

// Every bit of the file counts, but for white space between values.
func TestReadRefusesEveryFlippedBit(t *testing.T) {
	good := text(t, sample())
	for i := range len(good) {
		for bit := range 8 {
			b := []byte(good)
			b[i] ^= 1 << bit
			refuses(t, fmt.Sprintf("bit %d of byte %d", bit, i), string(b))
		}
		if !strings.ContainsRune(" \n", rune(good[i])) {
			refuses(t, fmt.Sprintf("without byte %d", i), good[:i]+good[i+1:])
			refuses(t, fmt.Sprintf("byte %d twice", i), good[:i+1]+good[i:])
		}
		if i < len(good)-1 {
			refuses(t, fmt.Sprintf("the first %d bytes", i), good[:i])
		}
	}
}

func TestReadTakesOtherWhiteSpace(t *testing.T) {
	good := text(t, sample())
	for _, file := range []string{strings.ReplaceAll(good, "\n", "\r\n"), strings.ReplaceAll(good, "  ", "\t"), strings.TrimSpace(good) + " \n"} {
		got, err := Read(strings.NewReader(file), kinds)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(good, text(t, got)); d != "" {
			t.Error(d)
		}
	}
}

func TestReadRefusesOtherSpellings(t *testing.T) {
	good := text(t, sample())
	for _, c := range []struct{ name, old, new, want string }{
		{"key twice", `"server": 18,`, "\"server\": 14,\n\"server\": 18,", "line 3 is not written as cairn writes it"},
		{"key in other letters", `"server":`, `"sErver":`, "line 3 is not written as cairn writes it"},
		{"escape", `a & b`, `a \u0026 b`, "is not written as cairn writes it"},
		{"attribute twice", `{"n":"text",`, `{"n":"role","n":"text",`, "is not written as cairn writes it"},
		{"longer identity", `["comment","schema","","public"]`, `["comment","schema","","public","","",""]`, "is not written as cairn writes it"},
		{"identity of numbers", `["comment","schema"`, `["comment",7`, "snapshot file"},
		{"not UTF-8", `zoë`, "zo\xeb", "was edited"},
		{"not a number", `"server": 18`, `"server": Infinity`, "is not JSON"},
		{"huge number", `"server": 18`, `"server": 1e400`, `field "server"`},
		{"deep", `"server": 18`, `"server": ` + strings.Repeat("[", 1<<20), "is not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("the snapshot has no %q", c.old)
			}
			if e := refuses(t, c.name, strings.Replace(good, c.old, c.new, 1)); !strings.Contains(e.Error(), c.want) {
				t.Errorf("got %q", e.Error())
			}
		})
	}
}

func TestReadBoundsMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(io.LimitReader(endless{}, 1<<30), kinds)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "is not JSON") {
		t.Errorf("got %v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("took %d kB", used>>10)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
