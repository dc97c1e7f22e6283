package cairn

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/hazard"
	"github.com/cairn-db/cairn/schema"
)

// Policy says by code what an environment makes of hazards: allowed, a warning
// or denied, for tables above a size or for all.
type Policy = hazard.Policy

// PolicyRule is what a Policy makes of one hazard.
type PolicyRule = hazard.Rule

// indexUse marks the indexes that go although the server counted scans of them.
// Names are compared as the server quotes them.
func indexUse(ctx context.Context, conn *pgx.Conn, p *schema.Plan) error {
	const dropped = "drop-index"
	has := func(s schema.Step, code string) bool {
		return slices.ContainsFunc(s.Hazards, func(h schema.Hazard) bool { return h.Code == code })
	}
	if !slices.ContainsFunc(p.Steps, func(s schema.Step) bool { return has(s, dropped) }) {
		return nil
	}
	rows, err := conn.Query(ctx, `SELECT schemaname, indexrelname, idx_scan FROM pg_stat_user_indexes WHERE idx_scan > 0`)
	if err != nil {
		return fmt.Errorf("reading which indexes are used: %w", err)
	}
	scans := map[string]int64{}
	var schemaName, index string
	var count int64
	_, err = pgx.ForEachRow(rows, []any{&schemaName, &index, &count}, func() error {
		scans[schema.ID{Schema: schemaName, Name: index}.QualifiedName()] = count
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading which indexes are used: %w", err)
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		if n := scans[s.Name()]; n > 0 && has(*s, dropped) {
			s.Hazards = append(s.Hazards, schema.Hazard{Code: "drop-index-in-use", Object: s.Object,
				Message: fmt.Sprintf("queries scanned the index %d times since the statistics were last reset", n)})
		}
	}
	return nil
}
