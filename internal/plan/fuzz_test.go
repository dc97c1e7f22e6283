package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cairn-db/cairn/schema"
)

// A plan file is refused with one line and a hint, or holds a plan that is one,
// and that is written as it was.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	p := &schema.Plan{Format: 1, Objects: []schema.Pin{}, Changes: []schema.Change{}, Findings: []schema.Finding{},
		Steps: []schema.Step{{SQL: "DROP TABLE a", Segment: 1}, {SQL: "DROP INDEX CONCURRENTLY b", Segment: 2, NoTx: true}}, Reverse: &schema.Reverse{}}
	if err := errors.Join(Seal(p), Write(&b, p)); err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{b.String(), "{}", "[]", "", `{"format": 1}`, `{"format": 1, "steps": [{}], "digest": "sha256:"}`, "{\"format\": 1e0}", "nul", "{\"a\":\"\\ud800\"}"} {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, sealed bool) {
		if sealed { // as by somebody who computes the digest
			text = reseal(text)
		}
		p, err := Read(bytes.NewReader(text))
		if err != nil {
			var e *FileError
			if !errors.As(err, &e) || e.Hint() == "" || strings.Contains(e.Error(), "\n") {
				t.Fatalf("the error is %q", err)
			}
			return
		}
		var written bytes.Buffer
		if err := Write(&written, p); err != nil {
			t.Fatal(err)
		}
		white := func(b []byte) string { return strings.Join(strings.Fields(string(b)), "") }
		if Verify(p) != nil || white(written.Bytes()) != white(text) {
			t.Fatalf("%q was read as\n%s", text, &written)
		}
	})
}

// reseal writes the plan of a text with a digest that fits.
func reseal(text []byte) []byte {
	p := new(schema.Plan)
	if json.Unmarshal(text, p) != nil {
		return text
	}
	var b bytes.Buffer
	var err error
	if p.Digest, err = digestOf(p); err != nil || Write(&b, p) != nil {
		return text
	}
	return b.Bytes()
}
