package schema

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// The text and the JSON of an identity stand for it and no other.
func FuzzID(f *testing.F) {
	for _, name := range []string{"a", "a.b", `"`, `a"b`, "a/b", "a:b", "a b", "a(b)", "\n", "é", "\u202e", "--", "$$"} {
		f.Add("public", name, "", "", "")
		f.Add("", "owner", "", name, name)
		f.Add(name, name, "integer", "", name)
	}
	f.Fuzz(func(t *testing.T, schema, name, args, part, role string) {
		id := ID{Kind: "column", Schema: schema, Name: name, Part: part, Role: role}
		if strings.Trim(args, "\"()") == args && !strings.ContainsAny(args, "\"()") {
			id.Args = "(" + args + ")" // as the server prints types; quoted ones are looked at elsewhere
		}
		if got, ok := parse(id.String(), id); !ok || got != id {
			t.Fatalf("%q is read as %+v, not %+v", id.String(), got, id)
		}
		id.Of = "table"
		if kind, rest, ok := cutKinds(id.String()); !ok || kind != "column:table" || rest != id.QualifiedName() {
			t.Fatalf("%q is cut into %q and %q", id.String(), kind, rest)
		}
		if !utf8.ValidString(strings.Join([]string{schema, name, args, part, role}, "|")) {
			return
		}
		text, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		var got ID
		if err := json.Unmarshal(text, &got); err != nil || got != id {
			t.Fatalf("%s is read as %+v: %v", text, got, err)
		}
	})
}

// parse reads the text of an identity that has the same fields as another one.
// Which fields there are is known by the kind.
func parse(text string, like ID) (id ID, ok bool) {
	id.Kind = like.Kind
	text, ok = strings.CutPrefix(text, like.Kind+":")
	next := func(into *string, ends string) {
		if strings.HasPrefix(text, `"`) {
			end := 1
			for ; end < len(text) && (text[end] != '"' || strings.HasPrefix(text[end:], `""`)); end++ {
				if text[end] == '"' {
					end++
				}
			}
			*into, text = strings.ReplaceAll(text[1:min(end, len(text))], `""`, `"`), text[min(end+1, len(text)):]
			return
		}
		end := strings.IndexAny(text, ends)
		if end < 0 {
			end = len(text)
		}
		*into, text = text[:end], text[end:]
	}
	if like.Schema != "" {
		next(&id.Schema, ".")
		text = strings.TrimPrefix(text, ".")
	}
	next(&id.Name, "(./")
	if like.Args != "" {
		end := strings.Index(text, ")") + 1
		id.Args, text = text[:end], text[end:]
	}
	if like.Part != "" {
		text = strings.TrimPrefix(text, ".")
		next(&id.Part, "/")
	}
	if like.Role != "" {
		text = strings.TrimPrefix(text, "/")
		next(&id.Role, "")
	}
	return id, ok && text == ""
}
