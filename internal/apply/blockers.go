package apply

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// mostQuery is how many characters of another session's statement are shown,
// mostSessions how many sessions a message names.
const (
	mostQuery    = 120
	mostSessions = 3
)

// blocker is a session that keeps the run from a lock.
type blocker struct {
	schema.Session
	started string // when the session began: a number can be used again
	cairn   bool   // it is a session of another run
	holds   bool   // it has the lock; otherwise it only waits before the run
}

// key tells a blocker from others.
func (b blocker) key() string { return fmt.Sprintf("%d %s %s", b.PID, b.started, b.Prepared) }

func sessions(list []blocker) []schema.Session {
	var all []schema.Session
	for _, b := range list {
		all = append(all, b.Session)
	}
	return all
}

// sessionColumns are those of a row of pg_stat_activity, as scan takes them.
// What the role may not see is NULL, and the statement a word about that.
const sessionColumns = `coalesce(a.usename, ''), coalesce(a.application_name, ''),
	CASE WHEN a.client_port = -1 THEN 'local' ELSE coalesce(host(a.client_addr), '') END, coalesce(a.backend_type, ''), coalesce(a.state, ''),
	coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::float8, 0), CASE WHEN a.backend_type IS NULL THEN '' ELSE coalesce(a.query, '') END`

// scanned returns where the columns of a session go, and what makes it of them.
func scanned() (targets []any, session func() schema.Session) {
	var s schema.Session
	var age float64
	return []any{&s.User, &s.Application, &s.Client, &s.Type, &s.State, &age, &s.Query}, func() schema.Session {
		found := s
		found.Application = plain(s.Application, mostQuery)
		found.Age, found.Query = seconds(age), plain(redacted(s.Query), mostQuery)
		return found
	}
}

func seconds(s float64) time.Duration { return time.Duration(max(s, 0) * float64(time.Second)) }

