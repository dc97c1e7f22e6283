package load

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/jackc/pgx/v5/pgconn"
)

// Error is a statement that could not be run, with its place in the file.
type Error struct {
	File      string
	Line      int    // of the error, not of the statement, where the server says so
	Column    int    // in characters from 1
	Code      string // SQLSTATE, or "" when the server was not asked
	Message   string
	Detail    string
	PgHint    string // the server's hint
	Statement string
	More      int   // how many further statements failed
	Err       error // the server's error, or nil

	hint string
}

// Error starts with the position and ends with the SQLSTATE.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if e.Code != "" {
		text += fmt.Sprintf(" (SQLSTATE %s)", e.Code)
	}
	return pg.Redact(text)
}

// IsMissing reports whether the error says that a statement needs what does not
// exist.
func IsMissing(err error) bool {
	var placed *Error
	return errors.As(err, &placed) && isMissing(placed.Code)
}

// Unwrap returns the server's error.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns the server's hint, or else ours.
func (e *Error) Hint() string {
	if e.PgHint != "" {
		return e.PgHint
	}
	if e.hint == "" && e.Code == "22023" && notLoaded.MatchString(e.Message) {
		return "load the provider's library on the scratch server, or use a scratch server where the role is a superuser: there the library is not needed"
	}
	if e.hint == "" && e.Code == "22023" && e.Message == noProvider {
		return "name the provider: SECURITY LABEL FOR provider ON ..."
	}
	if e.hint == "" && e.Code == "42704" && strings.HasPrefix(e.Message, "role ") {
		return "create the role on the scratch server, or in the files"
	}
	return e.hint
}

// SourceError says that a path holds nothing that could be loaded.
type SourceError struct {
	Path string
	Msg  string

	err  error
	hint string
}

// Error names the path.
func (e *SourceError) Error() string { return e.Path + ": " + e.Msg }

// Unwrap returns the error of the file system, if any.
func (e *SourceError) Unwrap() error { return e.err }

// Hint says what to do instead, or is empty.
func (e *SourceError) Hint() string { return e.hint }

// serverError places the server's error about a statement in its file. The
// shift is the number of characters put into the statement before it was sent,
// and at is where, in characters from 0.
func serverError(s pg.Statement, err error, at, shift int) error {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return fmt.Errorf("%s:%d:%d: %w", s.File, s.Line, s.Column, err)
	}
	position := int(server.Position)
	if position > at {
		position = max(at, position-shift)
	}
	line, column := pg.Position(s, position)
	return &Error{
		File: s.File, Line: line, Column: column,
		Code: server.Code, Message: server.Message, Detail: server.Detail, PgHint: server.Hint,
		Statement: s.SQL, Err: err,
	}
}

// rejected is an error of ours about a statement that is not sent at all.
func rejected(s pg.Statement, message, hint string) error {
	return &Error{
		File: s.File, Line: s.Line, Column: s.Column,
		Message: message, Statement: s.SQL, hint: hint,
	}
}
