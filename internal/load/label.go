package load

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/jackc/pgx/v5/pgconn"
)

// notLoaded is what PostgreSQL says of a provider whose library it has not
// loaded, in English as the session asks for.
var notLoaded = regexp.MustCompile(`(?s)^security label provider "(.*)" is not loaded$`)

// noProvider is what it says when a statement names none and none is loaded.
const noProvider = "no security label providers have been loaded"

// isLabel reports whether a statement is SECURITY LABEL.
func isLabel(words []string) bool { return has(words, "SECURITY", "LABEL") }

// label stands in for a SECURITY LABEL that failed because the library of its
// provider is not loaded. Any other error is returned as it is.
func (r *runner) label(item *item, err error) error {
	if err == nil || !isLabel(item.words) || !r.superuser {
		return err
	}
	return WriteLabel(r.ctx, r.conn, r.self, item.sql, err)
}

// WriteLabel does the work of a SECURITY LABEL that the server refused with the
// given error, where that says that the library of the provider is not loaded;
// any other error is returned. PostgreSQL resolves the object for a comment,
// which is taken back, and the label goes straight into the catalog. The session
// has to belong to self, a superuser.
func WriteLabel(ctx context.Context, conn *pgconn.PgConn, self, sql string, refusal error) error {
	var server *pgconn.PgError
	if !errors.As(refusal, &server) || server.Code != "22023" {
		return refusal
	}
	match := notLoaded.FindStringSubmatch(server.Message)
	object, text, ok := cutLabel(sql)
	if match == nil || !ok {
		return refusal
	}
	where, err := resolve(ctx, conn, object)
	if err != nil {
		return err
	}
	provider := pg.QuoteLiteral(match[1])
	_, err = conn.Exec(ctx, "BEGIN;SET LOCAL SESSION AUTHORIZATION "+pg.QuoteIdent(self)+
		";DELETE FROM pg_catalog."+where.catalog+" WHERE "+where.condition+" AND provider = "+provider+
		";INSERT INTO pg_catalog."+where.catalog+" ("+where.columns+", provider, label) SELECT "+where.values+", "+provider+", l FROM (SELECT ("+text+
		"\n)::text) AS x(l) WHERE l IS NOT NULL;COMMIT").ReadAll()
	return undone(ctx, conn, err)
}

// cutLabel returns the object of a SECURITY LABEL, behind as many characters as
// there were before it, and its label.
func cutLabel(sql string) (object, label string, ok bool) {
	tokens := slices.DeleteFunc(pg.Tokens(sql), func(t pg.Token) bool { return t.Comment })
	on := slices.IndexFunc(tokens, func(t pg.Token) bool { return t.Is("ON") })
	is := -1 // the last one, because behind it there is only the label
	for i, t := range tokens {
		if t.Is("IS") {
			is = i
		}
	}
	if on < 0 || is < on {
		return "", "", false
	}
	const comment = "COMMENT ON"
	start := tokens[on].Offset + len("ON")
	space := strings.Repeat(" ", utf8.RuneCountInString(sql[:start])-len(comment))
	return space + comment + sql[start:tokens[is].Offset], sql[tokens[is].Offset+len("IS"):], true
}

// labelled is a row of one of the catalogs that hold labels.
type labelled struct {
	catalog, columns, values, condition string
}

// labels lists the catalogs whose objects can have a label.
const labels = `SELECT d.classoid, d.objoid, d.objsubid, d.classoid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_language'::regclass,
	'pg_namespace'::regclass, 'pg_event_trigger'::regclass, 'pg_publication'::regclass, 'pg_subscription'::regclass)
	OR d.classoid = 'pg_class'::regclass AND (SELECT relkind NOT IN ('i', 'I') FROM pg_class WHERE oid = d.objoid),
	d.classoid = 'pg_subscription'::regclass
FROM pg_description d WHERE d.description = $ UNION ALL
SELECT d.classoid, d.objoid, 0, d.classoid IN ('pg_authid'::regclass, 'pg_database'::regclass, 'pg_tablespace'::regclass), true
FROM pg_shdescription d WHERE d.description = $`

// resolve asks the server which object a statement is about.
func resolve(ctx context.Context, conn *pgconn.PgConn, object string) (labelled, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return labelled{}, err
	}
	marker := pg.QuoteLiteral("cairn " + hex.EncodeToString(random))
	if _, err := conn.Exec(ctx, "BEGIN").ReadAll(); err != nil {
		return labelled{}, err
	}
	_, err := conn.Exec(ctx, object+"IS "+marker).ReadAll()
	if err != nil {
		return labelled{}, undone(ctx, conn, err)
	}
	query := strings.NewReplacer("$", marker, "'pg_", "'pg_catalog.pg_", "FROM pg_", "FROM pg_catalog.pg_").Replace(labels)
	results, err := conn.Exec(ctx, query+";ROLLBACK").ReadAll()
	if err != nil {
		return labelled{}, undone(ctx, conn, err)
	}
	if len(results[0].Rows) == 0 {
		return labelled{}, &pgconn.PgError{Code: "42704", Severity: "ERROR", Message: "the object of the security label does not exist"}
	}
	row := results[0].Rows[0]
	class, id, sub := string(row[0]), string(row[1]), string(row[2])
	if string(row[3]) != "t" {
		return labelled{}, &pgconn.PgError{Code: "42809", Severity: "ERROR", Message: "security labels are not supported for this type of object"}
	}
	if string(row[4]) == "t" {
		return labelled{"pg_shseclabel", "classoid, objoid", class + ", " + id, "(classoid, objoid) = (" + class + ", " + id + ")"}, nil
	}
	values := class + ", " + id + ", " + sub
	return labelled{"pg_seclabel", "classoid, objoid, objsubid", values, "(classoid, objoid, objsubid) = (" + values + ")"}, nil
}

// undone ends the transaction that failed with the given error.
func undone(ctx context.Context, conn *pgconn.PgConn, err error) error {
	if err != nil {
		_, _ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll() // a lost connection has none
	}
	return err
}

// LacksProvider reports whether the server refused a SECURITY LABEL because it
// has not loaded the library of the provider.
func LacksProvider(sql string, refusal error) bool {
	var server *pgconn.PgError
	return isLabel(pg.Words(sql, 2)) && errors.As(refusal, &server) && server.Code == "22023" &&
		(notLoaded.MatchString(server.Message) || server.Message == noProvider)
}
