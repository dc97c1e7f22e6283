package object_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// disguises are names that break what does not quote. The %s is the name that an
// object has in the museum.
var disguises = []string{
	`"%s"`, `'%s'`, `%s''`, `$$%s$$`, `$q$%s`, `%s$body$`, "line\n%s", "%s\r\n", "tab\t%s", "--%s", "/*%s", "*/%s", "%s; DROP SCHEMA public CASCADE; --",
	`back\slash \'%s\`, `\%s`, `a.%s.b`, `."%s".`, " %s", "%s ", "UPPER %s", "Ünïcödé %s", "e\u0301%s", "\u202e%s\u202c", "\u200b%s", "\U0001F600%s",
	"100%% %%s %s %%I", "{%s,NULL}", "(%s)", "%s:/x", "%s,", "?%s", "\x01%s\x7f", "E'%s", "U&\"%s", "%s UESCAPE '!'", "ı%sſ",
}

// keywords stand for the short names of columns, which repeat.
var keywords = map[string]string{"a": "select", "b": "user", "c": "null", "id": "order", "n": "oid", "note": "default", "title": "table", "name": "NEW"}

// disguise returns the name that stands for one of the museum. A third has the
// most bytes that a name can have.
func disguise(name string) string {
	if word := keywords[name]; word != "" {
		return word
	}
	hash := fnv.New32a()
	hash.Write([]byte(name))
	n := int(hash.Sum32())
	text := fmt.Sprintf(disguises[n%len(disguises)], name)
	if n%3 == 0 {
		text += strings.Repeat("é", max(0, 63-len(text))/2)
		text += strings.Repeat("'", max(0, 63-len(text)))
	}
	for len(text) > 63 || !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}

// disguised loads the museum under hostile names: roles and the tablespace are
// renamed in the text, comments in the catalog, and all else by what the kinds
// themselves say that renames it, until nothing is left that lets itself be
// renamed. Names of operators, extensions and multiranges stay, and columns of views.
func disguised(t *testing.T, major int, sql string) string {
	t.Helper()
	var roles []string
	for _, role := range []string{"museum_owner", "museum_reader", "museum_super"} {
		roles = append(roles, disguise(role))
		sql = strings.ReplaceAll(sql, role, `"`+strings.ReplaceAll(disguise(role), `"`, `""`)+`"`)
	}
	clusters.Roles(t, major, roles...)
	pgtest.Exec(t, clusters.Server(t, major).URL("postgres"), "ALTER ROLE "+pg.QuoteIdent(roles[2])+" SUPERUSER")
	space := `Space "of" \$$;--`
	clusters.Tablespaces(t, major, space)
	url := clusters.Load(t, major, strings.ReplaceAll(sql, "museum_space", `"Space ""of"" \$$;--"`))

	conn, kinds := pgtest.Connect(t, url), object.All()
	if _, err := conn.Exec(t.Context(), "SET check_function_bodies = off; "+
		`UPDATE pg_description SET description = description || E' ''"$$ \\ \n;-- /* \U0001F600' WHERE objoid >= 16384`); err != nil {
		t.Fatal(err)
	}
	done, renamed := map[string]bool{}, map[string]bool{}
	for {
		state, err := catalog.Read(t.Context(), conn, kinds, catalog.Options{Server: major})
		if err != nil {
			t.Fatal(err)
		}
		before, refused := len(renamed), map[string]error{}
		for _, id := range slices.SortedFunc(maps.Keys(state.Objects), schema.Compare) {
			k, name := kinds.Of(id), nameOf(id)
			if k.Rename == nil || state.Objects[id].Builtin || done[name] {
				continue
			}
			sql := k.Rename(k, id, disguise(name))
			if k.Name == "attribute" {
				sql += " CASCADE" // in the tables of the type too
			}
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				refused[id.String()] = err
				continue
			}
			done[disguise(name)] = true
			renamed[id.String()] = true
		}
		if len(renamed) == before {
			checkDisguised(t, kinds, state, done, refused, major)
			return url
		}
	}
}

// nameOf is the name that a rename changes.
func nameOf(id schema.ID) string {
	if id.Part != "" {
		return id.Part
	}
	return id.Name
}

// checkDisguised demands that each kind that can be renamed has an object with a
// hostile name, and names what keeps its own.
func checkDisguised(t *testing.T, kinds *kind.Set, state *schema.State, done map[string]bool, refused map[string]error, major int) {
	t.Helper()
	seen := map[string]bool{}
	for id := range state.Objects {
		seen[id.Kind] = seen[id.Kind] || done[nameOf(id)]
	}
	for _, k := range kinds.All() {
		if k.Rename != nil && k.Option == "" && major >= k.Since && !seen[k.Name] {
			t.Errorf("no %s has a hostile name", k.Name)
		}
	}
	for id, err := range refused {
		t.Logf("%s keeps its name: %v", id, err)
	}
}

// The museum under names that break what does not quote them: it is built from
// nothing, dumped and loaded, changed there and back, and torn down.
func TestHostileNames(t *testing.T) {
	versions := pgtest.Versions()
	if os.Getenv("CAIRN_TEST_PG") == "" {
		versions = versions[len(versions)-1:] // the quoting is the same on all of them
	}
	for _, major := range versions {
		t.Run(strconv.Itoa(major), func(t *testing.T) { hostileNames(t, major) })
	}
}

func hostileNames(t *testing.T, major int) {
	before, after := museum(t, major)
	first, second := disguised(t, major, before), disguised(t, major, after)
	target := clusters.Database(t, major)
	for _, url := range []string{first, second, target} { // all of them, because pg_dump says it
		pgtest.Exec(t, url, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET standard_conforming_strings = off', current_database()); END $$")
	}
	engine := pgtest.NewEngine(t)
	request := cairn.PlanRequest{Target: cairn.Connection{Database: target}, Scratch: cairn.Scratch{Shadow: clusters.Shadow(t, major)}}
	for _, desired := range []string{first, second, first} {
		request.Desired = desired
		plan := pgtest.ApplyWhole(t, engine, request)
		request.Prove = cairn.NoProof // once is enough for a machine
		if diff := cmp.Diff(clusters.Dump(t, desired), clusters.Dump(t, target)); diff != "" {
			t.Errorf("pg_dump differs (-desired +target):\n%s\nplan of %d steps", diff, len(plan.Steps))
		}
	}
	pgtest.Exec(t, target, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET standard_conforming_strings', current_database()); END $$")
	if os.Getenv("CAIRN_TEST_PG") != "" {
		clusters.Reload(t, major, target, "")
	}
	clusters.Reload(t, major, target, "SET standard_conforming_strings = off;\n")
	request.Desired = cairn.Empty
	pgtest.ApplyWhole(t, engine, request)
}
