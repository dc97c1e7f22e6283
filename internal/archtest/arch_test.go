// Package archtest checks the rules of the architecture: which package may
// import which, that generic packages name no kind, and the sizes of files and
// functions.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/cairn-db/cairn"

// layers are the packages from the bottom up: each may import those before it,
// and of its own layer nothing.
var layers = [][]string{
	{"internal/cache"},
	{"schema", "internal/pg", "internal/sealed", "internal/server", "internal/bench/schemas"},
	{"internal/kind", "internal/load", "internal/store", "internal/pgtest/clients"},
	{"internal/object", "internal/catalog", "internal/scope", "internal/diff", "internal/shadow", "internal/snapshot", "internal/hazard", "internal/stencil", "internal/partial"},
	{"internal/plan", "internal/rename"},
	{"internal/apply", "internal/layout", "internal/prove"},
	{""},
	{"internal/cli"},
	{"cmd/cairn", "internal/bench/online", "internal/bench/limits", "internal/pgtest", "internal/pgtest/generate"},
	{"internal/pgtest/chaos"},
}

// generic packages do not know a single kind.
var generic = []string{"", "schema", "internal/kind", "internal/catalog", "internal/scope", "internal/diff", "internal/sealed", "internal/cache",
	"internal/snapshot", "internal/plan", "internal/rename", "internal/store", "internal/layout", "internal/apply", "internal/prove", "internal/hazard", "internal/stencil", "internal/partial"}

const (
	maxFileLines     = 500
	maxFunctionLines = 60
)

// source is one parsed file of the project.
type source struct {
	pkg, path string
	set       *token.FileSet
	file      *ast.File
	lines     int
}

func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var list []source
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") && path != root {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		if dir == "." {
			dir = ""
		}
		list = append(list, source{dir, rel, set, file, set.File(file.Pos()).LineCount()})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Fatalf("only %d files were found below %s", len(list), root)
	}
	return list
}

func isTest(s source) bool { return strings.HasSuffix(s.path, "_test.go") }

func TestImportsGoDown(t *testing.T) {
	level := map[string]int{}
	for i, l := range layers {
		for _, pkg := range l {
			level[pkg] = i
		}
	}
	for _, s := range sources(t) {
		if isTest(s) || s.pkg == "internal/archtest" {
			continue
		}
		own, known := level[s.pkg]
		if !known {
			t.Errorf("%s: package %s has no layer; add it to the list", s.path, s.pkg)
			continue
		}
		for _, imp := range s.file.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			if s.pkg == "schema" && strings.Contains(path, ".") {
				t.Errorf("%s imports %s; package schema uses the standard library only", s.path, path)
			}
			if s.pkg == "internal/cli" && strings.HasPrefix(path, "github.com/jackc/pgx") {
				t.Errorf("%s imports %s; the command line never talks to PostgreSQL itself", s.path, path)
			}
			if path != module && !strings.HasPrefix(path, module+"/") {
				continue
			}
			other := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
			if l, ok := level[other]; !ok || l >= own {
				t.Errorf("%s: package %q may not import %q", s.path, s.pkg, other)
			}
		}
	}
}

func TestGenericPackagesNameNoKind(t *testing.T) {
	packages := map[string]bool{}
	for _, p := range generic {
		packages[p] = true
	}
	for _, s := range sources(t) {
		if isTest(s) || !packages[s.pkg] {
			continue
		}
		for _, imp := range s.file.Imports {
			if strings.HasSuffix(strings.Trim(imp.Path.Value, `"`), "internal/object") && s.pkg != "" {
				t.Errorf("%s imports the kinds", s.path)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if literal := kindLiteral(n); literal != nil {
				t.Errorf("%s names the kind %s", s.set.Position(literal.Pos()), literal.Value)
			}
			return true
		})
	}
}

// kindLiteral returns a string literal that is compared with, or stored as, the
// kind of an identity, or that is looked up among the kinds.
func kindLiteral(n ast.Node) *ast.BasicLit {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op != token.EQL && n.Op != token.NEQ {
			return nil
		}
		if isKind(n.X) {
			return text(n.Y)
		}
		if isKind(n.Y) {
			return text(n.X)
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Kind" || key.Name == "Of") {
			return text(n.Value)
		}
	case *ast.SwitchStmt:
		if n.Tag != nil && isKind(n.Tag) {
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					if l := text(e); l != nil {
						return l
					}
				}
			}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "Satellite" || f.Sel.Name == "Parts") {
			for _, a := range n.Args {
				if l := text(a); l != nil {
					return l
				}
			}
		}
	}
	return nil
}

func isKind(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && (s.Sel.Name == "Kind" || s.Sel.Name == "Of")
}

func text(e ast.Expr) *ast.BasicLit {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING || l.Value == `""` {
		return nil
	}
	return l
}

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > maxFileLines {
			t.Errorf("%s has %d lines, at most %d are allowed", s.path, s.lines, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil || isDefinition(f) {
				continue
			}
			lines := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
			if lines > maxFunctionLines && !isTest(s) {
				t.Errorf("%s: function %s has %d lines, at most %d are allowed", s.path, f.Name.Name, lines, maxFunctionLines)
			}
		}
	}
}

// isDefinition reports whether the function is the Spec literal of a kind.
func isDefinition(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) != 1 {
		return false
	}
	t, ok := f.Recv.List[0].Type.(*ast.Ident)
	return ok && t.Name == "kinds"
}

func TestExportedNamesHaveComments(t *testing.T) {
	for _, s := range sources(t) {
		if isTest(s) {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && !isMethodOfError(d) {
					t.Errorf("%s: %s has no comment", s.set.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: %s has no comment", s.set.Position(ts.Pos()), ts.Name.Name)
					}
				}
			}
		}
	}
}

// isMethodOfError reports whether the method is one whose meaning the standard
// library defines.
func isMethodOfError(f *ast.FuncDecl) bool {
	return f.Recv != nil && (f.Name.Name == "Error" || f.Name.Name == "String" || f.Name.Name == "Len" ||
		f.Name.Name == "Less" || f.Name.Name == "Swap" || f.Name.Name == "Push" || f.Name.Name == "Pop")
}
