package pgtest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// tenantsCase is a file that is planned for many schemas, all of which hold the
// same.
type tenantsCase struct {
	name, before, tenant, file string
	selection                  cairn.Selection
	schemas                    []string
	oldest                     bool // on the oldest server, too
}

var tenantsCases = []tenantsCase{
	{name: "names", oldest: true, schemas: []string{"t_1", "t_2", "t_" + strings.Repeat("m", 61), "t_3f-9A", `t_"4`, "t_5 6"},
		tenant: `CREATE TYPE state AS ENUM ('open', 'shut'); CREATE TABLE a (b integer PRIMARY KEY, c state DEFAULT 'open')`,
		file: `CREATE TYPE state AS ENUM ('open', 'shut');
CREATE TABLE a (b bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, c state DEFAULT 'open', d regclass DEFAULT 'a'::regclass);
CREATE FUNCTION f(x a, y state DEFAULT 'shut') RETURNS SETOF a LANGUAGE sql AS 'SELECT * FROM a';
CREATE VIEW v AS SELECT f.b, f.c FROM a, f(a) WHERE f.c = 'shut';
CREATE TABLE z (b bigint REFERENCES a, c state[]);
CREATE INDEX ON z (c) WHERE b > 1;
CREATE TRIGGER g BEFORE UPDATE ON z FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
COMMENT ON COLUMN z.b IS 'of t_1'`},
	{name: "prints", schemas: []string{"t_1", "t_2", "t_3"},
		tenant: `CREATE TABLE a (b varchar(9), CONSTRAINT k CHECK ((b)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))`,
		file:   `CREATE TABLE a (b varchar(9), c integer, CONSTRAINT k CHECK (b IN ('x', 'y')))`},
	{name: "prints that the new surroundings refuse", schemas: []string{"t_1", "t_2", "t_3"},
		tenant: `CREATE TABLE a (b varchar(9), CONSTRAINT k CHECK ((b)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])),
	CONSTRAINT l CHECK (b <> ALL (ARRAY['x'::text, 'y'::text])))`,
		file: `CREATE TABLE a (b varchar(9), CONSTRAINT k CHECK (b IN ('x', 'y')), CONSTRAINT l CHECK (b NOT IN ('x', 'z')))`},
	{name: "what all share", schemas: []string{"t_1", "t_2"},
		before: `CREATE SCHEMA shared; CREATE DOMAIN shared.code AS text; CREATE FUNCTION shared.one() RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
		tenant: `CREATE TABLE a (b shared.code)`,
		file:   `CREATE TABLE a (b shared.code, c integer DEFAULT shared.one())`},
	{name: "what depends on the name", schemas: []string{"t_1", "t_22", "t_333"},
		tenant: `CREATE TABLE a (b integer)`,
		file: `CREATE TABLE a (b integer, c integer);
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$ DECLARE name text; BEGIN
	SELECT n.nspname INTO name FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid WHERE c.relname = 'a';
	EXECUTE format('COMMENT ON TABLE %I.a IS %L', name, length(name)); END $$;
CREATE EVENT TRIGGER note ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER SCHEMA') EXECUTE FUNCTION note();
CREATE TABLE z ()`},
	{name: "default privileges", schemas: []string{"t_1", "t_2"}, selection: cairn.Selection{Privileges: cairn.All},
		before: `ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor`,
		tenant: `CREATE TABLE a (b integer)`,
		file:   `CREATE TABLE a (b integer); CREATE TABLE c (d integer)`},
}

// The plans of many schemas are those of each by itself, and the files are built
// once.
func TestTenants(t *testing.T) {
	for _, major := range pgtest.Versions() {
		for _, test := range tenantsCases {
			if major != slices.Max(pgtest.Versions()) && !test.oldest {
				continue
			}
			t.Run(test.name, func(t *testing.T) { comparePlans(t, major, test) })
		}
	}
}

func comparePlans(t *testing.T, major int, test tenantsCase) {
	load := test.before + ";"
	for _, name := range test.schemas {
		load += "CREATE SCHEMA " + pg.QuoteIdent(name) + "; SET search_path = " + pg.QuoteIdent(name) + ";" + test.tenant + ";"
	}
	request := cairn.PlanRequest{Target: cairn.Connection{Database: clusters.Load(t, major, load)}, Desired: desiredFile(t, test.file),
		Selection: test.selection, Prove: cairn.NoProof, Scratch: cairn.Scratch{NoCache: true}}
	engine := pgtest.NewEngine(t)
	each := request
	each.Selection.Schemas = []string{"t_1", "t_*", "t_*", test.schemas[1]}
	plans, err := engine.PlanEach(t.Context(), each)
	if err != nil {
		t.Fatal(err)
	}
	var planned []string
	for _, p := range plans {
		planned = append(planned, p.Schema)
		alone := request
		alone.Selection.Schemas = []string{p.Schema}
		want, err := engine.Plan(t.Context(), alone)
		if err != nil {
			t.Fatal(err)
		}
		for _, plan := range []*schema.Plan{p.Plan, want} {
			plan.Created, plan.Digest = time.Time{}, ""
			plan.Findings = slices.DeleteFunc(plan.Findings, func(f schema.Finding) bool { return strings.HasSuffix(f.Code, "-unmanaged") }) // they count the rest of the database, too
		}
		if diff := cmp.Diff(want, p.Plan); diff != "" {
			t.Errorf("schema %s (-by itself +among others):\n%s", p.Schema, diff)
		}
	}
	if want := slices.Sorted(slices.Values(test.schemas)); !slices.Equal(planned, want) {
		t.Errorf("planned %q, and not %q", planned, want)
	}
}
