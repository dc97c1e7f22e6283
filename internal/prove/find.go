package prove

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// Find returns the identities of that text that one of the states has. It looks
// at no other object of theirs.
func Find(text string, states ...*schema.State) []schema.ID {
	var found []schema.ID
	for _, id := range identities(text) {
		has := func(s *schema.State) bool { return s.Object(id) != nil }
		if slices.ContainsFunc(states, has) && id.String() == text {
			found = append(found, id)
		}
	}
	return found
}

// Differing visits what is not the same at the end of a plan as in its old state, as
// the plan says. It returns false when not all of that is known: the plan does not say
// it, or it is from and to other states.
func Differing(p *schema.Plan, old, new *schema.State, visit func(schema.ID)) bool {
	for _, pin := range p.Outcome {
		found := Find(pin.Object, old, new)
		if len(found) == 0 {
			return false
		}
		for _, id := range found {
			visit(id)
		}
	}
	return p.Outcome != nil
}

// identities returns those that a text can stand for. Which of its names are those
// of a schema, an object and a part is known by the kind.
func identities(text string) []schema.ID {
	var id schema.ID
	var more bool
	if id.Kind, text, more = strings.Cut(text, ":"); !more {
		return nil
	}
	if of, rest, more := strings.Cut(text, ":"); more && !strings.ContainsAny(of, ends+`"( `) {
		id.Of, text = of, rest
	}
	var names []string
	before := -1 // the name that the arguments follow
	for name := ""; ; {
		name, text = cutName(text)
		names = append(names, name)
		if strings.HasPrefix(text, "(") && before < 0 {
			before = len(names) - 1
			id.Args, text = cutArgs(text)
		}
		if !strings.HasPrefix(text, ".") {
			break
		}
		text = text[1:]
	}
	if strings.HasPrefix(text, "/") {
		id.Role, text = cutName(text[1:])
	}
	if text != "" {
		return nil
	}
	return arrange(id, names, before)
}

// arrange puts names into the fields of an identity that they can have.
func arrange(id schema.ID, names []string, before int) []schema.ID {
	var list []schema.ID
	add := func(name int, schema, part string) {
		if before < 0 || before == name {
			id.Schema, id.Name, id.Part = schema, names[name], part
			list = append(list, id)
		}
	}
	switch len(names) {
	case 1:
		add(0, "", "")
	case 2:
		add(1, names[0], "")
		add(0, "", names[1])
	case 3:
		add(1, names[0], names[2])
	}
	return list
}

// ends are what a name ends before.
const ends = "./("

// cutName cuts a text after the name that it begins with, which it unquotes.
func cutName(text string) (name, rest string) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ends)
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:]
	}
	end := quoted(text)
	return strings.ReplaceAll(strings.TrimSuffix(text[1:end], `"`), `""`, `"`), text[end:]
}

// cutArgs cuts a text after the arguments that it begins with.
func cutArgs(text string) (args, rest string) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += quoted(text[i:]) - 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return text[:i+1], text[i+1:]
			}
		}
	}
	return text, ""
}

// quoted returns the length of the quoted name that a text begins with.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		if i+1 == len(text) || text[i+1] != '"' {
			return i + 1
		}
		i++
	}
	return len(text)
}
