// Package snapshot writes states to files and reads them back. It names no kind
// of object.
package snapshot

import (
	"bufio"
	"bytes"
	_ "embed" // the JSON Schema ships in the binary
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/sealed"
	"github.com/cairn-db/cairn/schema"
)

// Format is the version of the file that this program writes and the newest
// that it reads.
const Format = 1

//go:embed snapshot.schema.json
var jsonSchema []byte

// JSONSchema returns the JSON Schema of the file.
func JSONSchema() []byte { return bytes.Clone(jsonSchema) }

var format = sealed.Format{Name: "snapshot", Remake: "cairn snapshot", Newest: Format, Limit: 128 << 20, Entry: 96, Object: 24}

// FileError says why a snapshot file cannot be used.
type FileError = sealed.FileError

// file is the form of a state in a file. Sizes of relations are left out: they
// change without the schema.
type file struct {
	Format  int              `json:"format"`
	Server  int              `json:"server"`
	Default string           `json:"default"`
	Roles   []string         `json:"roles"`
	Options []string         `json:"options,omitempty"`
	Name    string           `json:"name,omitempty"`
	Unknown []string         `json:"unknown"`
	Objects []*schema.Object `json:"objects"`
	Digest  string           `json:"digest"`
}

// digest hashes the file with an empty digest.
func (f file) digest() (string, error) {
	f.Digest = ""
	return sealed.Digest(f)
}

// Write writes a state, each object on a line of its own. Equal states give
// equal bytes.
func Write(w io.Writer, s *schema.State) error {
	f := file{Format: Format, Server: s.Server, Default: s.Default,
		Roles: append([]string{}, s.Roles...), Options: s.Options, Name: s.Name, Unknown: append([]string{}, s.Unknown...), Objects: s.Sorted()}
	if err := f.checkText(); err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	digest, err := f.digest()
	if err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	f.Digest = digest
	var b bytes.Buffer
	err = f.Print(&b)
	if err == nil {
		err = format.CheckWritten(b.Bytes())
	}
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	return nil
}

// Digests returns the stated digest and the actual one.
func (f *file) Digests() (stated, actual string, err error) {
	actual, err = f.digest()
	return f.Digest, actual, err
}

// Print writes the fields in the order of the struct, one line for each field
// and each object.
func (f *file) Print(w io.Writer) error {
	b := bufio.NewWriter(w)
	if err := f.print(b); err != nil {
		return err
	}
	return b.Flush()
}

func (f *file) print(b *bufio.Writer) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	value := func(before string, v any, after string) error {
		encoded.Reset()
		if err := encoder.Encode(v); err != nil {
			return err
		}
		b.WriteString(before)
		b.Write(bytes.TrimSuffix(encoded.Bytes(), []byte("\n")))
		_, err := b.WriteString(after)
		return err
	}
	err := errors.Join(
		value("{\n  \"format\": ", f.Format, ",\n"),
		value("  \"server\": ", f.Server, ",\n"),
		value("  \"default\": ", f.Default, ",\n"),
		value("  \"roles\": ", f.Roles, ",\n"),
	)
	if len(f.Options) > 0 {
		err = errors.Join(err, value("  \"options\": ", f.Options, ",\n"), value("  \"name\": ", f.Name, ",\n"))
	}
	err = errors.Join(err, value("  \"unknown\": ", f.Unknown, ",\n"))
	b.WriteString("  \"objects\": [")
	separator := "\n    "
	for _, o := range f.Objects {
		err = errors.Join(err, value(separator, o, ""))
		separator = ",\n    "
	}
	return errors.Join(err, value("\n  ],\n  \"digest\": ", f.Digest, "\n}\n"))
}

// checkText refuses what JSON cannot hold: text of a database without an
// encoding.
func (f file) checkText() error {
	for _, text := range slices.Concat([]string{f.Default, f.Name}, f.Roles, f.Unknown) {
		if !utf8.ValidString(text) {
			return fmt.Errorf("the name %q is not valid UTF-8", text)
		}
	}
	for _, o := range f.Objects {
		texts := []string{o.ID.Schema, o.ID.Name, o.ID.Args, o.ID.Part, o.ID.Role}
		for _, a := range o.Attrs {
			texts = append(texts, a.Value)
		}
		if slices.ContainsFunc(texts, func(text string) bool { return !utf8.ValidString(text) }) {
			return fmt.Errorf("%q holds text that is not valid UTF-8", o.ID.Describe())
		}
	}
	return nil
}

// Read reads what Write wrote. Its errors are of type *FileError when the file
// is no snapshot that this program can trust.
func Read(r io.Reader, kinds *kind.Set) (*schema.State, error) {
	var f file
	if err := format.Read(r, &f, &f); err != nil {
		return nil, err
	}
	s := schema.NewState(f.Server)
	s.Default, s.Roles, s.Unknown, s.Options, s.Name = f.Default, f.Roles, f.Unknown, f.Options, f.Name
	for _, o := range f.Objects {
		if o == nil || s.Objects[o.ID] != nil {
			return nil, format.Broken(nil, "is inconsistent: an object is null or stands there twice")
		}
		s.Objects[o.ID] = o
	}
	for _, o := range s.Sorted() {
		if err := check(kinds, s, o); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// check reports an object that this program cannot work with: one that another
// version of it described, or one of a file that was made up.
func check(kinds *kind.Set, s *schema.State, o *schema.Object) error {
	k := kinds.Get(o.ID.Kind)
	if k == nil || o.ID.Of != "" && kinds.Get(o.ID.Of) == nil {
		return format.Broken(nil, "was made by another version of cairn: it has the kind %q", o.ID.Kind)
	}
	if err := k.Verify(o); err != nil {
		return format.Broken(err, "was made by another version of cairn: %v", err)
	}
	for _, need := range o.Needs {
		if s.Objects[need] == nil {
			return format.Broken(nil, "is inconsistent: %s needs %s, which is not there", o.ID, need)
		}
	}
	seen := map[schema.ID]bool{}
	for at := o; at.Parent != (schema.ID{}); at = s.Objects[at.Parent] {
		if s.Objects[at.Parent] == nil || seen[at.ID] {
			return format.Broken(nil, "is inconsistent: %s is part of %s, which is not there or part of it", at.ID, at.Parent)
		}
		seen[at.ID] = true
	}
	return nil
}
