package pgtest_test

import (
	"cmp"
	"strings"
	"testing"

	"github.com/cairn-db/cairn"
)

// A proof copies what the steps touch with what needs it, of tables that only refer
// to it just what that says, and partitions as a whole: each change is proven so,
// without a look at the whole, which has more than a hundred objects.
func TestProofCopiesWhatStepsTouch(t *testing.T) {
	const hub = `CREATE TYPE state AS ENUM ('on', 'off');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION lowered(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)';
CREATE TABLE hub (id integer PRIMARY KEY, name varchar(40), state state, note text);
CREATE SEQUENCE numbers OWNED BY hub.id;
CREATE TABLE near (id integer PRIMARY KEY, hub_id integer REFERENCES hub, name text DEFAULT 'x', state state DEFAULT 'on', n integer DEFAULT nextval('numbers'), CHECK (n > 0));
CREATE INDEX near_name ON near (lowered(name), state);
CREATE TRIGGER near_touch BEFORE UPDATE OF name ON near FOR EACH ROW WHEN (NEW.n > 1) EXECUTE FUNCTION touch();
COMMENT ON TABLE near IS 'refers to the hub';
CREATE TABLE far (id integer, near_id integer REFERENCES near, at date) PARTITION BY RANGE (at);
CREATE TABLE many (id integer NOT NULL, hub_id integer REFERENCES hub, at date NOT NULL, PRIMARY KEY (id, at), CHECK (id > 0)) PARTITION BY RANGE (at);
CREATE TABLE many_1 PARTITION OF many FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX many_at ON many (at);
CREATE TABLE base (hub_id integer, CHECK (hub_id > 0));
CREATE TABLE derived (more text, FOREIGN KEY (hub_id) REFERENCES hub) INHERITS (base);
CREATE VIEW both_sides AS SELECT near.name, hub.name AS hub_name FROM near JOIN hub ON hub.id = near.hub_id;
CREATE TYPE pair AS (a integer, b integer);
CREATE TABLE typed OF pair (FOREIGN KEY (a) REFERENCES hub);
CREATE FUNCTION label(near) RETURNS text LANGUAGE sql AS 'SELECT $1.name';
CREATE VIEW labels AS SELECT label(near) AS label, hub.name FROM near JOIN hub USING (id);
CREATE POLICY mine ON near USING (EXISTS (SELECT FROM hub WHERE hub.id = near.hub_id));
`
	rest := strings.Repeat("CREATE TABLE other_N (id integer PRIMARY KEY, name text DEFAULT 'x', UNIQUE (name));\n", 20)
	for i := 0; strings.Contains(rest, "_N"); i++ {
		rest = strings.Replace(rest, "_N", "_"+string(rune('a'+i)), 1)
	}
	few := map[string]int{"column that nobody uses": 45, "comment": 30}
	for name, change := range map[string][2]string{
		"column that nobody uses": {"note text", "note varchar(9)"},
		"comment":                 {"refers to the hub", "has a hub"},
		"key":                     {"hub (id integer", "hub (id bigint"},
		"signature":               {"lowered(text) RETURNS text", "lowered(text) RETURNS varchar"},
		"enum shrinks":            {"('on', 'off')", "('on')"},
		"partitioned":             {"CHECK (id > 0)) PARTITION", "CHECK (id > 1)) PARTITION"},
		"parent":                  {"base (hub_id integer", "base (hub_id bigint"},
		"view":                    {"label, hub.name FROM", "label, hub.id FROM"},
	} {
		t.Run(name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, major int) {
				_, _, plan := planOn(t, major, hub+rest, strings.Replace(hub, change[0], change[1], 1)+rest, func(*cairn.PlanRequest) {})
				p := plan.Proof
				if p == nil || p.Reach != string(cairn.Closure) || p.Objects > cmp.Or(few[name], 70) || strings.Contains(strings.Join(p.Omitted, "\n"), "could not be made") {
					t.Errorf("the proof: %+v", p)
				}
			})
		})
	}
}
