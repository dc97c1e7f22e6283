package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cairn-db/cairn/schema"
)

// A snapshot file is refused with one line and a hint, or holds a state that is
// one, and that is written again with an equal fingerprint.
func FuzzRead(f *testing.F) {
	var b, empty bytes.Buffer
	if err := errors.Join(Write(&b, sample()), Write(&empty, schema.NewState(14))); err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{b.String(), empty.String(), "{}", "[]", "", `{"format": 1, "objects": [null]}`, `{"format": 1, "objects": [{"id": []}]}`,
		`{"format": 1, "objects": [{"id": ["schema","","","a"], "parent": ["schema","","","a"]}]}`} {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, sealed bool) {
		if sealed { // as by somebody who computes the digest
			text = reseal(text)
		}
		s, err := Read(bytes.NewReader(text), kinds)
		if err != nil {
			var e *FileError
			if !errors.As(err, &e) || e.Hint() == "" || strings.Contains(e.Error(), "\n") {
				t.Fatalf("the error is %q", err)
			}
			return
		}
		var written bytes.Buffer
		if err := Write(&written, s); err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(written.Bytes()), kinds)
		if err != nil || again.Fingerprint() != s.Fingerprint() {
			t.Fatalf("%q was written as\n%s\n%v", text, &written, err)
		}
	})
}

// reseal writes the content of a text with a digest that fits.
func reseal(text []byte) []byte {
	var f file
	if json.Unmarshal(text, &f) != nil {
		return text
	}
	var b bytes.Buffer
	var err error
	if f.Digest, err = f.digest(); err != nil || f.Print(&b) != nil {
		return text
	}
	return b.Bytes()
}
