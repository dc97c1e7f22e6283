package archtest

import (
	"go/ast"
	"go/printer"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// runs are the methods that send their text to a server.
var runs = []string{"query", "Exec", "Query", "QueryRow", "Prepare", "exec", "attempt", "ask"}

// quotes are the functions whose results are safe inside a statement.
var quotes = []string{"pg.QuoteIdent", "pg.QuoteLiteral", "pg.QuoteName", "pgx.Identifier{e.name}.Sanitize", "pg.SettingsQuery", "SettingsQuery", "advisory", "strconv.Itoa", "o.LockTimeout.Milliseconds"}

// composed are the values that statements are made of where they are sent, and
// why each is safe. Everything else is quoted in the call itself.
var composed = map[string]string{
	"quoted":                     "a result of pg.QuoteIdent",
	"name":                       "a result of pg.QuoteIdent, of format('%I') or regclass::text, or a name of hexadecimal digits",
	"refs":                       "results of Kind.Ref, or printed by format('%I.%I')",
	"w.ref":                      "printed by format('%I.%I')",
	"ref.Ref":                    "printed by format('%I.%I')",
	"others":                     "results of pg.QuoteIdent",
	"oids":                       "numbers",
	"drops":                      "of names that regclass::text printed",
	"queries":                    "statements of the kinds, or printed by quote_ident and regclass::text",
	"statements":                 "statements of a plan, or printed by quote_ident",
	"object":                     "the object of a SECURITY LABEL of a file, as it is written",
	"text":                       "the label of a SECURITY LABEL of a file, as it is written",
	"query":                      "a constant with a quoted marker",
	"marker":                     "a result of pg.QuoteLiteral",
	"provider":                   "a result of pg.QuoteLiteral",
	"from":                       "the FROM clause of a step, which the plan's digest covers",
	"where":                      "names of catalogs and numbers of the server",
	"setting":                    "one of two constants",
	"sql":                        "settings of a file, as they are written",
	"r.base":                     "constants, and results of pg.QuoteIdent",
	"create":                     "a result of pg.QuoteIdent",
	"t.Ref":                      "printed by format('%I.%I')",
	"head":                       "printed by format('%I.%I'), and results of pg.QuoteIdent",
	"tuples":                     "constants with their types, as prove makes them with pg.QuoteLiteral",
	"t":                          "one of those",
	"tuple":                      "one of those",
	"list":                       "numbers",
	"r.watched()":                "numbers",
	"lockOfWatched(r.watched())": "numbers",
	"lockOfWatched(list)":        "numbers",
	"statements(steps)":          "statements of a plan",
	"condition":                  "of a plan, which its digest covers",
	"sessionColumns":             "a constant",
	"askBackend":                 "a constant",
	"pg.Unlogged":                "a constant",
	"rest":                       "constants of the callers",
	"relations":                  "a result of pg.QuoteLiteral",
	"users":                      "true or false",
}

// Statements quote by construction: what is put together in the call that sends
// it is constant, a number, quoted there, or one of the values above. What a
// variable holds that is sent as a whole is not looked at here; statements of
// kinds are tried under hostile names by TestHostileNames.
func TestSentStatementsQuote(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if isTest(s) || s.pkg == "internal/cli" || strings.HasPrefix(s.pkg, "internal/pgtest") || strings.HasPrefix(s.pkg, "internal/bench") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !isRun(call) {
				return true
			}
			for _, arg := range call.Args {
				if !isComposed(arg) {
					continue
				}
				for _, leaf := range leaves(arg) {
					text := printed(leaf)
					if composed[text] == "" {
						t.Errorf("%s: %s is put into a statement without quotes", s.set.Position(leaf.Pos()), text)
					}
					used[text] = true
				}
			}
			return true
		})
	}
	for text := range composed {
		if !used[text] {
			t.Errorf("no statement is made of %s", text)
		}
	}
}

func isRun(call *ast.CallExpr) bool {
	fun := call.Fun
	if generic, ok := fun.(*ast.IndexExpr); ok {
		fun = generic.X
	}
	switch f := fun.(type) {
	case *ast.SelectorExpr:
		return slices.Contains(runs, f.Sel.Name)
	case *ast.Ident:
		return slices.Contains(runs, f.Name)
	}
	return false
}

// isComposed reports whether an argument is put together where it stands.
func isComposed(arg ast.Expr) bool {
	switch e := arg.(type) {
	case *ast.BinaryExpr:
		return e.Op == token.ADD
	case *ast.CallExpr:
		return printed(e.Fun) == "fmt.Sprintf" || printed(e.Fun) == "strings.Join"
	}
	return false
}

// leaves returns the parts of a text that are neither constant nor quoted.
func leaves(e ast.Expr) []ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return leaves(e.X)
	case *ast.BinaryExpr:
		return append(leaves(e.X), leaves(e.Y)...)
	case *ast.BasicLit:
		return nil
	case *ast.Ident:
		if e.Obj != nil && e.Obj.Kind == ast.Con || e.Name != strings.ToLower(e.Name[:1])+e.Name[1:] {
			return nil // a constant
		}
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && x.Name == "where" {
			return []ast.Expr{x}
		}
		if strings.HasPrefix(e.Sel.Name, "Superuser") {
			return nil
		}
	case *ast.CallExpr:
		switch name := printed(e.Fun); {
		case slices.Contains(quotes, name):
			return nil
		case name == "strings.Join":
			return leaves(e.Args[0])
		case name == "append":
			return nil
		case name == "fmt.Sprintf":
			return formatted(e)
		}
	}
	return []ast.Expr{e}
}

// verb matches the verbs of a format.
var verb = regexp.MustCompile(`%(\[\d+\])?[a-z]`)

// formatted returns the parts of a formatted text that are not printed as numbers.
func formatted(call *ast.CallExpr) []ast.Expr {
	var list []ast.Expr
	format := printed(call.Args[0])
	list = append(list, leaves(call.Args[0])...)
	verbs := slices.DeleteFunc(verb.FindAllString(format, -1), func(v string) bool { return strings.Contains(v, "[") })
	for i, arg := range call.Args[1:] {
		if i < len(verbs) && verbs[i] == "%d" {
			continue
		}
		list = append(list, leaves(arg)...)
	}
	return list
}

func printed(n ast.Node) string {
	var b strings.Builder
	_ = printer.Fprint(&b, token.NewFileSet(), n) // a builder does not fail
	return b.String()
}
