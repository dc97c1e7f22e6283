package sealed

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cairn-db/cairn/schema"
)

// paper has a field of each sort that is read strictly.
type paper struct {
	Format int        `json:"format"`
	Made   time.Time  `json:"made"`
	Name   string     `json:"name,omitempty"`
	Count  int64      `json:"count,omitempty"`
	Small  int32      `json:"small"`
	Set    bool       `json:"set"`
	Also   bool       `json:"also,omitempty"`
	Words  []string   `json:"words"`
	More   [][]string `json:"more,omitempty"`
	One    *note      `json:"one,omitempty"`
	Other  *note      `json:"other"`
	Notes  []*note    `json:"notes"`
	Inside note       `json:"inside"`
	ID     schema.ID  `json:"id"`
	Digest string     `json:"digest"`
}

type note struct {
	Text string `json:"text,omitempty"`
	N    int    `json:"n"`
}

func (p *paper) Print(w io.Writer) error { return Print(w, p) }

func (p *paper) Digests() (stated, actual string, err error) {
	bare := *p
	bare.Digest = ""
	actual, err = Digest(bare)
	return p.Digest, actual, err
}

// sealedText writes a paper with its digest.
func sealedText(t testing.TB, p paper, indent string) string {
	var err error
	if _, p.Digest, err = p.Digests(); err != nil {
		t.Fatal(err)
	}
	var b, laidOut bytes.Buffer
	if err := p.Print(&b); err != nil {
		t.Fatal(err)
	}
	if indent == "" {
		return b.String()
	}
	if err := json.Indent(&laidOut, b.Bytes(), "", indent); err != nil {
		t.Fatal(err)
	}
	return laidOut.String() + "\n"
}

var papers = func() []paper {
	var every strings.Builder
	for c := rune(0); c < 0x2100; c++ {
		every.WriteRune(c)
	}
	every.WriteString("\ufffd\U0001F600 \\u2028 \\\" </script> & \\")
	return []paper{
		{},
		{Words: []string{}, Notes: []*note{}, Other: &note{}},
		{Format: 1, Made: time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC), Name: every.String(), Count: -1 << 63, Small: -7, Set: true, Also: true,
			Words: []string{"", "a", every.String()}, More: [][]string{nil, {}, {"x"}}, One: &note{}, Other: &note{Text: "t", N: 1},
			Notes: []*note{nil, {Text: `"`}, {N: 12}}, Inside: note{N: 3}, ID: schema.ID{Kind: "table", Schema: "s", Name: `a"b`}},
	}
}()

func TestStrict(t *testing.T) {
	for _, want := range papers {
		for _, indent := range []string{"", "  ", "\t", "\r\n"} {
			var p paper
			text := sealedText(t, want, indent)
			if !readStrictly(text, &p) {
				t.Fatalf("%q is not read", text)
			}
			if p.Digest = ""; !reflect.DeepEqual(p, want) {
				t.Fatalf("%+v was read as %+v", want, p)
			}
		}
	}
}

// What is accepted is what is written.
func FuzzStrict(f *testing.F) {
	for _, p := range papers {
		for _, indent := range []string{"", "  "} {
			f.Add(sealedText(f, p, indent))
		}
	}
	for _, change := range [][2]string{{`"set":false`, `"set":true,"set":false`}, {`"n":0`, `"n":-0`}, {`"n":0`, `"n":00`}, {`"n":0`, `"N":0`}, {`"n":0`, `"n":0,"text":""`},
		{`"n":0`, `"n":0.0`}, {`"n":0`, `"text":"\u0041","n":0`}, {`"n":0`, `"text":"` + "\xff\u2028\x7f" + `","n":0`}, {`"n":0`, `"text":"\ufffd","n":0`},
		{`"words":null`, `"words":[,]`}, {`"words":null`, `"words":["\/"]`}, {`"words":null`, `"words":["a",null]`}, {`"words":null`, `"more":[],"words":null`},
		{`"notes":null`, `"notes":[null,{"text":"\u001f\u001F","n":1}]`}, {`"small":0`, `"small":2147483648`}, {`"made":"`, `"made":" `}} {
		f.Add(strings.Replace(sealedText(f, papers[0], ""), change[0], change[1], 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for range 2 {
			var p, q paper
			if readStrictly(text, &p) {
				if err := json.Unmarshal([]byte(text), &q); err != nil || !reflect.DeepEqual(p, q) {
					t.Fatalf("%q was read as %+v, and loosely as %+v: %v", text, p, q, err)
				}
				format := Format{Name: "paper", Newest: 1}
				if err := format.checkForm([]byte(text), &p); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				if err := format.checkDigest(&p); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
			}
			// Then as by somebody who computes the digest of what the text holds.
			r := &strict{text: text}
			q = paper{}
			if !r.value(shapes(reflect.TypeFor[paper]()), reflect.ValueOf(&q).Elem()) {
				return
			}
			text = text[:r.digest.start] + `"` + hashText(text, r.digest) + `"` + text[r.digest.end:]
		}
	})
}