// conflicting are the modes that each mode waits for; manual, chapter 13.3.1.
var conflicting = map[string][]string{
	"AccessShareLock":          {"AccessExclusiveLock"},
	"RowShareLock":             {"ExclusiveLock", "AccessExclusiveLock"},
	"RowExclusiveLock":         {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
	"ShareUpdateExclusiveLock": {"ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
	"ShareLock":                {"RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
	"ShareRowExclusiveLock": {"RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock",
		"AccessExclusiveLock"},
	"ExclusiveLock": {"RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock",
		"AccessExclusiveLock"},
	"AccessExclusiveLock": {"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock",
		"ExclusiveLock", "AccessExclusiveLock"},
}

// readBlockers finds the lock that the run waits for and who is in the way.
// pg_blocking_pids calls a prepared transaction 0; which one it is follows from
// the lock that it has on its own number.
func (w *watcher) readBlockers(s *sight) error {
	const same = `(l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid, l.objsubid)
	IS NOT DISTINCT FROM (w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)`
	rows, err := w.conn.Query(w.ctx, fmt.Sprintf(`WITH l AS MATERIALIZED (SELECT * FROM pg_locks),
	w AS MATERIALIZED (SELECT * FROM l WHERE pid = %d AND NOT granted LIMIT 1),
	h AS MATERIALIZED (SELECT l.pid, l.virtualtransaction, array_agg(l.mode) AS modes FROM l, w WHERE l.granted AND %s GROUP BY 1, 2)
SELECT concat_ws(' ', w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid), w.mode,
	coalesce(extract(epoch FROM clock_timestamp() - w.waitstart)::float8, 0), coalesce(b.pid, -1), coalesce(p.gid, ''), coalesce(p.owner, ''),
	coalesce(extract(epoch FROM clock_timestamp() - p.prepared)::float8, 0), coalesce(a.backend_start::text, ''), coalesce(h.modes, '{}'),
	EXISTS (SELECT FROM l WHERE l.pid = b.pid AND %s), %s
FROM w LEFT JOIN (SELECT DISTINCT unnest(pg_blocking_pids(%[1]d)) AS pid) AS b ON true
LEFT JOIN pg_stat_activity a ON a.pid = b.pid
LEFT JOIN h ON h.pid = b.pid OR b.pid = 0 AND h.pid IS NULL
LEFT JOIN l AS x ON b.pid = 0 AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.granted AND x.virtualtransaction = h.virtualtransaction
LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
ORDER BY coalesce(a.xact_start, p.prepared), b.pid, p.gid`, w.pid, same, advisory("l"), sessionColumns), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return fmt.Errorf("looking for who is in the way: %w", err)
	}
	var mode, gid, owner, started string
	var waited, prepared float64
	var pid int
	var modes []string
	var cairn bool
	columns, session := scanned()
	_, err = pgx.ForEachRow(rows, append([]any{&s.lock, &mode, &waited, &pid, &gid, &owner, &prepared, &started, &modes, &cairn}, columns...), func() error {
		s.waited = seconds(waited)
		b := blocker{Session: session(), started: started, cairn: cairn}
		b.holds = slices.ContainsFunc(modes, func(held string) bool { return slices.Contains(conflicting[mode], held) })
		if pid == 0 {
			b.Prepared, b.User, b.Age, b.Client = gid, owner, seconds(prepared), ""
		}
		b.PID = pid
		if pid > 0 || pid == 0 && b.holds {
			s.blockers = append(s.blockers, b)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking for who is in the way: %w", err)
	}
	return nil
}

// secret is where a statement may go on with a password: behind the word, or the
// user of a URL.
var secret = regexp.MustCompile(`(?i)password|://[^\s/:@]*:`)

// redacted returns a statement without passwords. It ends where one may begin: the
// server cuts long statements off, so that where it ends may not be there.
func redacted(query string) string {
	if at := secret.FindStringIndex(query); at != nil {
		query = query[:at[1]] + " ..."
	}
	return pg.Redact(query)
}

// plain returns a text of another session in one line of a limited length,
// without characters that drive a terminal.
func plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return string(runes)
}

// blockedBy says who is in the way behind a separator, "" for nobody.
func blockedBy(separator string, list []schema.Session) string {
	if len(list) == 0 {
		return ""
	}
	return separator + "blocked by " + named(list, "; and by ")
}

// named says who the sessions are, as many as a reader wants to know.
func named(list []schema.Session, separator string) string {
	var names []string
	for _, s := range list[:min(len(list), mostSessions)] {
		names = append(names, describe(s))
	}
	text := strings.Join(names, separator)
	if more := len(list) - mostSessions; more > 0 {
		text += fmt.Sprintf("%s%d more", separator, more)
	}
	return text
}

// describe says who a session is and what it does.
func describe(s schema.Session) string {
	var words []string
	name := fmt.Sprintf("pid %d", s.PID)
	if s.Prepared != "" {
		name = "prepared transaction " + pg.QuoteLiteral(s.Prepared)
	}
	for _, w := range [][2]string{{"user ", s.User}, {"application ", s.Application}, {"client ", s.Client}} {
		if w[1] != "" && w[1] != "local" {
			words = append(words, w[0]+w[1])
		}
	}
	if s.Type != "" && s.Type != clientBackend {
		words = append([]string{s.Type}, words...)
	}
	switch {
	case s.Prepared != "":
		words = append(words, round(s.Age)+" old")
	case s.Type == "":
		words = append(words, "what it does is not visible to this role")
	case s.State != "" && s.Age > 0:
		words = append(words, s.State+" for "+round(s.Age))
	case s.State != "":
		words = append(words, s.State)
	}
	if s.Query != "" && s.State == "active" {
		words = append(words, "query: "+s.Query)
	} else if s.Query != "" {
		words = append(words, "last query: "+s.Query)
	}
	return name + ": " + strings.Join(words, ", ")
}

// round returns an age in the units that matter: 0.4s, 12s, 3m, 1h20m.
func round(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	unit := time.Second
	if d >= time.Hour {
		unit = time.Minute
	}
	text := d.Round(unit).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return text
}
