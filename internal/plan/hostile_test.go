package plan

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/schema"
)

// refuses demands a *FileError of one line with a hint.
func refuses(t *testing.T, what, file string) *FileError {
	t.Helper()
	_, err := Read(strings.NewReader(file))
	var e *FileError
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v is no *FileError", what, err)
	}
	if e.Hint() == "" || strings.Contains(e.Error(), "\n") {
		t.Errorf("%s: got %q, hint %q", what, e.Error(), e.Hint())
	}
	return e
}

// Every bit of the file counts, but for white space between values.
func TestReadRefusesEveryFlippedBit(t *testing.T) {
	good := text(t, samplePlan(t))
	for i := range len(good) {
		for bit := range 8 {
			b := []byte(good)
			b[i] ^= 1 << bit
			refuses(t, fmt.Sprintf("bit %d of byte %d", bit, i), string(b))
		}
		if isWhite := strings.ContainsRune(" \n", rune(good[i])); !isWhite {
			refuses(t, fmt.Sprintf("without byte %d", i), good[:i]+good[i+1:])
			refuses(t, fmt.Sprintf("byte %d twice", i), good[:i+1]+good[i:])
		}
		if i < len(good)-1 {
			refuses(t, fmt.Sprintf("the first %d bytes", i), good[:i])
		}
	}
}

// Editors and version control may change line ends and indentation.
func TestReadTakesOtherWhiteSpace(t *testing.T) {
	p := samplePlan(t)
	good := text(t, p)
	for _, file := range []string{strings.ReplaceAll(good, "\n", "\r\n"), strings.ReplaceAll(good, "  ", "\t"), strings.TrimSpace(good), good + "\n\n"} {
		got, err := Read(strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, got); d != "" {
			t.Error(d)
		}
	}
}

// One content has other spellings in JSON, which a reader can take for another.
func TestReadRefusesOtherSpellings(t *testing.T) {
	good := text(t, samplePlan(t))
	for _, c := range []struct{ name, old, new, want string }{
		{"key twice", `"server": 17,`, "\"server\": 9,\n\"server\": 17,", "line 5 is not written as cairn writes it"},
		{"step twice", `"sql": "ALTER`, `"sql": "SELECT 1", "sql": "ALTER`, "is not written as cairn writes it"},
		{"key in other letters", `"server":`, `"Server":`, "is not written as cairn writes it"},
		{"escape", `DROP COLUMN`, `\u0044ROP COLUMN`, "is not written as cairn writes it"},
		{"slash", `sha256:aa`, `sha256\u003aaa`, "is not written as cairn writes it"},
		{"no object of steps", `"findings": [`, `"findings": null, "findings": [`, "is not written as cairn writes it"},
		{"not UTF-8", `shelf"`, "\xff\xfeshelf\"", "was edited"},
		{"surrogate", `shelf"`, `\ud800shelf"`, "was edited"},
		{"not a number", `"server": 17`, `"server": NaN`, "is not JSON: invalid character 'N'"},
		{"huge number", `"server": 17`, `"server": 1e999999999`, `field "server"`},
		{"long number", `"server": 17`, `"server": 17000000000000000000000`, `field "server"`},
		{"fraction", `"segment": 1`, `"segment": 1.5`, `cannot be a number`},
		{"time", `"2026-01-02T03:04:05Z"`, `"2026-13-02T03:04:05Z"`, "cannot be read"},
		{"deep", `"server": 17`, `"server": ` + strings.Repeat("[", 1<<20), "is not JSON"},
		{"deep unknown", `"cairn":`, `"extra": ` + strings.Repeat(`{"`+strings.Repeat("a", 60)+`":`, 9000) + "1" + strings.Repeat("}", 9000) + `, "cairn":`, "unknown field"},
		{"trailing text", "]", "] \x00", "is not JSON"},
		{"second value", "}\n", "} null\n", "is not JSON"},
		{"mark", "{\n  \"format\"", "\ufeff{\n  \"format\"", "is not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("the plan has no %q", c.old)
			}
			if e := refuses(t, c.name, strings.Replace(good, c.old, c.new, 1)); !strings.Contains(e.Error(), c.want) {
				t.Errorf("got %q", e.Error())
			}
		})
	}
}

