package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/schema"
)

func samplePlan() *schema.Plan {
	return &schema.Plan{
		Format: 1, From: "sha256:aa", To: "sha256:bb", Summary: schema.Summary{Add: 3, Change: 2, Drop: 1},
		Changes: []schema.Change{
			{Verb: schema.Alter, Object: "column:public.loans.views", Title: "column public.loans.views", Parent: "table:public.loans",
				Fields: []schema.Field{{Name: "type", Old: "integer", New: "bigint"}, {Name: "not_null", Old: "", New: "true"}}},
			{Verb: schema.Drop, Object: "column:public.members.fax", Title: "column public.members.fax", Parent: "table:public.members"},
			{Verb: schema.Add, Object: "comment:table:public.tags", Title: "comment on table public.tags"},
			{Verb: schema.Alter, Object: "function:public.due(date)", Title: "function public.due(date)",
				Fields: []schema.Field{{Name: "definition", Old: "one\ntwo\nthree\nfour", New: "one\ntwo\n3\nfour"}}},
			{Verb: schema.Add, Object: "grant:table:public.tags/staff", Title: "grant on table public.tags/staff"},
			{Verb: schema.Replace, Object: "view:public.overdue", Title: "view public.overdue", Cause: "column public.loans.views"},
			{Verb: schema.Add, Object: "table:public.tags", Title: "table public.tags"},
		},
		Steps: []schema.Step{
			{SQL: "DROP VIEW public.overdue", Verb: schema.Drop, Object: "view:public.overdue", Segment: 1},
			{SQL: "ALTER TABLE public.loans ALTER COLUMN views TYPE bigint", Verb: schema.Alter, Object: "column:public.loans.views",
				Relation: "table:public.loans", Lock: "ACCESS EXCLUSIVE", Rewrite: true, Rows: 1234567, Bytes: 210 << 20, Segment: 1,
				Hazards: []schema.Hazard{
					{Code: "incompatible-type-change", Severity: schema.Danger, Message: "integer becomes bigint", Instead: "expand and contract", Duration: "seconds"},
					{Code: "rewrite-table", Severity: schema.Warning, Message: "every row is written", Instead: "copy in batches", Compatible: true},
					{Code: "non-transactional", Severity: schema.Note, Message: "not said", Compatible: true},
				}},
			{SQL: "ALTER TABLE public.members DROP COLUMN fax", Verb: schema.Drop, Object: "column:public.members.fax",
				Relation: "table:public.members", Lock: "ACCESS EXCLUSIVE", Rows: -1, Bytes: 8192, Loses: "drop-column",
				Why: "every value of the column", Segment: 1},
			{SQL: "CREATE INDEX CONCURRENTLY i ON public.loans (views)", Verb: schema.Add, Object: "index:public.i",
				Relation: "table:public.loans", Lock: "SHARE UPDATE EXCLUSIVE", Scan: true, Rows: 1, Bytes: 8192, Segment: 2, NoTx: true},
			{SQL: "CREATE TABLE public.tags (\n    id bigint -- key\n) -- done", Verb: schema.Add, Object: "table:public.tags", Segment: 3},
		},
		Reverse:  &schema.Reverse{Steps: []schema.Step{{SQL: "a"}, {SQL: "b", Loses: "drop-table"}}, Irreversible: []string{"every value"}},
		Findings: []schema.Finding{{Code: "not-schema", File: "a.sql", Line: 3, Column: 7, Message: "INSERT is not part of the schema", Hint: "move it"}},
	}
}

