package prove

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
)

// inherited lists columns and constraints of children, and whether the child
// declares them itself.
const inherited = `SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'relation', c.relname, 'name', x.name, 'kind', x.kind, 'local', x.local)), '[]')::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL (
	SELECT attname AS name, 'a' AS kind, attislocal AS local FROM pg_attribute WHERE attrelid = c.oid AND attinhcount > 0
	UNION ALL SELECT conname, 'c', conislocal FROM pg_constraint WHERE conrelid = c.oid AND coninhcount > 0) x
WHERE EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)`

// Declare lets children on the copy declare what they declare on the target, and
// only inherit the rest: statements on the parent reach what a child does not
// declare. No statement says that of a child that is tied to its parent after it
// was made, and so it is written into the catalogs, which takes a superuser.
func Declare(ctx context.Context, target, scratch *pgx.Conn) error {
	if scratch.PgConn().ParameterStatus("is_superuser") != "on" {
		return nil
	}
	var some bool
	if err := scratch.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind IN ('r', 'p', 'f'))", pgx.QueryExecModeSimpleProtocol).Scan(&some); err != nil || !some {
		return err
	}
	var list string
	if err := target.QueryRow(ctx, inherited, pgx.QueryExecModeSimpleProtocol).Scan(&list); err != nil {
		return fmt.Errorf("reading what children of the target inherit: %w", err)
	}
	const of = ` FROM json_to_recordset(%[1]s) AS l(schema text, relation text, name text, kind text, local boolean)
	JOIN pg_namespace n ON n.nspname = l.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = l.relation`
	_, err := scratch.Exec(ctx, fmt.Sprintf(`UPDATE pg_attribute x SET attislocal = l.local`+of+` WHERE l.kind = 'a' AND x.attrelid = c.oid AND x.attname = l.name AND x.attinhcount > 0 AND x.attislocal <> l.local;
UPDATE pg_constraint x SET conislocal = l.local`+of+` WHERE l.kind = 'c' AND x.conrelid = c.oid AND x.conname = l.name AND x.coninhcount > 0 AND x.conislocal <> l.local`,
		pg.QuoteLiteral(list)+"::json"))
	if err != nil {
		return fmt.Errorf("letting children inherit on the shadow: %w", err)
	}
	return nil
}
