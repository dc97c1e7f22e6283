package pg

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Settings returns the statements that every session of the program starts with.
// A role or a database can set what text means, what a statement makes, or how
// long it may take; statements that were made and reviewed elsewhere must not
// depend on it. DateStyle and TimeZone stay as they are, because they decide how
// rows are converted, and the texts in statements mean the same under each.
//
// The schemas of search_path stay too, for functions that name things without
// one; but pg_catalog comes first, whatever schema was put before it.
func Settings(major int) []string {
	list := []string{
		"SELECT pg_catalog.set_config('search_path', pg_catalog.rtrim(pg_catalog.concat('pg_catalog, ', pg_catalog.current_setting('search_path')), ', '), false)",
		"SET client_encoding = 'UTF8'",
		"SET standard_conforming_strings = on",
		"SET quote_all_identifiers = off",
		"SET transform_null_equals = off",
		"SET array_nulls = on",
		"SET xmloption = content",
		"SET IntervalStyle = postgres",
		"SET extra_float_digits = 1",
		"SET bytea_output = hex",
		"SET default_tablespace = ''",
		"SET default_table_access_method = heap",
		"SET default_transaction_isolation = 'read committed'",
		"SET default_transaction_read_only = off",
		"SET default_transaction_deferrable = off",
		"SET statement_timeout = 0",
		"SET lock_timeout = 0",
		"SET idle_in_transaction_session_timeout = 0",
		"SET idle_session_timeout = 0",
	}
	if major >= 16 {
		list = append(list, "SET createrole_self_grant = ''")
	}
	if major >= 17 {
		list = append(list, "SET transaction_timeout = 0")
	}
	return list
}

// configure brings a new session to the settings of the program. A server that
// is not supported is left as it is: the caller finds out which one it is.
func configure(ctx context.Context, conn *pgconn.PgConn) error {
	major := versionOf(conn)
	if major < Oldest || major > Newest {
		return nil
	}
	_, err := conn.Exec(ctx, strings.Join(Settings(major), ";")).ReadAll()
	return err
}
