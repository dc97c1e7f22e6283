// Package sealed reads JSON files that carry the version of their format and a
// digest of their content, so that one that was cut off, edited or made by a
// newer program is refused with a reason.
package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Format describes a kind of file.
type Format struct {
	Name   string // for messages, "plan"
	Remake string // the command that makes the file, "cairn plan"
	Newest int    // version of the format that this program writes and the newest that it reads
	Limit  int64  // size in bytes above which a file is not read
}

// FileError says why a file cannot be used.
type FileError struct {
	Reason string // one line
	Advice string // what to do about it
	Err    error  // what the reader said, or nil
}

// Error names the reason.
func (e *FileError) Error() string { return e.Reason }

// Unwrap returns the reader's error.
func (e *FileError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *FileError) Hint() string { return e.Advice }

// Digest returns "sha256:" and the hexadecimal hash of a value as compact JSON.
// Fields are always written in the order of their struct, so that equal values
// have equal digests.
func Digest(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// Read reads a file into a struct. Its errors are of type *FileError when the
// text is not what this program can read. The digest is the caller's to check.
func (f Format) Read(r io.Reader, into any) error {
	text, err := io.ReadAll(io.LimitReader(r, f.Limit+1))
	if err != nil {
		return fmt.Errorf("reading the %s file: %w", f.Name, err)
	}
	if int64(len(text)) > f.Limit {
		return f.Broken(nil, "is larger than %d MB", f.Limit>>20)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return f.Broken(nil, "is empty")
	}
	if err := f.checkVersion(text); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return f.syntax(text, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return f.Broken(err, "goes on after its end")
	}
	return nil
}

// CheckDigest compares the digest that a file states with that of its content.
func (f Format) CheckDigest(stated, actual string) error {
	switch stated {
	case "":
		return f.Broken(nil, "has no digest")
	case actual:
		return nil
	}
	return f.Broken(nil, "was edited after it was made: its digest does not match its content")
}

// Broken returns the error of a file that has to be made again.
func (f Format) Broken(err error, format string, args ...any) error {
	return &FileError{Reason: f.Name + " file " + fmt.Sprintf(format, args...), Advice: "run " + f.Remake + " again", Err: err}
}

// checkVersion looks at the version before anything else, because a newer
// format may have fields that this program does not know.
func (f Format) checkVersion(text []byte) error {
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return f.syntax(text, err)
	}
	switch {
	case head.Format == nil:
		return f.Broken(nil, "has no format version: it is not a %s", f.Name)
	case *head.Format > f.Newest:
		return &FileError{
			Reason: fmt.Sprintf("%s file is of format %d, this cairn reads up to %d", f.Name, *head.Format, f.Newest),
			Advice: "upgrade cairn, or run " + f.Remake + " again with this version",
		}
	case *head.Format < 1:
		return f.Broken(nil, "is of format %d, which does not exist", *head.Format)
	}
	return nil
}

// syntax says where the JSON stops making sense.
func (f Format) syntax(text []byte, err error) error {
	var syntaxError *json.SyntaxError
	var typeError *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, &syntaxError) && syntaxError.Offset >= int64(len(bytes.TrimRight(text, " \t\r\n"))) &&
			strings.Contains(err.Error(), "unexpected end"):
		return f.Broken(err, "is truncated: it ends on line %d before the %s does", line(text, int64(len(text))), f.Name)
	case errors.As(err, &syntaxError):
		return f.Broken(err, "is not JSON: %v on line %d", syntaxError, line(text, syntaxError.Offset))
	case errors.As(err, &typeError) && typeError.Field == "":
		return f.Broken(err, "is not a %s: it holds a JSON %s", f.Name, typeError.Value)
	case errors.As(err, &typeError):
		return f.Broken(err, "was edited: field %q on line %d cannot be a %s",
			typeError.Field, line(text, typeError.Offset), typeError.Value)
	}
	if _, field, found := strings.Cut(err.Error(), "unknown field "); found {
		return f.Broken(err, "was edited: unknown field %s", field)
	}
	return f.Broken(err, "cannot be read: %v", err)
}

// line is the number of the line, from 1, that holds the byte before offset.
func line(text []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	return 1 + bytes.Count(bytes.TrimRight(text[:offset], "\r\n"), []byte("\n"))
}
