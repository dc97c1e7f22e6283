// Package schema holds the leaf types of Cairn: identities, objects, states,
// deltas and plans. It imports the standard library only, so that every other
// package, and every program that embeds Cairn, can speak in its terms.
package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ID names one object of a database. It is comparable and holds names as the
// catalog stores them, never quoted ones.
//
// A satellite (a comment, an owner, a grant) describes another object: its Of
// field holds that object's kind, and the naming fields are the subject's own.
type ID struct {
	Kind   string // key of the object's kind, "column"
	Of     string // kind of the object that a satellite describes, else ""
	Schema string // schema that holds the object, "" for objects outside schemas
	Name   string // name within the schema; for a part, the name of its owner
	Args   string // identity arguments of a routine, with parentheses
	Part   string // name of a part within its owner, "email"
	Role   string // role that a grant is given to, or that an object is for
}

// Subject returns the identity of the object that a satellite describes, and
// id itself for every other object.
func (id ID) Subject() ID {
	if id.Of == "" {
		return id
	}
	id.Kind, id.Of, id.Role = id.Of, "", ""
	return id
}

// IsSatellite reports whether id describes another object.
func (id ID) IsSatellite() bool { return id.Of != "" }

// Satellite returns the identity of the satellite of the given kind that
// describes id.
func (id ID) Satellite(kind string) ID {
	id.Of, id.Kind = id.Kind, kind
	return id
}

// QualifiedName returns the name of the object without its kind, in the form
// that people write: public.users.email. Names that hold a dot, a quote, a
// slash or a colon are double-quoted so that the text is unambiguous.
func (id ID) QualifiedName() string {
	var b strings.Builder
	if id.Schema != "" {
		b.WriteString(quotePart(id.Schema))
		b.WriteByte('.')
	}
	b.WriteString(quotePart(id.Name))
	b.WriteString(id.Args)
	if id.Part != "" {
		b.WriteByte('.')
		b.WriteString(quotePart(id.Part))
	}
	if id.Role != "" {
		b.WriteByte('/')
		b.WriteString(quotePart(id.Role))
	}
	return b.String()
}

// String returns the canonical text of the identity: the kinds, a colon each,
// and the qualified name, such as "column:public.users.email" or
// "comment:table:public.users".
func (id ID) String() string {
	if id.Of != "" {
		return id.Kind + ":" + id.Of + ":" + id.QualifiedName()
	}
	return id.Kind + ":" + id.QualifiedName()
}

// Describe returns the identity for a sentence: "column public.users.email",
// "comment on table public.users".
func (id ID) Describe() string {
	kind := strings.ReplaceAll(id.Kind, "_", " ")
	if id.Of != "" {
		return kind + " on " + strings.ReplaceAll(id.Of, "_", " ") + " " + id.QualifiedName()
	}
	return kind + " " + id.QualifiedName()
}

// Compare orders identities: by kind, then by each naming field.
func Compare(a, b ID) int { return compare(&a, &b) }

// CompareObjects orders objects by their identities.
func CompareObjects(a, b *Object) int { return compare(&a.ID, &b.ID) }

// compare spares those who sort copies of the identities.
func compare(a, b *ID) int {
	switch {
	case a.Kind != b.Kind:
		return strings.Compare(a.Kind, b.Kind)
	case a.Of != b.Of:
		return strings.Compare(a.Of, b.Of)
	case a.Schema != b.Schema:
		return strings.Compare(a.Schema, b.Schema)
	case a.Name != b.Name:
		return strings.Compare(a.Name, b.Name)
	case a.Args != b.Args:
		return strings.Compare(a.Args, b.Args)
	case a.Part != b.Part:
		return strings.Compare(a.Part, b.Part)
	}
	return strings.Compare(a.Role, b.Role)
}

// appendFields appends all fields to a text that is hashed.
func (id ID) appendFields(text []byte) []byte {
	for _, field := range [...]string{id.Kind, id.Of, id.Schema, id.Name, id.Args, id.Part, id.Role} {
		text = appendField(text, field)
	}
	return text
}

// MarshalJSON writes the identity as an array of its seven fields, without
// trailing empty ones.
func (id ID) MarshalJSON() ([]byte, error) {
	fields := []string{id.Kind, id.Of, id.Schema, id.Name, id.Args, id.Part, id.Role}
	for len(fields) > 1 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	return json.Marshal(fields)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (id *ID) UnmarshalJSON(data []byte) error {
	var fields []string
	if err := json.Unmarshal(data, &fields); err != nil {
		return fmt.Errorf("reading an identity: %w", err)
	}
	targets := []*string{&id.Kind, &id.Of, &id.Schema, &id.Name, &id.Args, &id.Part, &id.Role}
	if len(fields) > len(targets) {
		return fmt.Errorf("reading an identity: %d fields, at most %d are known", len(fields), len(targets))
	}
	*id = ID{}
	for i, f := range fields {
		*targets[i] = f
	}
	return nil
}

func quotePart(name string) string {
	if name != "" && !strings.ContainsAny(name, ".\"/:()\n ") {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// cutKinds splits the text of an ID into its kinds and its qualified name.
func cutKinds(text string) (kind, name string, ok bool) {
	kind, name, ok = strings.Cut(text, ":")
	if of, rest, more := strings.Cut(name, ":"); more && !strings.ContainsAny(of, `."(/ `) {
		return kind + ":" + of, rest, ok
	}
	return kind, name, ok
}
