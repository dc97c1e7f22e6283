package sealed

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readStrictly reads a text into a struct in one pass, where the text is what Print
// writes of that, but for the white space between values, and its digest fits. What
// it does not accept may be right nevertheless: encoding/json reads more, and has
// the words for what is wrong. Texts in the struct are parts of the one that was read.
func readStrictly(text string, into any) bool {
	s := shapes(reflect.TypeOf(into).Elem())
	r := &strict{text: text}
	if s == nil || !r.value(s, reflect.ValueOf(into).Elem()) {
		return false
	}
	if r.next(); r.at < len(text) || r.digest.end == 0 {
		return false
	}
	return text[r.digest.start:r.digest.end] == `"`+hashText(text, r.digest)+`"`
}

// span is a part of a text.
type span struct{ start, end int }

// strict reads a text that has to be what this package writes.
type strict struct {
	text   string
	at     int
	depth  int  // of structs
	digest span // value of the field "digest" of the outermost struct
}

// next returns the byte that the next value or sign begins with, 0 at the end.
func (r *strict) next() byte {
	for ; r.at < len(r.text); r.at++ {
		if b := r.text[r.at]; !isSpace(b) {
			return b
		}
	}
	return 0
}

// take goes behind a text when it comes next.
func (r *strict) take(text string) bool {
	if r.next(); !strings.HasPrefix(r.text[r.at:], text) {
		return false
	}
	r.at += len(text)
	return true
}

func (r *strict) value(s *shape, v reflect.Value) bool {
	switch s.kind {
	case reflect.String:
		text, ok := r.string()
		v.SetString(text)
		return ok
	case reflect.Bool:
		v.SetBool(r.take("true"))
		return v.Bool() || r.take("false")
	case reflect.Int, reflect.Int64, reflect.Int32:
		n, ok := r.integer()
		v.SetInt(n)
		return ok && !v.OverflowInt(n)
	case reflect.Struct:
		return r.fields(s, v)
	case reflect.Pointer:
		if r.take("null") {
			return true
		}
		v.Set(reflect.New(s.elem.of))
		return r.value(s.elem, v.Elem())
	case reflect.Slice:
		return r.take("null") || r.list(s, v)
	}
	return r.other(v)
}

func (r *strict) fields(s *shape, v reflect.Value) bool {
	if !r.take("{") {
		return false
	}
	r.depth++
	first := true
	for _, f := range s.fields {
		before := r.at
		if !(first || r.take(",")) || !r.take(f.key) {
			if r.at = before; !f.optional {
				return false
			}
			continue
		}
		first = false
		if !r.take(":") {
			return false
		}
		r.next()
		start := r.at
		if !r.value(f.shape, v.Field(f.index)) || f.optional && isEmpty(v.Field(f.index)) {
			return false
		}
		if r.depth == 1 && f.key == `"digest"` {
			r.digest = span{start, r.at}
		}
	}
	r.depth--
	return r.take("}")
}

// isEmpty reports whether a value is left out where it may be.
func isEmpty(v reflect.Value) bool {
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

func (r *strict) list(s *shape, v reflect.Value) bool {
	if !r.take("[") {
		return false
	}
	v.Set(reflect.MakeSlice(s.of, 0, 0))
	for n := 0; !r.take("]"); n++ {
		if n > 0 && !r.take(",") {
			return false
		}
		if n == v.Cap() {
			v.Grow(1)
		}
		v.SetLen(n + 1)
		if !r.value(s.elem, v.Index(n)) {
			return false
		}
	}
	return true
}

func (r *strict) integer() (n int64, ok bool) {
	r.next()
	end := r.at
	for end < len(r.text) && (r.text[end] == '-' || r.text[end] >= '0' && r.text[end] <= '9') {
		end++
	}
	text := r.text[r.at:end]
	n, err := strconv.ParseInt(text, 10, 64)
	r.at = end
	return n, err == nil && strconv.FormatInt(n, 10) == text
}

// string reads a text. One without escapes is a part of what is read.
func (r *strict) string() (text string, ok bool) {
	if !r.take(`"`) {
		return "", false
	}
	rest := r.text[r.at:]
	quote := strings.IndexByte(rest, '"')
	if quote < 0 {
		return "", false
	}
	if strings.IndexByte(rest[:quote], '\\') >= 0 {
		return r.escaped()
	}
	r.at += quote + 1
	return rest[:quote], isPlain(rest[:quote])
}

// isPlain reports whether a text is written as it is.
func isPlain(text string) bool {
	ascii := true
	for i := range len(text) {
		if text[i] < ' ' {
			return false
		}
		ascii = ascii && text[i] < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(text) && !strings.ContainsAny(text, "\u2028\u2029")
}

// escaped reads the rest of a text that has escapes.
func (r *strict) escaped() (text string, ok bool) {
	var b strings.Builder
	for {
		rest := r.text[r.at:]
		n := strings.IndexAny(rest, `"\`)
		if n < 0 || !isPlain(rest[:n]) {
			return "", false
		}
		b.WriteString(rest[:n])
		r.at += n + 1
		if rest[n] == '"' {
			return b.String(), true
		}
		c, length := unescape(rest[n:])
		if length == 0 {
			return "", false
		}
		b.WriteRune(c)
		r.at += length - 1
	}
}

// short are the characters that have a short escape, and their letters there.
const short, letters = "\"\\\b\f\n\r\t", `"\bfnrt`

// unescape returns the character of the escape that a text begins with, and its
// length, which is 0 when it is not how that character is written.
func unescape(text string) (c rune, length int) {
	if len(text) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(letters, text[1]); i >= 0 {
		return rune(short[i]), 2
	}
	const long = len(`\u0000`)
	if len(text) < long || text[1] != 'u' {
		return 0, 0
	}
	n, err := strconv.ParseUint(text[2:long], 16, 16)
	c = rune(n)
	control := c < ' ' && strings.IndexByte(short, byte(c)) < 0
	if err != nil || !(control || c == '\u2028' || c == '\u2029') || text[2:long] != strings.ToLower(text[2:long]) {
		return 0, 0
	}
	return c, long
}

// other reads what encoding/json reads and writes.
func (r *strict) other(v reflect.Value) bool {
	r.next()
	decoder := json.NewDecoder(strings.NewReader(r.text[r.at:min(r.at+longestOther, len(r.text))]))
	if decoder.Decode(v.Addr().Interface()) != nil {
		return false
	}
	end := r.at + int(decoder.InputOffset())
	var read, written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if json.Compact(&read, []byte(r.text[r.at:end])) != nil || encoder.Encode(v.Interface()) != nil || read.String()+"\n" != written.String() {
		return false
	}
	r.at = end
	return true
}

// longestOther is how long a value may be that encoding/json reads.
const longestOther = 1 << 12
