package load

import "strings"

// Name is a name of an object of the schema, as a statement writes it.
type Name struct {
	Schema string // "" where the statement does not say
	Name   string
}

// Mentions calls yield with each name that can be meant anywhere in a statement:
// every run of the characters of identifiers, in strings, bodies and comments too,
// as it is written, in lower case, and without the underscores that an array type
// puts before the name of its element. What stands before a name with a dot is
// taken for its schema. Names with other characters are not found.
func Mentions(sql string, yield func(Name)) {
	before := "" // the run that a dot ties to the next one
	for i := 0; i < len(sql); {
		if !isWordByte(sql[i]) {
			i++
			continue
		}
		start := i
		for i < len(sql) && isWordByte(sql[i]) {
			i++
		}
		word := sql[start:i]
		tell(before, word, yield)
		if before = ""; tied(sql[i:]) {
			before = word
		}
	}
}

// tied reports whether a dot and another name follow, both perhaps in quotes.
func tied(rest string) bool {
	rest = strings.TrimPrefix(rest, `"`)
	rest, dot := strings.CutPrefix(rest, ".")
	rest = strings.TrimPrefix(rest, `"`)
	return dot && rest != "" && isWordByte(rest[0])
}

// tell yields a name in all the forms that it can stand for.
func tell(before, word string, yield func(Name)) {
	lower := strings.ToLower(word)
	for _, schema := range forms(before, strings.ToLower(before)) {
		for _, name := range forms(word, lower) {
			yield(Name{schema, name})
			if element := strings.TrimLeft(name, "_"); element != name && element != "" {
				yield(Name{schema, element})
			}
		}
	}
}

func forms(written, lower string) []string {
	if written == lower {
		return []string{lower}
	}
	return []string{written, lower}
}

// isWordByte reports whether a byte can stand in an identifier without quotes.
func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// longest is the length up to which PostgreSQL cuts no name.
const longest = 62

// IsWord reports whether Mentions finds a name wherever it is meant: it has no
// other characters, none whose lower case the encoding decides, and is not cut.
func IsWord(name string) bool {
	for i := range len(name) {
		if !isWordByte(name[i]) || name[i] >= 0x80 {
			return false
		}
	}
	return name != "" && len(name) <= longest
}