const sampleHuman = `Plan: 3 to add, 2 to change, 1 to drop.

  ~ function public.due(date)
      definition  changed
          one
          two
        - three
        + 3
          four

  ~ table public.loans
    ~ column views
        type      integer -> bigint
        not null  (none) -> true

  ~ table public.members
    - column fax

  -/+ view public.overdue  (because column public.loans.views changes)

  + table public.tags
    + comment
    + grant to staff

SQL

  -- transaction 1 of 3

  DROP VIEW public.overdue;

  -- ACCESS EXCLUSIVE on public.loans; blocks reads and writes; rewrites the table; about 1,234,567 rows, 210 MB; takes seconds
  -- danger incompatible-type-change: integer becomes bigint; breaks the running application
  -- instead: expand and contract
  -- warning rewrite-table: every row is written
  ALTER TABLE public.loans ALTER COLUMN views TYPE bigint;

  -- ACCESS EXCLUSIVE on public.members; blocks reads and writes; unknown number of rows, 8.0 kB
  -- can lose data: every value of the column
  -- permit with --allow drop-column:public.members.fax
  ALTER TABLE public.members DROP COLUMN fax;

  -- 2 of 3, outside a transaction

  -- SHARE UPDATE EXCLUSIVE on public.loans; blocks neither reads nor writes; scans the table; about 1 row, 8.0 kB
  CREATE INDEX CONCURRENTLY i ON public.loans (views);

  -- transaction 3 of 3

  CREATE TABLE public.tags (
      id bigint -- key
  ) -- done
  ;

1 statement can lose data and needs to be allowed: cairn apply ... --allow drop-column:public.members.fax

Reverse
  2 statements back to the start, of which 1 can lose what is written until then
  cannot be brought back: every value

Findings
  a.sql:3:7: INSERT is not part of the schema [not-schema]
    hint: move it
`

func TestHuman(t *testing.T) {
	var b strings.Builder
	if err := writeHuman(&b, samplePlan(), false); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sampleHuman, b.String()); d != "" {
		t.Error(d)
	}
	b.Reset()
	if err := writeHuman(&b, &schema.Plan{}, false); err != nil || b.String() != "No changes. The database matches the desired state.\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	b.Reset()
	if err := writeHuman(&b, samplePlan(), true); err != nil || !strings.Contains(b.String(), "\x1b[31m    - column fax\x1b[0m") {
		t.Errorf("no colour: %q, %v", b.String(), err)
	}
}

const sampleSQL = `-- Plan: 3 to add, 2 to change, 1 to drop.
-- from sha256:aa
-- to   sha256:bb
-- run with: psql -X -v ON_ERROR_STOP=1 -f FILE

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = off;
SET transform_null_equals = off;
SET IntervalStyle = postgres;
SET xmloption = content;
SET default_tablespace = '';
SET default_table_access_method = heap;

-- transaction 1 of 3
BEGIN;

DROP VIEW public.overdue;

-- ACCESS EXCLUSIVE on public.loans; blocks reads and writes; rewrites the table; about 1,234,567 rows, 210 MB; takes seconds
-- danger incompatible-type-change: integer becomes bigint; breaks the running application
-- instead: expand and contract
-- warning rewrite-table: every row is written
ALTER TABLE public.loans ALTER COLUMN views TYPE bigint;

-- ACCESS EXCLUSIVE on public.members; blocks reads and writes; unknown number of rows, 8.0 kB
-- can lose data: every value of the column
-- permit with --allow drop-column:public.members.fax
ALTER TABLE public.members DROP COLUMN fax;

COMMIT;

-- 2 of 3, outside a transaction

-- SHARE UPDATE EXCLUSIVE on public.loans; blocks neither reads nor writes; scans the table; about 1 row, 8.0 kB
CREATE INDEX CONCURRENTLY i ON public.loans (views);

-- transaction 3 of 3
BEGIN;

CREATE TABLE public.tags (
    id bigint -- key
) -- done
;

COMMIT;
`

func TestSQL(t *testing.T) {
	var b strings.Builder
	if err := writeSQL(&b, samplePlan()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sampleSQL, b.String()); d != "" {
		t.Error(d)
	}
}

// A name can hold a line break, which must not end the comment it is in.
func TestNamesStayInTheirComment(t *testing.T) {
	p := &schema.Plan{Steps: []schema.Step{{SQL: "SELECT 1", Segment: 1, Lock: "SHARE", Relation: "table:public.\"a\nDROP TABLE b;\x1b[2J\"",
		Loses: "drop-table", Why: "rows\r\nof it", Object: "table:public.\"a\nb\""}}}
	for _, write := range []func() (string, error){
		func() (string, error) { var b strings.Builder; err := writeSQL(&b, p); return b.String(), err },
		func() (string, error) { var b strings.Builder; err := writeHuman(&b, p, false); return b.String(), err },
	} {
		text, err := write()
		if err != nil || strings.Contains(text, "\x1b") {
			t.Errorf("%q, %v", text, err)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "DROP") || strings.HasPrefix(strings.TrimSpace(line), "of it") {
				t.Errorf("a line of its own: %q", line)
			}
		}
	}
}
