package plan

import (
	"bytes"
	_ "embed" // the JSON Schema ships in the binary
	"fmt"
	"io"

	"github.com/cairn-db/cairn/internal/sealed"
	"github.com/cairn-db/cairn/schema"
)

//go:embed plan.schema.json
var jsonSchema []byte

// JSONSchema returns the JSON Schema of the plan file.
func JSONSchema() []byte { return bytes.Clone(jsonSchema) }

var format = sealed.Format{Name: "plan", Remake: "cairn plan", Newest: schema.PlanFormat, Limit: 96 << 20, Entry: 48, Object: 48, Plain: true}

// FileError says why a plan file cannot be used.
type FileError = sealed.FileError

// Seal sets the digest, which shows whether the plan was edited since.
func Seal(p *schema.Plan) error {
	if err := Verify(p); err != nil {
		return fmt.Errorf("sealing the plan: %w", err)
	}
	digest, err := digestOf(p)
	if err != nil {
		return fmt.Errorf("sealing the plan: %w", err)
	}
	p.Digest = digest
	return nil
}

// digestOf hashes the plan with an empty digest.
func digestOf(p *schema.Plan) (string, error) {
	bare := *p
	bare.Digest = ""
	return sealed.Digest(bare)
}

// Write writes a sealed plan as indented JSON.
func Write(w io.Writer, p *schema.Plan) error { return format.Write(w, p, true) }

// WriteCompact writes a sealed plan as JSON that only programs read.
func WriteCompact(w io.Writer, p *schema.Plan) error { return format.Write(w, p, false) }

// content is a plan as the content of its file.
type content struct{ *schema.Plan }

// Digests returns the stated digest and the actual one.
func (c content) Digests() (stated, actual string, err error) {
	actual, err = digestOf(c.Plan)
	return c.Digest, actual, err
}

// Print writes the file, without white space.
func (c content) Print(w io.Writer) error { return sealed.Print(w, c.Plan) }

// Read reads what Write wrote. Its errors are of type *FileError when the file
// is not a plan that this program can trust.
func Read(r io.Reader) (*schema.Plan, error) {
	p := new(schema.Plan)
	if err := format.Read(r, p, content{p}); err != nil {
		return nil, err
	}
	if err := Verify(p); err != nil {
		return nil, format.Broken(err, "is inconsistent: %v", err)
	}
	return p, nil
}
