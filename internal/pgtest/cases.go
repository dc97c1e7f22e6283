package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cairn-db/cairn/schema"
)

// Case is one pair of schemas in a txtar file: from.sql, to.sql, optional
// seed.sql, and the golden plans plan.sql and back.sql. Lines of the comment
// that start with # are directives:
//
//	# postgres >= 16         versions that the case is for; also <= 17
//	# require change column  some step forward changes a column in place
//	# forbid replace table   no table is dropped and created, in neither direction
//	# golden 18              version whose plan is the golden text; default: the newest
//	# role case_reader       role that both schemas take for granted
//	# tablespace case_space  tablespace that they take for granted
//	# manage roles           with that option: roles, or database-settings
//	# drop role:case_x       a decision to drop that object
//	# provider loaded        both schemas take providers of security labels for granted
//	# undumped back          backwards (or: both), pg_dump is not compared; the text says why
type Case struct {
	path     string
	archive  *txtar.Archive
	low      int
	high     int
	golden   int
	require  [][2]string
	forbid   [][2]string
	roles    []string
	spaces   []string
	undumped string
	provider bool
	manage   []string
	drops    []string
	contents map[string]string
}

// RunCases runs every case below dir on every version in both directions and
// returns what they covered.
func (c *Clusters) RunCases(t *testing.T, dir string, update bool) Coverage {
	t.Run("cases", func(t *testing.T) { c.runCases(t, dir, update) })
	return c.covered
}

func (c *Clusters) runCases(t *testing.T, dir string, update bool) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases below %s: %v", dir, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(path, dir+string(filepath.Separator)), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kase, err := readCase(path)
			if err != nil {
				t.Fatal(err)
			}
			ran := 0
			for _, major := range Versions() {
				if major < kase.low || major > kase.high {
					continue
				}
				ran++
				t.Run(strconv.Itoa(major), func(t *testing.T) {
					c.runCase(t, kase, major, update)
				})
			}
			if ran == 0 {
				t.Logf("not for any of the versions %v", Versions())
			}
		})
	}
}

