package load

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/jackc/pgx/v5/pgconn"
)

// Statements travel in groups, each a message of its own and so a transaction
// of its own. A group shrinks when one of it has failed and grows again.
const (
	largestGroup  = 200
	smallestGroup = 4
)

// pass runs each item once, and returns those that failed. An error is one
// that trying again cannot help.
func (r *runner) pass(items []*item) (failed []*item, err error) {
	size := largestGroup
	for at := 0; at < len(items); {
		group := nextGroup(items[at:], size)
		done, err := r.group(group)
		if err == nil {
			at += len(group)
			size = min(largestGroup, size*2)
			continue
		}
		if len(group) > 1 {
			size = max(smallestGroup, size/2)
			if done > 0 && done < len(group) {
				if _, again := r.group(group[:done]); again == nil {
					at += done
					group = group[done:]
				}
			}
			if _, err = r.group(group[:1]); err == nil {
				at++
				continue
			}
		}
		if err := final(group[0].err); err != nil {
			return nil, err
		}
		failed = append(failed, group[0])
		at++
	}
	return failed, nil
}

func nextGroup(items []*item, size int) []*item {
	n := 1
	for n < len(items) && n < size && !items[n].alone && !items[0].alone {
		n++
	}
	return items[:n]
}

// final returns the error when trying again cannot help: the text is wrong, or
// there is nobody to ask.
func final(err error) error {
	if pg.Code(err) == "42601" || pg.Code(err) == "" || pg.IsConnection(err) || pg.IsCanceled(err) {
		return err
	}
	return nil
}

// group runs items in one message, creating roles and leaving out settings as
// the server asks for it. It returns how many items went well before the one
// that failed; nothing of a failed group remains.
func (r *runner) group(items []*item) (done int, err error) {
	for {
		var failed *setting
		if len(items) == 1 {
			if failed, err = r.single(items[0]); failed == nil {
				err = r.label(items[0], err)
			}
		} else {
			done, failed, err = r.message(items)
		}
		if err == nil {
			return len(items), nil
		}
		r.current = nil
		if r.amend(failed, err) {
			continue
		}
		if len(items) == 1 {
			if isExistingRole(items[0], err) {
				return 1, nil
			}
			at := items[0].statement
			if failed != nil {
				at = failed.statement
			}
			items[0].err = serverError(at, err, items[0].at, items[0].shift)
		}
		return done, err
	}
}

// single runs an item in a message of its own, behind its settings.
func (r *runner) single(item *item) (failed *setting, err error) {
	sql, steps := r.approach(item.session)
	if sql != "" {
		if n, err := r.count(sql); err != nil {
			return settingAt(steps, n), err
		}
		r.current = item.session
	}
	return nil, r.exec(item.sql)
}

// message runs several items and what their settings need.
func (r *runner) message(items []*item) (done int, failed *setting, err error) {
	var text strings.Builder
	var owners []int        // index of the item that each piece belongs to
	var settings []*setting // the setting that each piece is, or nil
	for i, item := range items {
		sql, steps := r.approach(item.session)
		if sql != "" {
			text.WriteString(sql + ";\n")
			for _, step := range steps {
				owners, settings = append(owners, i), append(settings, step)
			}
		}
		r.current = item.session
		text.WriteString(item.sql + ";\n")
		owners, settings = append(owners, i), append(settings, nil)
	}
	n, err := r.count(text.String())
	if err == nil {
		return len(items), nil, nil
	}
	if n >= len(owners) { // at the end of the transaction
		return 0, nil, err
	}
	return owners[n], settings[n], err
}

// approach returns the SQL that brings the session where an item needs it, and
// the setting that each statement of it is; nil for ours.
func (r *runner) approach(to *session) (sql string, steps []*setting) {
	if r.current != nil {
		if between, ok := to.since(r.current); ok {
			return join(between)
		}
	}
	sql, steps = join(to.all)
	if sql != "" {
		sql = ";" + sql
	}
	ours := make([]*setting, r.baseLength)
	return r.base + sql, append(ours, steps...)
}

func join(settings []*setting) (sql string, steps []*setting) {
	var parts []string
	for _, s := range settings {
		if !s.unknown {
			parts, steps = append(parts, s.sql), append(steps, s)
		}
	}
	return strings.Join(parts, ";\n"), steps
}

func settingAt(steps []*setting, n int) *setting {
	if n < len(steps) {
		return steps[n]
	}
	return nil
}

// count runs a message and returns how many of its statements went well. Nothing of
// one that fails remains: it is a transaction, or has a savepoint.
func (r *runner) count(sql string) (n int, err error) {
	if r.inside {
		sql = "SAVEPOINT message;" + sql + "\n;RELEASE message"
	}
	reader := r.conn.Exec(r.ctx, sql)
	for reader.NextResult() {
		if _, err := reader.ResultReader().Close(); err == nil {
			n++
		}
	}
	err = reader.Close()
	if !r.inside {
		return n, err
	}
	if err != nil {
		if taken := r.plain("ROLLBACK TO message;RELEASE message"); taken != nil {
			err = errors.Join(err, taken)
		}
	}
	return max(n-1, 0), err
}

var missingRole = regexp.MustCompile(`^role "(.+)" does not exist$`)

// amend removes the cause of a failure, if it can.
func (r *runner) amend(failed *setting, err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	if failed != nil && server.Code == "42704" && strings.HasPrefix(server.Message, "unrecognized configuration parameter") {
		failed.unknown = true
		return true
	}
	if r.supply != nil && r.supply(err) {
		return true
	}
	match := missingRole.FindStringSubmatch(server.Message)
	if match == nil || !r.createRoles || slices.Contains(r.roles, match[1]) || r.created[match[1]] {
		return false
	}
	create := ";CREATE ROLE " + pg.QuoteIdent(match[1]) + " NOLOGIN"
	if slices.Contains(r.noInherit, match[1]) {
		create += " NOINHERIT"
	}
	// Another load on the same server may create it at the same time.
	err = r.exec(r.base + create)
	if code := pg.Code(err); err != nil && code != "42710" && code != "23505" {
		return false
	}
	r.roles = append(r.roles, match[1])
	return true
}

// isExistingRole reports whether CREATE ROLE failed because the role is there.
func isExistingRole(item *item, err error) bool {
	return pg.Code(err) == "42710" && has(item.words, "CREATE") && isRole(item.words)
}
