package plan

import (
	"bytes"
	_ "embed" // the JSON Schema ships in the binary
	"encoding/json"
	"fmt"
	"io"

	"github.com/cairn-db/cairn/internal/sealed"
	"github.com/cairn-db/cairn/schema"
)

//go:embed plan.schema.json
var jsonSchema []byte

// JSONSchema returns the JSON Schema of the plan file.
func JSONSchema() []byte { return bytes.Clone(jsonSchema) }

var format = sealed.Format{Name: "plan", Remake: "cairn plan", Newest: schema.PlanFormat, Limit: 64 << 20}

// FileError says why a plan file cannot be used.
type FileError = sealed.FileError

// Seal sets the digest, which shows whether the plan was edited since.
func Seal(p *schema.Plan) error {
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
	p := new(schema.Plan)
	if err := format.Read(r, p); err != nil {
		return nil, err
	}
	digest, err := digestOf(p)
	if err != nil {
		return nil, fmt.Errorf("reading the plan file: %w", err)
	}
	if err := format.CheckDigest(p.Digest, digest); err != nil {
		return nil, err
	}
	return p, nil
}
