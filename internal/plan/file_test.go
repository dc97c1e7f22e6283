package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/schema"
)

func samplePlan(t *testing.T) *schema.Plan {
	t.Helper()
	p := &schema.Plan{
		Format: schema.PlanFormat, Cairn: "1.0.0", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Server: 17,
		Database: schema.Database{Name: "library"}, From: "sha256:aa", To: "sha256:bb",
		Objects: []schema.Pin{{Object: "table:public.books", Hash: "0123456789abcdef"}},
		Summary: schema.Summary{Drop: 1},
		Changes: []schema.Change{{Verb: schema.Drop, Object: "column:public.books.shelf", Title: "column public.books.shelf"}},
		Steps: []schema.Step{{SQL: "ALTER TABLE books DROP COLUMN shelf", Verb: schema.Drop, Object: "column:public.books.shelf",
			Loses: "drop-column", Why: "values <of> a & b", Segment: 1}},
		Findings: []schema.Finding{{Code: "unmanaged", Message: "one"}},
	}
	if err := Seal(p); err != nil {
		t.Fatal(err)
	}
	return p
}

func text(t *testing.T, p *schema.Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	p := samplePlan(t)
	got, err := Read(strings.NewReader(text(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, got); d != "" {
		t.Error(d)
	}
}

func TestReadRefuses(t *testing.T) {
	good := text(t, samplePlan(t))
	cases := []struct{ name, file, want, hint string }{
		{"empty", " \n", "plan file is empty", "run cairn plan again"},
		{"newer", strings.Replace(good, `"format": 1`, `"format": 2, "surprise": []`, 1),
			"plan file is of format 2, this cairn reads up to 1", "upgrade cairn"},
		{"no format", `{"steps": []}`, "no format version", "run cairn plan again"},
		{"zero format", `{"format": 0}`, "of format 0, which does not exist", "run cairn plan again"},
		{"truncated", good[:len(good)/2], "plan file is truncated", "run cairn plan again"},
		{"truncated at the end", strings.TrimRight(good, "}\n"), "plan file is truncated", "run cairn plan again"},
		{"not JSON", "-- SQL\nSELECT 1", "plan file is not JSON", "run cairn plan again"},
		{"array", "[]", "plan file is not a plan: it holds a JSON array", "run cairn plan again"},
		{"edited", strings.Replace(good, "DROP COLUMN shelf", "DROP COLUMN title", 1), "edited after it was made", "run cairn plan again"},
		{"unknown field", strings.Replace(good, `"cairn":`, `"extra": 1, "cairn":`, 1), `unknown field "extra"`, "run cairn plan again"},
		{"wrong type", strings.Replace(good, `"server": 17`, `"server": "17"`, 1), `field "server"`, "run cairn plan again"},
		{"no digest", `{"format": 1}`, "plan file has no digest", "run cairn plan again"},
		{"more", good + good, "invalid character", "run cairn plan again"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.file))
			var e *FileError
			if !errors.As(err, &e) {
				t.Fatalf("%v is no *FileError", err)
			}
			if !strings.Contains(e.Error(), c.want) || !strings.Contains(e.Hint(), c.hint) {
				t.Errorf("got %q, hint %q", e.Error(), e.Hint())
			}
			if strings.Contains(e.Error(), "\n") {
				t.Errorf("more than one line: %q", e.Error())
			}
		})
	}
}

func TestReadBoundsTheSize(t *testing.T) {
	_, err := Read(endless{})
	if err == nil || !strings.Contains(err.Error(), "larger than 96 MB") {
		t.Errorf("got %v", err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// The JSON Schema documents every field of every type of the plan, and no other.
func TestJSONSchemaNamesEveryField(t *testing.T) {
	var doc schemaNode
	if err := json.Unmarshal(JSONSchema(), &doc); err != nil {
		t.Fatal(err)
	}
	compare(t, "plan", reflect.TypeFor[schema.Plan](), doc, doc.Definitions)
}

type schemaNode struct {
	Properties  map[string]schemaNode `json:"properties"`
	Items       *schemaNode           `json:"items"`
	Ref         string                `json:"$ref"`
	Definitions map[string]schemaNode `json:"$defs"`
}

func compare(t *testing.T, path string, typ reflect.Type, n schemaNode, definitions map[string]schemaNode) {
	t.Helper()
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		n = definitions[name]
	}
	seen := map[string]bool{}
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		seen[name] = true
		sub, ok := n.Properties[name]
		if !ok {
			t.Errorf("%s.%s is not documented", path, name)
			continue
		}
		of := field.Type
		if of.Kind() == reflect.Slice && sub.Items != nil {
			of, sub = of.Elem(), *sub.Items
		}
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() == reflect.Struct && of != reflect.TypeFor[time.Time]() {
			compare(t, path+"."+name, of, sub, definitions)
		}
	}
	for name := range n.Properties {
		if !seen[name] {
			t.Errorf("%s.%s is documented and does not exist", path, name)
		}
	}
}

// The file is what encoding/json makes of a plan, and so is what the digest is
// over, whatever its texts are and whichever fields it has.
func TestWriteIsJSON(t *testing.T) {
	odd := "\"{[a]}\\\" <b> & \u2028 \ufffd é\n"
	full := samplePlan(t)
	full.Printed, full.Objects = []string{odd}, []schema.Pin{}
	full.Steps = append(full.Steps, schema.Step{SQL: odd, Also: []string{}, Recover: &schema.Recover{Done: odd}, Hazards: []schema.Hazard{{}}})
	full.Reverse, full.Proof = &schema.Reverse{Irreversible: []string{odd}}, &schema.Proof{}
	for _, p := range []*schema.Plan{{}, full} {
		var want, written, compact bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := errors.Join(encoder.Encode(p), Write(&written, p), WriteCompact(&compact, p)); err != nil {
			t.Fatal(err)
		}
		if written.String() != want.String() {
			t.Errorf("the file is\n%s\nnot\n%s", &written, &want)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, compact.Bytes(), "", "  "); err != nil || indented.String()+"\n" != want.String() {
			t.Errorf("the compact file is\n%s", &compact)
		}
		p.Digest = ""
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := digestOf(p)
		if sum := sha256.Sum256(text); err != nil || digest != "sha256:"+hex.EncodeToString(sum[:]) {
			t.Errorf("the digest is %s, %v", digest, err)
		}
	}
}
