package main

import "fmt"

// change is one that a table goes through while others use it.
type change struct {
	name    string
	base    string            // the template database
	setup   string            // statements that are part of the schema before the change
	seed    func(int) string  // further rows, for the number of rows of the table
	plain   []string          // what a person would type
	renames map[string]string // decisions of the plan
	below   int               // percentage of the rows, from the first on, that the workload uses; 0: all
}

// The tables that are changed. Their rows have even numbers as id, the workload
// inserts and deletes odd ones.
const (
	parents = `CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL, balance bigint NOT NULL) WITH (autovacuum_enabled = false);
`
	columns = `id bigint NOT NULL, account_id bigint NOT NULL, email varchar(40), code bigint NOT NULL, amount bigint NOT NULL,
	mood mood NOT NULL, note text, created timestamptz NOT NULL`
	orders = `CREATE TYPE mood AS ENUM ('ok', 'bad');
` + parents + "CREATE TABLE work (" + columns + `, CONSTRAINT work_pkey PRIMARY KEY (id));
CREATE INDEX work_account ON work (account_id);
`
	partitioned = `CREATE TYPE mood AS ENUM ('ok', 'bad');
` + parents + "CREATE TABLE work (" + columns + `, CONSTRAINT work_pkey PRIMARY KEY (id)) PARTITION BY RANGE (id);
`
)

// base is a template database.
type base struct {
	name   string
	schema func(rows int) string
}

func bases() []base {
	ranges := func(from, to, rows int) string {
		var sql string
		for part := from; part <= to; part++ {
			sql += fmt.Sprintf("CREATE TABLE work_%d PARTITION OF work FOR VALUES FROM (%d) TO (%d);\n", part, (part-1)*rows/2, part*rows/2)
		}
		return sql
	}
	return []base{
		{"plain", func(int) string { return orders }},
		{"parted", func(rows int) string {
			return partitioned + ranges(1, 4, rows) + "CREATE TABLE work_rest PARTITION OF work FOR VALUES FROM (" + fmt.Sprint(3*rows) + ") TO (" + fmt.Sprint(4*rows) + ");\n"
		}},
		{"defaulted", func(rows int) string {
			return partitioned + ranges(1, 2, rows) + "CREATE TABLE work_rest PARTITION OF work DEFAULT;\n"
		}},
	}
}

const (
	function = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n"
	trigger  = "CREATE TRIGGER work_touch BEFORE UPDATE ON work FOR EACH ROW EXECUTE FUNCTION touch()"
	check    = "ALTER TABLE work ADD CONSTRAINT work_amount CHECK (amount >= 0)"
	another  = "CREATE TABLE more (" + columns + ", PRIMARY KEY (id));\n"
	foreign  = "ALTER TABLE work ADD CONSTRAINT work_account_fk FOREIGN KEY (account_id) REFERENCES accounts"
)

// bound is a check that says what the bound of the fifth partition says.
func bound(rows int) string {
	return fmt.Sprintf("ALTER TABLE more ADD CONSTRAINT more_bound CHECK (id >= %d AND id < %d);\n", 2*rows, 5*rows/2)
}

// fill puts a quarter of the rows into a table that is to be attached.
func fill(rows int) string { return insertRows("more", rows, rows+rows/4) }

