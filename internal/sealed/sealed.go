// Package sealed reads JSON files that carry the version of their format and a
// digest of their content, so that one that was cut off, edited or made by a
// newer program is refused with a reason.
package sealed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"unsafe"
)

// Format describes a kind of file.
type Format struct {
	Name   string // for messages, "plan"
	Remake string // the command that makes the file, "cairn plan"
	Newest int    // version of the format that this program writes and the newest that it reads
	Limit  int64  // size in bytes above which a file is not read

	// Bytes that the entries of the lists of a real file have at least, on average,
	// and all JSON objects in it. Each takes the memory of all its fields, also when
	// it has none, so that a file of empty ones would take a hundred times its size.
	Entry, Object int

	// Plain says that Print of this package writes the file, and that its digest is
	// that of the struct with an empty field "digest".
	Plain bool
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

// Content is what a file holds.
type Content interface {
	// Digests returns the digest that the file states and that of what it holds.
	Digests() (stated, actual string, err error)

	// Print writes the file as the program does.
	Print(w io.Writer) error
}

// Read reads a file into a struct, which is that of the content. Its errors are of
// type *FileError when the text is not what this program can read or not what it
// wrote.
func (f Format) Read(r io.Reader, into any, content Content) error {
	var c counter
	text, err := f.readAll(r)
	if err != nil {
		return err
	}
	c.count(text)
	// Nothing writes into the text any more.
	if f.Plain && !f.isSparse(c) && f.isReadable(text) && readStrictly(unsafe.String(unsafe.SliceData(text), len(text)), into) {
		return nil
	}
	reflect.ValueOf(into).Elem().SetZero()
	return f.readLoosely(text, c, into, content)
}

// readLoosely reads a text that may be anything, and says what is wrong with it.
func (f Format) readLoosely(text []byte, c counter, into any, content Content) error {
	if err := f.checkVersion(text); err != nil {
		return err
	}
	if f.isSparse(c) && json.Valid(text) {
		return f.sparse()
	}
	if err := json.Unmarshal(text, into); err != nil {
		return f.syntax(text, err)
	}
	err := f.checkDigest(content)
	if err == nil {
		err = f.checkForm(text, content)
	}
	if err != nil {
		err = cmp.Or(f.checkFields(text, into), err)
	}
	return err
}

// checkFields refuses a text with fields that the struct does not have.
func (f Format) checkFields(text []byte, of any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(reflect.New(reflect.TypeOf(of).Elem()).Interface()); err != nil {
		return f.syntax(text, err)
	}
	return nil
}

// readAll reads the text, as far as it can be that of a file. Text that starts
// with something else is refused at once: what follows may never end.
func (f Format) readAll(r io.Reader) ([]byte, error) {
	if size, known := sizeOf(r); known && size > f.Limit {
		return nil, f.tooLarge()
	}
	head := make([]byte, 4096)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading the %s file: %w", f.Name, err)
	}
	if start := bytes.TrimLeft(head, " \t\r\n"); len(start) > 0 && start[0] != '{' {
		return nil, f.syntax(head, json.Unmarshal(head, new(map[string]any)))
	}
	var b bytes.Buffer
	size, _ := sizeOf(r)
	b.Grow(int(size) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(io.MultiReader(bytes.NewReader(head), r), f.Limit+1))
	text := b.Bytes()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the %s file: %w", f.Name, err)
	case int64(len(text)) > f.Limit:
		return nil, f.tooLarge()
	case len(bytes.TrimSpace(text)) == 0:
		return nil, f.Broken(nil, "is empty")
	}
	return text, nil
}

// slack is how many objects more a file may hold than its size allows.
const slack = 1000

// isSparse reports whether a text would take more memory than its size allows.
func (f Format) isSparse(c counter) bool {
	return c.entries > slack+int(c.size)/f.Entry || c.all > slack+int(c.size)/f.Object
}

func (f Format) sparse() error {
	return f.Broken(nil, "is not a %s: what it lists is empty", f.Name)
}

func (f Format) tooLarge() error { return f.Broken(nil, "is larger than %d MB", f.Limit>>20) }

// sizeOf returns the size of a regular file.
func sizeOf(r io.Reader) (size int64, known bool) {
	file, ok := r.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return 0, false
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// checkDigest compares the digest that a file states with that of its content.
func (f Format) checkDigest(c Content) error {
	stated, actual, err := c.Digests()
	switch {
	case err != nil:
		return fmt.Errorf("reading the %s file: %w", f.Name, err)
	case stated == "":
		return f.Broken(nil, "has no digest")
	case stated != actual:
		return f.Broken(nil, "was edited after it was made: its digest does not match its content")
	}
	return nil
}

// Broken returns the error of a file that has to be made again.
func (f Format) Broken(err error, format string, args ...any) error {
	return &FileError{Reason: f.Name + " file " + fmt.Sprintf(format, args...), Advice: "run " + f.Remake + " again", Err: err}
}

// header is what a file of any version has.
type header struct {
	Format *int `json:"format"`
}

// head reads the header. It is the first field of a file that the program wrote, so
// that the rest need not be read for it.
func head(text []byte) (h header, err error) {
	if h := start(text); h.Format != nil {
		return h, nil
	}
	return h, json.Unmarshal(text, &h)
}

// start reads the header where the text begins with it.
func start(text []byte) (h header) {
	d := json.NewDecoder(bytes.NewReader(text[:min(len(text), 100)]))
	brace, _ := d.Token()
	if name, _ := d.Token(); brace == json.Delim('{') && name == "format" && d.Decode(&h.Format) == nil {
		return h
	}
	return header{}
}

// isReadable reports whether a text begins with a version that this program reads.
func (f Format) isReadable(text []byte) bool {
	h := start(text)
	return h.Format != nil && *h.Format >= 1 && *h.Format <= f.Newest
}

// checkVersion looks at the version before anything else, because a newer
// format may have fields that this program does not know.
func (f Format) checkVersion(text []byte) error {
	head, err := head(text)
	if err != nil {
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
