package pg

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// settings returns what every session of the program starts with. A role or a
// database can set what text means, what a statement makes, or how long it may
// take; statements that were made and reviewed elsewhere must not depend on it.
// DateStyle and TimeZone stay as they are, because they decide how rows are
// converted, and the texts in statements mean the same under each.
func settings(major int) [][2]string {
	list := [][2]string{
		{"client_encoding", "UTF8"},
		{"standard_conforming_strings", "on"},
		{"quote_all_identifiers", "off"},
		{"transform_null_equals", "off"},
		{"array_nulls", "on"},
		{"xmloption", "content"},
		{"IntervalStyle", "postgres"},
		{"extra_float_digits", "1"},
		{"bytea_output", "hex"},
		{"default_tablespace", ""},
		{"default_table_access_method", "heap"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"statement_timeout", "0"},
		{"lock_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"idle_session_timeout", "0"},
	}
	if major >= 16 {
		list = append(list, [2]string{"createrole_self_grant", ""})
	}
	if major >= 17 {
		list = append(list, [2]string{"transaction_timeout", "0"})
	}
	return list
}

// SettingsQuery returns the statement that brings a session to the settings of the
// program. The schemas of search_path stay, for functions that name things without
// one; but pg_catalog comes first, whatever schema was put before it.
func SettingsQuery(major int) string {
	var values []string
	for _, s := range settings(major) {
		values = append(values, "("+QuoteLiteral(s[0])+", "+QuoteLiteral(s[1])+")")
	}
	return "SELECT pg_catalog.set_config(s.name, s.value, false) FROM (VALUES " + strings.Join(values, ", ") +
		", ('search_path', pg_catalog.rtrim(pg_catalog.concat('pg_catalog, ', pg_catalog.current_setting('search_path')), ', '))) AS s(name, value)"
}

// configure brings a new session to the settings of the program. A server that
// is not supported is left as it is: the caller finds out which one it is. So is
// a session that a pooler may lend to others afterwards, see IsPooled.
func configure(ctx context.Context, conn *pgconn.PgConn) error {
	major := versionOf(conn)
	if major < Oldest || major > Newest {
		return nil
	}
	_, err := conn.Exec(ctx, SettingsQuery(major)+fmt.Sprintf(" WHERE pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) %d", conn.PID())).ReadAll()
	return err
}

// Configure brings a session that OwnSession found to be the client's own to the
// settings of the program.
func Configure(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.PgConn().Exec(ctx, SettingsQuery(versionOf(conn.PgConn()))).ReadAll(); err != nil {
		return fmt.Errorf("configuring the session: %w", err)
	}
	return nil
}