// changes are the typical ones.
func changes(rows int) []change {
	attach := fmt.Sprintf("ALTER TABLE work ATTACH PARTITION more FOR VALUES FROM (%d) TO (%d)", 2*rows, 5*rows/2)
	return []change{
		{name: "create an index", base: "plain", plain: []string{"CREATE INDEX work_created ON work (created)"}},
		{name: "drop an index", base: "plain", plain: []string{"DROP INDEX work_account"}},
		{name: "replace an index", base: "plain", plain: []string{"DROP INDEX work_account", "CREATE INDEX work_account ON work (account_id, created)"}},
		{name: "create an index on a partitioned table", base: "parted", plain: []string{"CREATE INDEX work_account ON work (account_id)"}},
		{name: "add a CHECK", base: "plain", plain: []string{check}},
		{name: "change a CHECK", base: "plain", setup: check, plain: []string{"ALTER TABLE work DROP CONSTRAINT work_amount, ADD CONSTRAINT work_amount CHECK (amount > -2)"}},
		{name: "validate a NOT VALID constraint", base: "plain", setup: check + " NOT VALID", plain: []string{"ALTER TABLE work VALIDATE CONSTRAINT work_amount"}},
		{name: "rename a constraint", base: "plain", setup: check, plain: []string{"ALTER TABLE work RENAME CONSTRAINT work_amount TO work_amount_positive"},
			renames: map[string]string{"constraint:public.work.work_amount": "constraint:public.work.work_amount_positive"}},
		{name: "add a FOREIGN KEY", base: "plain", plain: []string{foreign}},
		{name: "add a FOREIGN KEY to a partitioned table", base: "parted", plain: []string{foreign}},
		{name: "add a PRIMARY KEY", base: "plain", setup: "ALTER TABLE work DROP CONSTRAINT work_pkey; CREATE UNIQUE INDEX work_id ON work (id)",
			plain: []string{"ALTER TABLE work ADD CONSTRAINT work_pkey PRIMARY KEY (id)"}},
		{name: "add a PRIMARY KEY on a column without NOT NULL", base: "plain",
			setup: "ALTER TABLE work DROP CONSTRAINT work_pkey; ALTER TABLE work ALTER COLUMN id DROP NOT NULL; CREATE UNIQUE INDEX work_id ON work (id)",
			plain: []string{"ALTER TABLE work ADD CONSTRAINT work_pkey PRIMARY KEY (id)"}},
		{name: "add a UNIQUE constraint", base: "plain", plain: []string{"ALTER TABLE work ADD CONSTRAINT work_code UNIQUE (code)"}},
		{name: "set NOT NULL", base: "plain", plain: []string{"ALTER TABLE work ALTER COLUMN email SET NOT NULL"}},
		{name: "add a column with a constant default", base: "plain", plain: []string{"ALTER TABLE work ADD COLUMN flag boolean NOT NULL DEFAULT false"}},
		{name: "add a nullable column", base: "plain", plain: []string{"ALTER TABLE work ADD COLUMN extra text"}},
		{name: "add several columns", base: "plain", plain: []string{
			"ALTER TABLE work ADD COLUMN extra text, ADD COLUMN flag boolean NOT NULL DEFAULT false, ADD COLUMN size integer DEFAULT 1"}},
		{name: "drop a column", base: "plain", plain: []string{"ALTER TABLE work DROP COLUMN note"}},
		{name: "lengthen a varchar", base: "plain", plain: []string{"ALTER TABLE work ALTER COLUMN email TYPE varchar(80)"}},
		{name: "turn a varchar into text", base: "plain", plain: []string{"ALTER TABLE work ALTER COLUMN email TYPE text"}},
		{name: "set a default", base: "plain", plain: []string{"ALTER TABLE work ALTER COLUMN amount SET DEFAULT 0"}},
		{name: "add a value to an enum", base: "plain", plain: []string{"ALTER TYPE mood ADD VALUE 'great'"}},
		{name: "attach a partition that has a matching CHECK", base: "parted", setup: another + bound(rows), seed: fill, plain: []string{attach}},
		{name: "attach a partition beside a default partition", base: "defaulted", setup: another, seed: fill, plain: []string{attach}, below: 99},
		{name: "detach a partition", base: "parted", plain: []string{"ALTER TABLE work DETACH PARTITION work_4"}, below: 75},
		{name: "drop a partition", base: "parted", plain: []string{"DROP TABLE work_4"}, below: 75},
		{name: "create a trigger", base: "plain", setup: function, plain: []string{trigger}},
		{name: "replace a trigger", base: "plain", setup: function + trigger, plain: []string{"DROP TRIGGER work_touch ON work",
			"CREATE TRIGGER work_touch BEFORE INSERT OR UPDATE ON work FOR EACH ROW EXECUTE FUNCTION touch()"}},
		{name: "drop a trigger", base: "plain", setup: function + trigger, plain: []string{"DROP TRIGGER work_touch ON work"}},
		{name: "create a policy and enable row security", base: "plain",
			plain: []string{"CREATE POLICY everything ON work USING (true)", "ALTER TABLE work ENABLE ROW LEVEL SECURITY"}},
		{name: "set a statistics target", base: "plain", plain: []string{"ALTER TABLE work ALTER COLUMN code SET STATISTICS 500"}},
		{name: "set a storage parameter", base: "plain", plain: []string{"ALTER TABLE work SET (fillfactor = 90)"}},
		{name: "comment on a table", base: "plain", plain: []string{"COMMENT ON TABLE work IS 'what there is to do'"}},
	}
}

// crowded are the changes that are also measured with somebody in the way.
func crowded(name string) bool {
	switch name {
	case "create an index", "add a CHECK", "add a FOREIGN KEY", "set NOT NULL", "add a nullable column", "detach a partition":
		return true
	}
	return false
}

// insertRows fills a table with rows of the numbers after from up to to.
func insertRows(table string, from, to int) string {
	return fmt.Sprintf(`INSERT INTO %s (id, account_id, email, code, amount, mood, note, created)
SELECT 2 * n, 1 + n %% 1000, 'user' || n || '@example.com', 2 * n, n %% 500, 'ok', repeat('x', 20), timestamptz '2025-01-01' + n * interval '1 s'
FROM generate_series(%d, %d) n;
`, table, from, to-1)
}
