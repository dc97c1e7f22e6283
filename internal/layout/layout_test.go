package layout

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/schema"
)

func table(name string) schema.ID { return schema.ID{Kind: "table", Schema: "public", Name: name} }

func part(kind, of, name string) schema.ID {
	return schema.ID{Kind: kind, Schema: "public", Name: of, Part: name}
}

// build returns statements for the objects, each with the places it needs, and
// a state in which every part hangs on its table.
func build(objects []schema.ID, needs map[int][]int) ([]plan.Statement, *schema.State) {
	state := schema.NewState(18)
	statements := make([]plan.Statement, len(objects))
	for i, id := range objects {
		statements[i] = plan.Statement{SQL: id.String(), Object: id, Needs: needs[i]}
		o := &schema.Object{ID: id}
		switch {
		case id.Of != "":
			o.Parent = id.Subject()
		case id.Part != "":
			o.Parent = table(id.Name)
		}
		state.Objects[id] = o
	}
	return statements, state
}

func list(t *testing.T, statements []plan.Statement, state *schema.State) string {
	t.Helper()
	files, err := Files(statements, state)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%s:", f.Name)
		for _, s := range f.Statements {
			b.WriteString(" " + s.SQL)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Parts stand with their whole, and files follow their needs.
func TestFiles(t *testing.T) {
	statements, state := build([]schema.ID{
		table("a"), table("b"), part("trigger", "a", "t"), {Kind: "function", Schema: "public", Name: "f", Args: "()"},
		part("constraint", "a", "fk"),
	}, map[int][]int{2: {0, 3}, 4: {0, 1}})
	statements[2], statements[3] = statements[3], statements[2]
	statements[2].Needs, statements[3].Needs = nil, []int{0, 2}
	want := `public/table/b.sql: table:public.b
public/function/f.sql: function:public.f()
public/table/a.sql: table:public.a trigger:public.a.t constraint:public.a.fk
`
	if d := cmp.Diff(want, list(t, statements, state)); d != "" {
		t.Error(d)
	}
}

// A circle of three tables costs one constraint its place; the tables outside of the circle keep their parts.
func TestFilesOfCircles(t *testing.T) {
	fk := func(of string) schema.ID { return part("constraint", of, "fk") }
	objects := []schema.ID{table("a"), table("b"), table("c"), fk("a"), fk("b"), fk("c"), fk("a").Satellite("comment"), table("d"), fk("d")}
	statements, state := build(objects, map[int][]int{3: {0, 1}, 4: {1, 2}, 5: {2, 0}, 6: {3}, 8: {0, 7}})
	want := `public/table/c.sql: table:public.c
public/table/b.sql: table:public.b constraint:public.b.fk
public/table/a.sql: table:public.a constraint:public.a.fk comment:constraint:public.a.fk
public/constraint/c.fk.sql: constraint:public.c.fk
public/table/d.sql: table:public.d constraint:public.d.fk
`
	if d := cmp.Diff(want, list(t, statements, state)); d != "" {
		t.Error(d)
	}
}

func TestPaths(t *testing.T) {
	long := strings.Repeat("x", 80)
	ids := []schema.ID{
		table("users"), table("Users"), table("USERS"), table("a/b"), table("a.b"), table(".."), table("\n"), table("naïve"),
		table(long + "1"), table(long + "2"), table("users-1a2b3c4d"),
		{Kind: "function", Schema: "public", Name: "f", Args: "(integer)"}, {Kind: "function", Schema: "public", Name: "f", Args: "(text)"},
		{Kind: "function", Schema: "public", Name: "g", Args: "(text)"},
		{Kind: "extension", Name: "pgcrypto"}, {Kind: "table", Schema: "../x", Name: "t"}, {Kind: "table", Schema: "public", Name: "x.y", Part: "z"},
		{Kind: "table", Schema: "public", Name: "x", Part: "y.z"}, {Kind: "comment", Of: "table", Schema: "public", Name: "users"},
	}
	names := paths(ids)
	taken := map[string]bool{}
	for _, id := range ids {
		name := names[id]
		if key := strings.ToLower(name); taken[key] {
			t.Errorf("%s is taken twice", name)
		} else {
			taken[key] = true
		}
		if strings.Contains(name, "..") || len(name) > 200 {
			t.Errorf("%q for %s", name, id)
		}
	}
	for i, want := range map[int]string{
		0: "public/table/users.sql", 13: "public/function/g.sql", 14: "extension/pgcrypto.sql",
		18: "public/comment/table.users.sql",
	} {
		if names[ids[i]] != want {
			t.Errorf("got %s, want %s", names[ids[i]], want)
		}
	}
	if first := names[ids[11]]; first != paths(ids[11:13])[ids[11]] || !strings.HasPrefix(first, "public/function/f-") {
		t.Errorf("the name %s of an overloaded function is not stable", first)
	}
}
