package plan

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the JSON Schema ships in the binary
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// maxFile is the size in bytes above which a plan file is not read.
const maxFile = 64 << 20

//go:embed plan.schema.json
var jsonSchema []byte

// JSONSchema returns the JSON Schema of the plan file.
func JSONSchema() []byte { return bytes.Clone(jsonSchema) }

// FileError says why a plan file cannot be used.
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

// Seal sets the digest, which shows whether the plan was edited since.
func Seal(p *schema.Plan) error {
	digest, err := digestOf(p)
	if err != nil {
		return fmt.Errorf("sealing the plan: %w", err)
	}
	p.Digest = digest
	return nil
}

// digestOf hashes the plan as compact JSON with an empty digest. The fields
// are always written in the order of the struct, so that equal plans have
// equal digests.
func digestOf(p *schema.Plan) (string, error) {
	bare := *p
	bare.Digest = ""
	text, err := json.Marshal(bare)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// Write writes a sealed plan as indented JSON.
func Write(w io.Writer, p *schema.Plan) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(p); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// Read reads what Write wrote. Its errors are of type *FileError when the file
// is not a plan that this program can trust.
func Read(r io.Reader) (*schema.Plan, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the plan file: %w", err)
	}
	if len(text) > maxFile {
		return nil, broken(nil, "plan file is larger than %d MB", maxFile>>20)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, broken(nil, "plan file is empty")
	}
	if err := checkFormat(text); err != nil {
		return nil, err
	}
	p, err := decode(text)
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(p)
	if err != nil {
		return nil, fmt.Errorf("reading the plan file: %w", err)
	}
	switch {
	case p.Digest == "":
		return nil, broken(nil, "plan file has no digest")
	case p.Digest != digest:
		return nil, broken(nil, "plan file was edited after it was made: its digest does not match its content")
	}
	return p, nil
}

// checkFormat looks at the version before anything else, because a newer
// format may have fields that this program does not know.
func checkFormat(text []byte) error {
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return syntax(text, err)
	}
	switch {
	case head.Format == nil:
		return broken(nil, "plan file has no format version: it is not a plan")
	case *head.Format > schema.PlanFormat:
		return &FileError{
			Reason: fmt.Sprintf("plan file is of format %d, this cairn reads up to %d", *head.Format, schema.PlanFormat),
			Advice: "upgrade cairn, or run cairn plan again with this version",
		}
	case *head.Format < 1:
		return broken(nil, "plan file is of format %d, which does not exist", *head.Format)
	}
	return nil
}

func decode(text []byte) (*schema.Plan, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	p := new(schema.Plan)
	if err := decoder.Decode(p); err != nil {
		return nil, syntax(text, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, broken(err, "plan file goes on after its end")
	}
	return p, nil
}

// syntax says where the JSON stops making sense.
func syntax(text []byte, err error) error {
	var syntaxError *json.SyntaxError
	var typeError *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF),
		errors.As(err, &syntaxError) && syntaxError.Offset >= int64(len(bytes.TrimRight(text, " \t\r\n"))) &&
			strings.Contains(err.Error(), "unexpected end"):
		return broken(err, "plan file is truncated: it ends on line %d before the plan does", line(text, int64(len(text))))
	case errors.As(err, &syntaxError):
		return broken(err, "plan file is not JSON: %v on line %d", syntaxError, line(text, syntaxError.Offset))
	case errors.As(err, &typeError) && typeError.Field == "":
		return broken(err, "plan file is not a plan: it holds a JSON %s", typeError.Value)
	case errors.As(err, &typeError):
		return broken(err, "plan file was edited: field %q on line %d cannot be a %s",
			typeError.Field, line(text, typeError.Offset), typeError.Value)
	}
	if _, field, found := strings.Cut(err.Error(), "unknown field "); found {
		return broken(err, "plan file was edited: unknown field %s", field)
	}
	return broken(err, "plan file cannot be read: %v", err)
}

// line is the number of the line, from 1, that holds the byte before offset.
func line(text []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	return 1 + bytes.Count(bytes.TrimRight(text[:offset], "\r\n"), []byte("\n"))
}

func broken(err error, format string, args ...any) error {
	return &FileError{Reason: fmt.Sprintf(format, args...), Advice: "run cairn plan again", Err: err}
}
