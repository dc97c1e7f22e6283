package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/sealed"
	"github.com/cairn-db/cairn/schema"
)

var users = schema.ID{Kind: "sequence", Schema: "public", Name: "users"}

// sample is a state with one object of each sort that the file tells apart.
func sample() *schema.State {
	s := schema.NewState(18)
	s.Default, s.Roles, s.Unknown = "postgres", []string{"postgres", "zoë"}, []string{"cast from a to b"}
	public := schema.ID{Kind: "schema", Name: "public"}
	comment := public.Satellite("comment")
	label := schema.ID{Kind: "owner", Of: "schema", Name: "public"}
	s.Objects[public] = &schema.Object{ID: public, Builtin: true, Stats: &schema.Stats{Rows: 7}}
	s.Objects[comment] = &schema.Object{ID: comment, Parent: public, Attrs: []schema.Attr{{Name: "text", Value: "<a & b>"}}}
	s.Objects[label] = &schema.Object{ID: label, Parent: public, Needs: []schema.ID{comment}, Order: 2, Attrs: []schema.Attr{{Name: "role", Value: "zoë"}}}
	return s
}

func text(t *testing.T, s *schema.State) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	written := text(t, sample())
	got, err := Read(strings.NewReader(written), object.All())
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.Objects[schema.ID{Kind: "schema", Name: "public"}].Stats = nil
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if written != text(t, got) {
		t.Error("writing again gives other bytes")
	}
	if !strings.Contains(written, "\n    {\"id\":[\"comment\",\"schema\",\"\",\"public\"],\"attrs\":[{\"n\":\"text\",\"v\":\"<a & b>\"}]") {
		t.Errorf("an object is not on a line of its own:\n%s", written)
	}
	empty := text(t, schema.NewState(14))
	if _, err := Read(strings.NewReader(empty), object.All()); err != nil {
		t.Errorf("%v:\n%s", err, empty)
	}
}

func TestReadRefuses(t *testing.T) {
	good := text(t, sample())
	remade := func(change func(*schema.State)) string {
		s := sample()
		change(s)
		return text(t, s)
	}
	owner := schema.ID{Kind: "owner", Of: "schema", Name: "public"}
	cases := []struct{ name, file, want, hint string }{
		{"empty", " \n", "snapshot file is empty", "run cairn snapshot again"},
		{"newer", strings.Replace(good, `"format": 1`, `"format": 2, "surprise": []`, 1),
			"snapshot file is of format 2, this cairn reads up to 1", "upgrade cairn"},
		{"no format", `{"objects": []}`, "has no format version: it is not a snapshot", "again"},
		{"a plan", `{"format": 1, "steps": []}`, `unknown field "steps"`, "again"},
		{"truncated", good[:len(good)/2], "snapshot file is truncated", "again"},
		{"truncated at the end", strings.TrimRight(good, "}\n"), "snapshot file is truncated", "again"},
		{"not JSON", "CREATE TABLE t ();", "snapshot file is not JSON", "again"},
		{"array", "[]", "snapshot file is not a snapshot: it holds a JSON array", "again"},
		{"edited text", strings.Replace(good, "a & b", "a & c", 1), "was edited after it was made", "again"},
		{"edited version", strings.Replace(good, `"server": 18`, `"server": 14`, 1), "was edited after it was made", "again"},
		{"digest removed", good[:strings.LastIndex(good, ",")] + "}", "has no digest", "again"},
		{"wrong type", strings.Replace(good, `"server": 18`, `"server": "18"`, 1), `field "server"`, "again"},
		{"bad identity", strings.Replace(good, `["comment","schema","","public"]`, `["comment",1]`, 1), "snapshot file", "again"},
		{"more", good + good, "invalid character", "again"},
		{"unknown kind", remade(func(s *schema.State) {
			s.Objects[owner].ID.Kind = "proprietor"
		}), `was made by another version of cairn: it has the kind "proprietor"`, "again"},
		{"other attributes", remade(func(s *schema.State) {
			s.Objects[owner].Attrs[0].Name = "who"
		}), "was made by another version of cairn: owner:schema:public has the attribute who", "again"},
		{"other comparison", remade(func(s *schema.State) {
			s.Objects[owner].Attrs[0].Info = true
		}), "was made by another version of cairn", "again"},
		{"missing need", remade(func(s *schema.State) {
			s.Objects[owner].Needs = []schema.ID{users}
		}), "is inconsistent: owner:schema:public needs sequence:public.users", "again"},
		{"missing parent", remade(func(s *schema.State) {
			s.Objects[owner].Parent = users
		}), "is inconsistent: owner:schema:public is part of sequence:public.users", "again"},
		{"circle of parents", remade(func(s *schema.State) {
			s.Objects[owner].Parent = owner
		}), "is inconsistent: owner:schema:public is part of owner:schema:public", "again"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.file), object.All())
			var e *FileError
			if !errors.As(err, &e) {
				t.Fatalf("%v is no *FileError", err)
			}
			if !strings.Contains(e.Error(), c.want) || !strings.Contains(e.Hint(), c.hint) || strings.Contains(e.Error(), "\n") {
				t.Errorf("got %q, hint %q", e.Error(), e.Hint())
			}
		})
	}
}

// A file that was made up with a good digest is refused too.
func TestReadRefusesNonsense(t *testing.T) {
	public := &schema.Object{ID: schema.ID{Kind: "schema", Name: "public"}}
	for _, f := range []file{
		{Format: 1, Server: 18, Objects: []*schema.Object{nil}},
		{Format: 1, Server: 18, Objects: []*schema.Object{public, public}},
	} {
		var err error
		if f.Digest, err = f.digest(); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := json.NewEncoder(&b).Encode(f); err != nil {
			t.Fatal(err)
		}
		var broken *sealed.FileError
		if _, err := Read(&b, object.All()); !errors.As(err, &broken) {
			t.Errorf("got %v", err)
		}
	}
}

func TestWriteRefusesTextWithoutEncoding(t *testing.T) {
	for _, change := range []func(*schema.State){
		func(s *schema.State) { s.Roles = []string{"a\xff"} },
		func(s *schema.State) {
			s.Objects[users] = &schema.Object{ID: schema.ID{Kind: "sequence", Name: "\xfe"}}
		},
	} {
		s := sample()
		change(s)
		if err := Write(new(bytes.Buffer), s); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("got %v", err)
		}
	}
}

// The JSON Schema documents every field of the file, and no other.
func TestJSONSchemaNamesEveryField(t *testing.T) {
	type node struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Items      json.RawMessage            `json:"items"`
	}
	var compare func(path string, typ reflect.Type, raw json.RawMessage)
	compare = func(path string, typ reflect.Type, raw json.RawMessage) {
		var n node
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			sub, found := n.Properties[name]
			if !found {
				t.Errorf("%s.%s is not documented", path, name)
				continue
			}
			delete(n.Properties, name)
			of := typ.Field(i).Type
			if of.Kind() != reflect.Slice {
				continue
			}
			if of = of.Elem(); of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
			if of.Kind() == reflect.Struct && of != reflect.TypeFor[schema.ID]() {
				var list node
				if err := json.Unmarshal(sub, &list); err != nil {
					t.Fatal(err)
				}
				compare(path+"."+name, of, list.Items)
			}
		}
		for name := range n.Properties {
			t.Errorf("%s.%s is documented and does not exist", path, name)
		}
	}
	compare("snapshot", reflect.TypeFor[file](), JSONSchema())
}
