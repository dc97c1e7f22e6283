package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairn-db/cairn/schema"
)

// longestName is the length in bytes above which a name is cut: that of the
// longest that PostgreSQL knows.
const longestName = 63

// paths returns the name of the file of each object: a folder for its schema,
// one for its kind, and its name. A name that is not plain, or that several
// objects want, is followed by a hash of the identity. Case makes no
// difference, because it makes none on some file systems.
func paths(ids []schema.ID) map[schema.ID]string {
	wanted := map[string]int{}
	for _, id := range ids {
		if base, plain := path(id); plain {
			wanted[base]++
		}
	}
	for digits := 8; ; digits *= 2 {
		names, taken := map[schema.ID]string{}, map[string]bool{}
		for _, id := range ids {
			base, plain := path(id)
			if !plain || wanted[base] > 1 {
				base += hash(id.String(), digits)
			}
			names[id], taken[base] = base+".sql", true
		}
		if len(taken) == len(ids) {
			return names
		}
	}
}

// path returns the path of an object without hash and ending, and whether it
// says all of the name.
func path(id schema.ID) (path string, plain bool) {
	if id.Schema != "" {
		folder, same := clean(id.Schema)
		if !same {
			folder += hash(id.Schema, 8)
		}
		path = folder + "/"
	}
	path += id.Kind + "/"
	plain = true
	for i, name := range []string{id.Of, id.Name, id.Part, id.Role} {
		if name == "" && i != 1 {
			continue
		}
		text, same := clean(name)
		if !strings.HasSuffix(path, "/") {
			path += "."
		}
		path, plain = path+text, plain && same
	}
	return path, plain
}

// clean makes a part of a file name of any name, and reports whether it is the
// same: one of small letters, digits and underscores.
func clean(name string) (text string, same bool) {
	text = strings.Map(func(r rune) rune {
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '_'
	}, name)
	for len(text) > longestName {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	ascii := !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
	return text, ascii && text == name
}

// hash returns a dash and the first hexadecimal digits of the sha256 of a text.
func hash(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return "-" + hex.EncodeToString(sum[:])[:digits]
}
