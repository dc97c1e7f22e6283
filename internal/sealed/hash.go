package sealed

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// hashText returns what Digest does of the content of a text, which is written as
// Print does but for white space. A part of it, the digest that the text states,
// counts as an empty text.
func hashText(text string, stated span) string {
	h := &hasher{sum: sha256.New()}
	h.write(text[:stated.start])
	h.write(`""`)
	h.write(text[stated.end:])
	h.flush()
	return "sha256:" + hex.EncodeToString(h.sum.Sum(nil))
}

// hasher hashes JSON without its white space, escaped as json.Marshal does it.
type hasher struct {
	sum      hash.Hash
	out      []byte
	inString bool
	escaped  bool // the last byte was a backslash in a string
}

func (h *hasher) write(text string) {
	for i := range len(text) {
		b := text[i]
		switch {
		case isOrdinary[b]:
			h.escaped = false
		case b == '"':
			if !h.escaped {
				h.inString = !h.inString
			}
			h.escaped = false
		case b == '\\':
			h.escaped = !h.escaped
		case !h.inString:
			continue // white space
		case b != ' ':
			h.out = append(h.out, `\u00`...)
			h.out = append(h.out, hexadecimal[b>>4], hexadecimal[b&15])
			h.escaped = false
			continue
		default:
			h.escaped = false
		}
		if h.out = append(h.out, b); len(h.out) >= 1<<15 {
			h.flush()
		}
	}
}

const hexadecimal = "0123456789abcdef"

// isOrdinary marks the bytes that mean nothing to a hasher.
var isOrdinary = func() (is [256]bool) {
	for b := range is {
		is[b] = true
	}
	for _, b := range []byte("\"\\ \t\r\n<>&") {
		is[b] = false
	}
	return is
}()

func (h *hasher) flush() {
	h.sum.Write(h.out)
	h.out = h.out[:0]
}
