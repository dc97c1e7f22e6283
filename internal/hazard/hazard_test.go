package hazard_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/internal/hazard"
	"github.com/cairn-db/cairn/schema"
)

var update = flag.Bool("update", false, "write the page anew")

// docs/hazards.md is made of the table.
func TestHazardsPage(t *testing.T) {
	const path = "../../" + hazard.Page
	want := page()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is stale, run go test ./internal/hazard -run TestHazardsPage -update (-want +got):\n%s", hazard.Page, diff)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString("# Hazards\n\nWhat the steps of a plan can do to data and to running applications, by stable codes. The page is made from the program's own\n" +
		"table. [The guide](guide.md#hazards) says how `cairn.yaml` allows and denies them.\n\n" +
		"A *danger* loses data or makes running code fail, a *warning* makes sessions wait or needs a look, a *note* is good to know. What comes\n" +
		"from work on a table that takes less than a second is a note.\n\n" +
		"The class of a duration assumes that a server reads 200 MB, builds 40 MB of index and rewrites 30 MB of table in a second:\n" +
		"`instant` is below a second, then come `seconds`, `minutes` and `hours`. A table whose size is not known has none.\n\n" +
		"| code | severity | what | running application |\n| --- | --- | --- | --- |\n")
	for _, e := range hazard.All() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s |\n", e.Code, e.Code, e.Severity, e.Title, goesOn(e))
	}
	for _, e := range hazard.All() {
		fmt.Fprintf(&b, "\n## %s\n\n%s: %s. %s\n\n**Instead:** %s.\n", e.Code, strings.ToUpper(string(e.Severity[:1]))+string(e.Severity[1:]), e.Title, e.Explain, e.Instead)
	}
	return b.String()
}

func goesOn(e hazard.Entry) string {
	if e.Compatible {
		return "goes on"
	}
	return "can break"
}

// A code that a kind, or a generic package, declares is in the table, and every
// row of the table is complete and used.
func TestEveryCodeIsKnown(t *testing.T) {
	declared := map[string]string{}
	for _, pattern := range []string{"../object/*.go", "../../*.go", "assess.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if !strings.HasSuffix(path, "_test.go") {
				collect(t, path, declared)
			}
		}
	}
	if len(declared) < 30 {
		t.Fatalf("only %d codes were found", len(declared))
	}
	for code, where := range declared {
		if _, found := hazard.Get(code); !found {
			t.Errorf("%s declares %q, which the table lacks", where, code)
		}
	}
	seen := map[string]bool{}
	for _, e := range hazard.All() {
		if e.Title == "" || e.Explain == "" || e.Instead == "" || seen[e.Code] {
			t.Errorf("the row of %s is not complete, or there are two", e.Code)
		}
		seen[e.Code] = true
		if declared[e.Code] == "" {
			t.Errorf("nothing declares %s", e.Code)
		}
	}
}

// collect finds the codes of calls of warn, add, onDrop and onPartDrop, of
// fields Code of hazards, and of what is assigned to Loses.
func collect(t *testing.T, path string, codes map[string]string) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	take := func(e ast.Expr) {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if code, _ := strconv.Unquote(l.Value); code != "" {
				codes[code] = set.Position(l.Pos()).String()
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			f := n.Fun
			if generic, ok := f.(*ast.IndexExpr); ok {
				f = generic.X
			}
			name, _ := f.(*ast.Ident)
			if name != nil && (name.Name == "warn" || name.Name == "onDrop" || name.Name == "onPartDrop") {
				take(n.Args[0])
			}
			if name != nil && name.Name == "add" && len(n.Args) == 3 {
				take(n.Args[1])
			}
		case *ast.CompositeLit:
			if list, ok := n.Type.(*ast.ArrayType); ok { // its elements leave the type out
				for _, e := range n.Elts {
					if lit, ok := e.(*ast.CompositeLit); ok && lit.Type == nil {
						lit.Type = list.Elt
					}
				}
			}
			of, ok := n.Type.(*ast.SelectorExpr)
			for _, e := range n.Elts {
				if kv, pair := e.(*ast.KeyValueExpr); pair {
					key, _ := kv.Key.(*ast.Ident)
					if key != nil && (key.Name == "Loses" || key.Name == "Code" && ok && of.Sel.Name == "Hazard") {
						take(kv.Value)
					}
				}
			}
		case *ast.AssignStmt:
			if s, ok := n.Lhs[0].(*ast.SelectorExpr); ok && s.Sel.Name == "Loses" {
				take(n.Rhs[0])
			}
		}
		return true
	})
}

