package apply

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/schema"
)

// sight is what one look has seen of the run.
type sight struct {
	progress *schema.Progress // nil when the server reports none
	lock     string           // that it waits for now, "" for none
	waited   time.Duration    // for this lock, until now
	blockers []blocker        // who is in the way
}

// read looks at the session of the run, connecting before the first look. It
// locks nothing but catalogs, and these only for the moment.
func (w *watcher) read() (s sight, err error) {
	if w.off {
		return s, nil
	}
	if w.conn == nil {
		if err := w.connect(); err != nil {
			return s, err
		}
	}
	var p schema.Progress
	var waits, reported bool
	err = w.conn.QueryRow(w.ctx, progressQuery(w.pid), pgx.QueryExecModeSimpleProtocol).Scan(&waits, &reported, &p.Phase, &p.Done, &p.Total, &p.Unit, &p.PID)
	if err != nil {
		return s, fmt.Errorf("looking at the run: %w", err)
	}
	if reported {
		s.progress = &p
	}
	if waits {
		err = w.readBlockers(&s)
	}
	return s, err
}

// progressQuery asks whether the session waits for a lock, and what the views of
// chapter 28.4 of the manual say of its command. An index build counts what its
// phase is about.
func progressQuery(pid int) string {
	return fmt.Sprintf(`SELECT coalesce(a.wait_event_type = 'Lock', false), p.phase IS NOT NULL, coalesce(p.phase, ''), coalesce(p.done, -1),
	coalesce(nullif(p.total, 0), -1), coalesce(p.unit, ''), coalesce(p.locker, 0)
FROM (VALUES (%d)) AS run (pid) LEFT JOIN pg_stat_activity a USING (pid) LEFT JOIN (
	SELECT pid, CASE WHEN partitions_total > 0 THEN format('partition %%s of %%s, ', partitions_done + 1, partitions_total) ELSE '' END || phase AS phase,
		c.done, c.total, c.unit, CASE WHEN phase LIKE 'waiting%%' THEN current_locker_pid END AS locker
	FROM pg_stat_progress_create_index CROSS JOIN LATERAL (SELECT * FROM (VALUES (1, phase LIKE 'waiting%%', lockers_done, lockers_total, 'transactions'),
		(2, phase LIKE '%%tuples%%' OR blocks_total = 0, tuples_done, tuples_total, 'rows'), (3, true, blocks_done, blocks_total, 'blocks'))
		AS counts (rank, fits, done, total, unit) WHERE fits ORDER BY rank LIMIT 1) AS c
	UNION ALL SELECT pid, phase, CASE WHEN phase LIKE 'seq%%' THEN heap_blks_scanned WHEN phase LIKE 'writing%%' THEN heap_tuples_written
			WHEN phase LIKE 'rebuilding%%' THEN index_rebuild_count ELSE heap_tuples_scanned END,
		CASE WHEN phase LIKE 'seq%%' THEN heap_blks_total WHEN phase LIKE 'writing%%' THEN heap_tuples_scanned END,
		CASE WHEN phase LIKE 'seq%%' THEN 'blocks' WHEN phase LIKE 'rebuilding%%' THEN 'indexes' ELSE 'rows' END, NULL
	FROM pg_stat_progress_cluster
	UNION ALL SELECT pid, 'copying', CASE WHEN bytes_total > 0 THEN bytes_processed ELSE tuples_processed END, bytes_total,
		CASE WHEN bytes_total > 0 THEN 'bytes' ELSE 'rows' END, NULL FROM pg_stat_progress_copy
	UNION ALL SELECT pid, phase, sample_blks_scanned, sample_blks_total, 'blocks', NULL FROM pg_stat_progress_analyze
	UNION ALL SELECT pid, phase, CASE WHEN phase = 'vacuuming heap' THEN heap_blks_vacuumed ELSE heap_blks_scanned END, heap_blks_total, 'blocks', NULL
	FROM pg_stat_progress_vacuum
) AS p USING (pid) LIMIT 1`, pid)
}