func readCase(path string) (*Case, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	k := &Case{path: path, archive: archive, low: 0, high: 99, contents: map[string]string{}}
	for _, f := range archive.Files {
		k.contents[f.Name] = string(f.Data)
	}
	if _, ok := k.contents["to.sql"]; !ok {
		return nil, fmt.Errorf("%s: there is no to.sql", path)
	}
	scanner := bufio.NewScanner(strings.NewReader(string(archive.Comment)))
	for scanner.Scan() {
		if err := k.directive(strings.Fields(strings.TrimPrefix(scanner.Text(), "#"))); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return k, nil
}

func (k *Case) directive(words []string) error {
	if len(words) > 1 && words[0] == "role" {
		k.roles = append(k.roles, strings.Join(words[1:], " "))
		return nil
	}
	if len(words) == 2 && words[0] == "tablespace" {
		k.spaces = append(k.spaces, words[1])
		return nil
	}
	if len(words) == 2 && words[0] == "manage" {
		k.manage = append(k.manage, words[1])
		return nil
	}
	if len(words) == 2 && words[0] == "drop" {
		k.drops = append(k.drops, words[1])
		return nil
	}
	if len(words) == 2 && words[0] == "provider" {
		k.provider = true
		return nil
	}
	if len(words) == 2 && words[0] == "undumped" {
		k.undumped = words[1]
		return nil
	}
	if len(words) != 3 && !(len(words) == 2 && words[0] == "golden") {
		return nil // prose
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	switch words[0] {
	case "postgres":
		n := number(words[2])
		switch words[1] {
		case ">=":
			k.low = n
		case "<=":
			k.high = n
		default:
			return errors.New("unknown comparison " + words[1])
		}
	case "golden":
		k.golden = number(words[1])
	case "require":
		k.require = append(k.require, [2]string{words[1], words[2]})
	case "forbid":
		k.forbid = append(k.forbid, [2]string{words[1], words[2]})
	}
	return nil
}

// goldenFor reports whether the plan on this version is the golden one: the
// newest of the tested versions that the case is for, unless it says which.
func (k *Case) goldenFor(major int) bool {
	if k.golden != 0 {
		return major == k.golden
	}
	versions := slices.DeleteFunc(slices.Clone(Versions()), func(v int) bool { return v < k.low || v > k.high })
	return major == slices.Max(versions)
}

// Coverage is what the cases of a run did: "add table", "drop table", and
// "change table.persistence" for an attribute that differed.
type Coverage map[string]bool

func (v Coverage) record(p *schema.Plan) {
	for _, ch := range p.Changes {
		kind, _, _ := strings.Cut(ch.Object, ":")
		v[string(ch.Verb)+" "+kind] = true
		if of, _, ok := strings.Cut(strings.TrimPrefix(ch.Object, kind+":"), ":"); ok {
			v[kind+" of "+of] = true
		}
		for _, f := range ch.Fields {
			v["change "+kind+"."+f.Name] = true
		}
	}
}

func (c *Clusters) runCase(t *testing.T, k *Case, major int, update bool) {
	if len(k.manage) == 0 {
		c.Roles(t, major, k.roles...)
	}
	c.Tablespaces(t, major, k.spaces...)
	prelude := ""
	if k.provider {
		prelude = c.Provider(t, major)
	}
	forward, back := c.runBoth(t, k, major, prelude)
	c.mu.Lock()
	if c.covered == nil {
		c.covered = Coverage{}
	}
	c.covered.record(forward)
	c.covered.record(back)
	c.mu.Unlock()
	for _, r := range k.require {
		if !hasChange(forward, r) {
			t.Errorf("no step does %s %s", r[0], r[1])
		}
	}
	for _, f := range k.forbid {
		if hasChange(forward, f) || hasChange(back, f) {
			t.Errorf("a step does %s %s", f[0], f[1])
		}
	}
	if !k.goldenFor(major) {
		return
	}
	k.compareGolden(t, "plan.sql", steps(forward), update)
	k.compareGolden(t, "back.sql", steps(back), update)
}

// runBoth runs a case both ways.
func (c *Clusters) runBoth(t *testing.T, k *Case, major int, prelude string) (forward, back *schema.Plan) {
	if len(k.manage) > 0 {
		return c.runOwn(t, k, major, prelude)
	}
	from, to := k.contents["from.sql"], k.contents["to.sql"]
	first, second := c.LoadPrinted(t, major, prelude, from), c.LoadPrinted(t, major, prelude, to)
	forward = c.Converge(t, Pair{Major: major, From: from, To: to, Target: first, Seed: k.contents["seed.sql"], Undumped: k.undumped == "both"})
	back = c.Converge(t, Pair{Major: major, From: to, To: from, Target: second, Undumped: k.undumped != ""})
	return forward, back
}

func (k *Case) compareGolden(t *testing.T, name, got string, update bool) {
	t.Helper()
	if !update {
		if diff := cmp.Diff(k.contents[name], got); diff != "" {
			t.Errorf("%s (-golden +got):\n%s", name, diff)
		}
		return
	}
	at := slices.IndexFunc(k.archive.Files, func(f txtar.File) bool { return f.Name == name })
	if at < 0 {
		k.archive.Files = append(k.archive.Files, txtar.File{Name: name})
		at = len(k.archive.Files) - 1
	}
	k.archive.Files[at].Data = []byte(got)
	if err := os.WriteFile(k.path, txtar.Format(k.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func hasChange(p *schema.Plan, want [2]string) bool {
	return slices.ContainsFunc(p.Changes, func(ch schema.Change) bool {
		return string(ch.Verb) == want[0] && strings.HasPrefix(ch.Object, want[1]+":")
	})
}

// steps prints the statements of a plan, a blank line between transactions.
func steps(p *schema.Plan) string {
	var b strings.Builder
	for i, s := range p.Steps {
		if i > 0 && p.Steps[i-1].Segment != s.Segment {
			b.WriteString("\n")
		}
		b.WriteString(s.SQL + ";\n")
	}
	return b.String()
}