// The facts of a step decide; a second look changes nothing, a change of the
// facts does.
func TestAssess(t *testing.T) {
	step := schema.Step{SQL: "ALTER TABLE t ADD CHECK (a > 0)", Object: "constraint:public.t.c", Relation: "table:public.t", Lock: "ACCESS EXCLUSIVE",
		Scan: true, Rows: 1e8, Bytes: 100 << 30, Segment: 1, Locks: []schema.RelationLock{{Relation: "table:public.t", Lock: "ACCESS EXCLUSIVE"}}}
	brief := schema.Step{SQL: "ALTER TABLE u ADD a int", Object: "column:public.u.a", Relation: "table:public.u", Lock: "ACCESS EXCLUSIVE", Segment: 1,
		Locks: []schema.RelationLock{{Relation: "table:public.u", Lock: "ACCESS EXCLUSIVE"}}}
	p := &schema.Plan{Steps: []schema.Step{brief, step}}
	hazard.Assess(p)
	if len(p.Steps[0].Hazards) != 0 {
		t.Errorf("a brief lock alone is no hazard: %v", p.Steps[0].Hazards)
	}
	want := []schema.Hazard{
		{Code: "full-scan", Severity: schema.Warning, Duration: "minutes"},
		{Code: "blocks-reads", Severity: schema.Warning, Duration: "minutes"},
	}
	var got []schema.Hazard
	for _, h := range p.Steps[1].Hazards {
		got = append(got, schema.Hazard{Code: h.Code, Severity: h.Severity, Duration: h.Duration})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if message := p.Steps[1].Hazards[1].Message; message != "reads of public.t, public.u wait until the transaction ends" {
		t.Error(message)
	}
	once := fmt.Sprint(p.Steps)
	if hazard.Assess(p); fmt.Sprint(p.Steps) != once {
		t.Error("a second assessment changes the plan")
	}
	p.Steps[1].Scan = false
	if hazard.Assess(p); len(p.Steps[1].Hazards) != 0 {
		t.Errorf("what was seen does not count: %v", p.Steps[1].Hazards)
	}
}

func TestPolicy(t *testing.T) {
	size, err := hazard.ParseSize("1.5 GB")
	if err != nil || size != 1.5*(1<<30) {
		t.Fatal(size, err)
	}
	for _, bad := range []string{"", "GB", "1", "x MB", "-1MB", "nanMB", "1e30TB"} {
		if _, err := hazard.ParseSize(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
	larger := size * 2
	policy := hazard.Policy{"rewrite-table": {WarnAbove: &size, DenyAbove: &larger}}
	for bytes, want := range map[int64]schema.Severity{size - 1: schema.Note, size: schema.Warning, larger: schema.Danger} {
		p := &schema.Plan{Steps: []schema.Step{{Hazards: []schema.Hazard{{Code: "rewrite-table", Bytes: bytes}}}}}
		policy.Weigh(p)
		if got := p.Steps[0].Hazards[0].Severity; got != want {
			t.Errorf("%d bytes: %s, not %s", bytes, got, want)
		}
		if denied := len(policy.Denied(p.Steps[0])) > 0; denied != (want == schema.Danger) {
			t.Errorf("%d bytes: denied is %v", bytes, denied)
		}
	}
}
