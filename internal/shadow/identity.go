package shadow

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Installed returns the directories of the server that hold its extensions, their
// libraries and what a new cluster is made of. They are those that the program
// postgres looks into, wherever it was moved to.
func (s *Shadow) Installed(ctx context.Context) ([]string, error) {
	rows, err := s.Conn.Query(ctx, `SELECT setting || below FROM pg_catalog.pg_config()
	CROSS JOIN LATERAL (SELECT unnest(CASE name WHEN 'SHAREDIR' THEN ARRAY['', '/extension', '/tsearch_data'] ELSE ARRAY[''] END)) x(below)
WHERE name IN ('SHAREDIR', 'PKGLIBDIR') ORDER BY name, below`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, fmt.Errorf("asking the shadow where its extensions are: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("asking the shadow where its extensions are: %w", err)
	}
	return names, nil
}
