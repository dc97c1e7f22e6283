package pg

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Oldest and Newest are the major versions of PostgreSQL that are supported.
const (
	Oldest = 14
	Newest = 18
)

// UnsupportedVersionError says that a server is too old or too new.
type UnsupportedVersionError struct {
	Version int // major version of the server
}

// Error names the version and the supported range.
func (e *UnsupportedVersionError) Error() string {
	return fmt.Sprintf("PostgreSQL %d is not supported (supported: %d to %d)", e.Version, Oldest, Newest)
}

// Hint says what to do about it.
func (e *UnsupportedVersionError) Hint() string {
	if e.Version < Oldest {
		return fmt.Sprintf("upgrade the server to PostgreSQL %d or later", Oldest)
	}
	return fmt.Sprintf("use a release of cairn that knows PostgreSQL %d", e.Version)
}

// ConnectError says that a connection could not be made. Its text is one line
// and holds no password.
type ConnectError struct {
	Address  string // host:port, or the path of the unix socket
	Database string
	User     string
	Err      error // may hold more text than is fit to print
}

// Error is one line without passwords.
func (e *ConnectError) Error() string {
	var where []string
	if e.Database != "" {
		where = append(where, fmt.Sprintf("database %q", e.Database))
	}
	if e.Address != "" {
		where = append(where, "at "+e.Address)
	}
	if e.User != "" {
		where = append(where, fmt.Sprintf("as user %q", e.User))
	}
	prefix := "connecting"
	if len(where) > 0 {
		prefix = "connecting to " + strings.TrimPrefix(strings.Join(where, " "), "at ")
	}
	return Redact(prefix + ": " + reason(e.Err))
}

// Unwrap returns the driver's error.
func (e *ConnectError) Unwrap() error { return e.Err }

// Hint says what to check first.
func (e *ConnectError) Hint() string {
	var dns *net.DNSError
	switch code := Code(e.Err); {
	case code == "3D000":
		return fmt.Sprintf("create it with createdb %s, or use embedded:NAME for a local one", e.Database)
	case code == "28P01" && strings.Contains(e.Err.Error(), "empty password"):
		return "give a password with PGPASSWORD or ~/.pgpass"
	case code == "28P01":
		return "check the password in PGPASSWORD or ~/.pgpass"
	case code == "28000" && strings.Contains(e.Err.Error(), "does not exist"):
		return "choose another role with PGUSER or in the connection string"
	case code == "28000" && strings.Contains(e.Err.Error(), "client certificate"):
		return certificateHint
	case code == "28000":
		return "check the server's pg_hba.conf, the user and sslmode"
	case code == "53300":
		return "the server has no free connection: try again later"
	case code == "57P03":
		return "the server is starting up or shutting down: try again later"
	case code == "42501":
		return "the user needs the CONNECT privilege on the database"
	case code != "":
		return ""
	case errors.As(e.Err, &dns):
		return "check the host name"
	case errors.Is(e.Err, context.Canceled):
		return ""
	case isTLSRefusal(e.Err):
		return "the server does not offer TLS: check sslmode"
	case tlsHint(e.Err) != "":
		return tlsHint(e.Err)
	case isParseError(e.Err):
		return "give a database name, a key=value string or a postgres:// URL, as for psql -d"
	}
	return "is the server running, and is the address right?"
}

// Code returns the SQLSTATE of an error from the server, or "".
func Code(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}

// IsLockTimeout reports whether a lock was not granted in time.
func IsLockTimeout(err error) bool { return Code(err) == "55P03" }

// IsDeadlock reports whether the server broke a deadlock.
func IsDeadlock(err error) bool { return Code(err) == "40P01" }

// IsVanished reports whether the server did not find what a catalog had named just
// before, because another session has dropped it. These messages have no
// translations.
func IsVanished(err error) bool {
	var refusal *pgconn.PgError
	return errors.As(err, &refusal) && refusal.Code == "XX000" &&
		(strings.HasPrefix(refusal.Message, "cache lookup failed") || strings.HasPrefix(refusal.Message, "could not open relation with OID"))
}

// IsForbidden reports whether the user lacks a privilege.
func IsForbidden(err error) bool { return Code(err) == "42501" }