// A digest can be computed by whoever writes the file. What the steps may be
// does not depend on it.
func TestReadRefusesStepsThatNoPlanHas(t *testing.T) {
	sql := func(text string) func(*schema.Plan) {
		return func(p *schema.Plan) { p.Steps[0].SQL = text }
	}
	steps := func(segments ...int) func(*schema.Plan) {
		return func(p *schema.Plan) {
			step := p.Steps[0]
			p.Steps = nil
			for _, s := range segments {
				step.NoTx = s >= 100
				step.Segment = s % 100
				p.Steps = append(p.Steps, step)
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(*schema.Plan)
		want   string
	}{
		{"two statements", sql("ALTER TABLE a ADD b text; DROP TABLE c"), "step 1 holds 2 statements"},
		{"end of the transaction", sql("ALTER TABLE a ADD b text; COMMIT"), "step 1 holds 2 statements"},
		{"commit", sql("/* ALTER */ COMMIT"), "step 1 is not a statement of a plan"},
		{"rollback", sql("rollback and chain"), "is not a statement of a plan"},
		{"end", sql("END"), "is not a statement of a plan"},
		{"savepoint", sql("SAVEPOINT a"), "is not a statement of a plan"},
		{"setting", sql("SET session_replication_role = replica"), "is not a statement of a plan"},
		{"role", sql("RESET ROLE"), "is not a statement of a plan"},
		{"prepared", sql("PREPARE TRANSACTION 'a'"), "is not a statement of a plan"},
		{"copy", sql("COPY a TO PROGRAM 'x'"), "is not a statement of a plan"},
		{"psql", sql(`\! rm`), "is not a statement of a plan"},
		{"empty", sql(" -- nothing\n"), "holds 0 statements"},
		{"open string", sql("ALTER TABLE a ADD b text DEFAULT 'x"), "unterminated quoted string"},
		{"zero byte", sql("ALTER TABLE a\x00"), "a zero byte"},
		{"count", func(p *schema.Plan) { p.Steps[0].Violating = "FROM a) AS v; DROP TABLE a; SELECT (1" }, "what step 1 counts holds"},
		{"segment 0", steps(0), "segment 0, which does not follow segment 0"},
		{"negative segment", steps(-1), "segment -1"},
		{"late start", steps(2), "segment 2, which does not follow segment 0"},
		{"gap", steps(1, 3), "step 2 is of segment 3, which does not follow segment 1"},
		{"order", steps(1, 2, 1), "step 3 is of segment 1"},
		{"alone first", steps(101, 1), "step 2 shares segment 1"},
		{"alone last", steps(1, 101), "step 2 shares segment 1"},
		{"reverse", func(p *schema.Plan) { p.Reverse = &schema.Reverse{Steps: []schema.Step{{SQL: "COMMIT", Segment: 1}}} }, "in the reverse, step 1 is not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := samplePlan(t)
			c.change(p)
			if err := Seal(p); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("sealing: %v", err)
			}
			digest, err := digestOf(p)
			if err != nil {
				t.Fatal(err)
			}
			p.Digest = digest
			e := refuses(t, c.name, text(t, p))
			if !strings.Contains(e.Error(), "is inconsistent") || !strings.Contains(e.Error(), c.want) {
				t.Errorf("got %q", e.Error())
			}
		})
	}
	good := samplePlan(t)
	steps(1, 1, 102, 103, 4)(good)
	if err := Seal(good); err != nil {
		t.Error(err)
	}
}

func TestWriteRefusesTextWithoutEncoding(t *testing.T) {
	p := samplePlan(t)
	p.Steps[0].Why = `\\ufffd and ` + "\ufffd"
	if err := Write(io.Discard, p); err != nil {
		t.Error(err)
	}
	p.Steps[0].Why = "a\xff"
	if err := Write(io.Discard, p); err == nil || !strings.Contains(err.Error(), "not valid UTF-8") {
		t.Errorf("got %v", err)
	}
}

// Small texts do not stand for much memory.
func TestReadRefusesEmptyObjects(t *testing.T) {
	for _, element := range []string{"{}", `{"sql":""}`, `{"segment":1,"hazards":[{},{}]}`} {
		file := `{"format": 1, "cairn": "{{{\"{{", "steps": [` + strings.Repeat(element+",", 1<<16) + element + "]}"
		if e := refuses(t, element, file); !strings.Contains(e.Error(), "what it lists is empty") {
			t.Errorf("got %q", e.Error())
		}
	}
}

// A file that never ends, or holds a text of a gigabyte, takes memory for what
// a plan may be.
func TestReadBoundsMemory(t *testing.T) {
	for _, c := range []struct{ name, head, rest, want string }{
		{"zeroes", "", "\x00", "is not JSON"},
		{"one text", `{"format": 1, "cairn": "`, "a", "larger than 96 MB"},
		{"numbers", `{"format": 1, "server": `, "1", "larger than 96 MB"},
		{"lists", `{"format": 1, "steps": `, "[", "larger than 96 MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Read(io.MultiReader(strings.NewReader(c.head), io.LimitReader(repeated(c.rest[0]), 1<<30)))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			// A buffer that doubles takes nearly three times its end in all, and twice that under the race detector.
			if used := after.TotalAlloc - before.TotalAlloc; used > 6*uint64(format.Limit) {
				t.Errorf("took %d MB", used>>20)
			}
		})
	}
}

type repeated byte

func (r repeated) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r)
	}
	return len(b), nil
}
