package sealed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
)

// Print writes a struct as compact JSON, one entry of its lists after the other:
// the text of the whole is never in memory.
func Print(w io.Writer, value any) error {
	p := &printer{w: bufio.NewWriterSize(w, 1<<16)}
	p.encoder = json.NewEncoder(&p.encoded)
	p.encoder.SetEscapeHTML(false)
	p.fields(reflect.Indirect(reflect.ValueOf(value)))
	return errors.Join(p.err, p.w.Flush())
}

// Digest returns "sha256:" and the hexadecimal hash of a struct as compact JSON.
// Fields are always written in the order of their struct, so that equal values
// have equal digests.
func Digest(value any) (string, error) {
	hash := sha256.New()
	if err := Print(&escaper{w: hash}, value); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}

type printer struct {
	w       *bufio.Writer
	encoder *json.Encoder // to encoded
	encoded bytes.Buffer
	err     error // the first
}

func (p *printer) text(s string) {
	if p.err == nil {
		_, p.err = p.w.WriteString(s)
	}
}

// value writes what is small as encoding/json does.
func (p *printer) value(v reflect.Value) {
	if p.err != nil {
		return
	}
	p.encoded.Reset()
	if p.err = p.encoder.Encode(v.Interface()); p.err == nil {
		_, p.err = p.w.Write(bytes.TrimSuffix(p.encoded.Bytes(), []byte("\n")))
	}
}

func (p *printer) fields(v reflect.Value) {
	before := "{"
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		field := v.Field(i)
		if option == "omitempty" && (field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0) {
			continue
		}
		p.text(before + `"` + name + `":`)
		before = ","
		switch of := field.Type(); {
		case isList(of) && !field.IsNil():
			p.list(field)
		case of.Kind() == reflect.Pointer && of.Elem().Kind() == reflect.Struct && !of.Implements(marshaler) && !field.IsNil():
			p.fields(field.Elem())
		default:
			p.value(field)
		}
	}
	if before == "{" {
		p.text(before)
	}
	p.text("}")
}

var marshaler = reflect.TypeFor[json.Marshaler]()

// isList reports whether a type is a list of structs.
func isList(t reflect.Type) bool {
	if t.Kind() != reflect.Slice {
		return false
	}
	of := t.Elem()
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	return of.Kind() == reflect.Struct
}

func (p *printer) list(v reflect.Value) {
	p.text("[")
	for i := range v.Len() {
		if i > 0 {
			p.text(",")
		}
		p.value(v.Index(i))
	}
	p.text("]")
}

// escaper escapes what json.Marshal escapes besides: the digest is over that.
type escaper struct {
	w       io.Writer
	escaped bytes.Buffer
}

// Write escapes a piece of JSON.
func (e *escaper) Write(piece []byte) (int, error) {
	e.escaped.Reset()
	json.HTMLEscape(&e.escaped, piece)
	_, err := e.w.Write(e.escaped.Bytes())
	return len(piece), err
}