// IsUndefinedObject reports whether a role, type or other named object that is
// neither a table nor a function does not exist.
func IsUndefinedObject(err error) bool { return Code(err) == "42704" }

// IsCanceled reports whether the statement was canceled: by the context, by
// statement_timeout or by another session.
func IsCanceled(err error) bool {
	return Code(err) == "57014" || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// IsConnection reports whether the connection could not be made or is gone, so
// that nothing more can be done on it.
func IsConnection(err error) bool {
	if err == nil {
		return false
	}
	switch code := Code(err); {
	case code == "57P01", code == "57P02", code == "57P03", strings.HasPrefix(code, "08"):
		return true
	case code != "":
		return false
	}
	var connect *ConnectError
	var driver *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &driver):
		return true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &network), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return true
	}
	text := err.Error()
	return strings.Contains(text, "unexpected EOF") || strings.Contains(text, "conn closed")
}

// reason returns the innermost cause in one line.
func reason(err error) string {
	var server *pgconn.PgError
	var dns *net.DNSError
	var errno syscall.Errno
	switch {
	case err == nil:
		return "unknown reason"
	case errors.As(err, &server):
		return oneLine(server.Message)
	case errors.As(err, &dns):
		return fmt.Sprintf("no such host %q", dns.Name)
	case isTLSRefusal(err):
		return "server refused TLS connection"
	case isParseError(err):
		return parseReason(err)
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	var driver *pgconn.ConnectError
	if errors.As(err, &driver) && driver.Unwrap() != nil {
		return oneLine(driver.Unwrap().Error())
	}
	return strings.TrimPrefix(oneLine(err.Error()), "failed to ")
}

const certificateHint = "give a client certificate that the server accepts with sslcert and sslkey"

// tlsHint says what to do about a certificate, "" when the error is about none.
func tlsHint(err error) string {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	switch {
	case errors.As(err, &name):
		return "somebody else may answer at this address: connect by a name that the server's certificate is for; sslmode=verify-ca accepts any"
	case errors.As(err, &authority):
		return "somebody else may answer at this address: name the file with the certificate of the server's authority with sslrootcert, or sslrootcert=system"
	case errors.As(err, &invalid):
		return "the server's certificate has to be replaced"
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls: "):
		return certificateHint
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func isTLSRefusal(err error) bool {
	return err != nil && strings.Contains(err.Error(), "server refused TLS connection")
}

func isParseError(err error) bool {
	var parse *pgconn.ParseConfigError
	return errors.As(err, &parse)
}

// parseReason leaves out the connection string, because in one that cannot be
// parsed nobody can say where the password ends.
func parseReason(err error) string {
	text := oneLine(err.Error())
	if at := strings.LastIndex(text, "`: "); at >= 0 {
		text = strings.TrimPrefix(text[at+len("`: "):], "failed to ")
	}
	return "the connection string cannot be read: " + text
}

// Table returns the table that an error of the server is about, "" when it
// names none.
func Table(err error) (schema, table string) {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.SchemaName, server.TableName
	}
	return "", ""
}

// IsUnqualified reports whether the body of a function names what the server does
// not find: it may be in a schema that an empty search_path does not lead to.
func IsUnqualified(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) || !strings.Contains(server.Where, "function") {
		return false
	}
	switch server.Code {
	case "42P01", "42883", "42704": // undefined table, function, type
		return true
	}
	return false
}

// QualifyHint is what to do about a function whose body IsUnqualified.
const QualifyHint = "cairn runs with an empty search_path, as pg_restore does: name things in the body of the function with their schema, " +
	"or give the function a SET search_path"

// IsMissingRole reports whether the server does not know a role.
func IsMissingRole(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "42704" && server.Routine == "get_role_oid"
}

// Detail returns the lines that the server adds to its message: the detail, the
// hint and where in a function it happened, each with its name; "" without any.
func Detail(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return ""
	}
	var b strings.Builder
	for _, line := range [][2]string{{"detail", e.Detail}, {"server hint", e.Hint}, {"context", e.Where}} {
		if line[1] != "" {
			b.WriteString("\n" + line[0] + ": " + line[1])
		}
	}
	return b.String()
}
