// Package rename finds objects that only have another name: those that files or
// decisions declare, those that follow from a declared one, and those that look
// like it. It guesses nothing, and names no kind of object.
package rename

import (
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/load"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// Pair is an object under its old and its new identity. They differ in one name.
type Pair struct {
	From, To schema.ID
}

// Field is what a change of a plan calls the name that a rename changes. No
// attribute is called so.
const Field = "name"

// Name returns the last name of the identity, which a rename changes.
func Name(id schema.ID) string {
	if id.Part != "" {
		return id.Part
	}
	return id.Name
}

// WithName returns the identity with another last name.
func WithName(id schema.ID, name string) schema.ID {
	if id.Part != "" {
		id.Part = name
	} else {
		id.Name = name
	}
	return id
}

// Declared returns the pairs that the directives of files declare and that are
// still to be made: the old name exists on one side only, the new one on the
// other.
func Declared(kinds *kind.Set, old, new *schema.State, directives []load.Rename) []Pair {
	var pairs []Pair
	for _, d := range directives {
		for _, to := range added(old, new) {
			if !definedBy(kinds, to, d) {
				continue
			}
			from := WithName(to, d.From)
			if old.Objects[from] != nil && new.Objects[from] == nil {
				pairs = append(pairs, Pair{from, to})
			}
		}
	}
	return sorted(pairs)
}

// Decided returns the pairs of a list of decisions, each an old and a new
// identity as text, that are still to be made. The old identity is that of the
// first state, before anything was renamed.
func Decided(first, old, new *schema.State, decisions map[string]string) []Pair {
	if len(decisions) == 0 {
		return nil
	}
	former := map[string]string{} // the old name by the new identity
	for id := range first.Objects {
		if to, ok := decisions[id.String()]; ok {
			former[to] = Name(id)
		}
	}
	var pairs []Pair
	for _, to := range added(old, new) {
		if name, ok := former[to.String()]; ok {
			if from := WithName(to, name); old.Objects[from] != nil && new.Objects[from] == nil {
				pairs = append(pairs, Pair{from, to})
			}
		}
	}
	return sorted(pairs)
}

// added returns the identities, sorted, that only the second state has. Satellites are
// none of them: they follow what they describe.
func added(old, new *schema.State) []schema.ID {
	var ids []schema.ID
	for id := range new.Objects {
		if old.Objects[id] == nil && !id.IsSatellite() {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, schema.Compare)
	return ids
}

// sorted orders pairs so that what holds others is renamed before them.
func sorted(pairs []Pair) []Pair {
	depth := func(p Pair) int {
		switch {
		case p.To.Part != "":
			return 2
		case p.To.Schema != "":
			return 1
		}
		return 0
	}
	slices.SortFunc(pairs, func(a, b Pair) int {
		if d := depth(a) - depth(b); d != 0 {
			return d
		}
		return schema.Compare(a.To, b.To)
	})
	return slices.Compact(pairs)
}

// definedBy reports whether the statement of the directive defines the object.
func definedBy(kinds *kind.Set, id schema.ID, d load.Rename) bool {
	if d.Part != "" {
		return id.Part == d.Part && kinds.Of(id).Rename != nil && slices.ContainsFunc(names(d.Tokens), func(n []string) bool { return matches(n, id.Schema, id.Name) })
	}
	k := kinds.Of(id)
	if k.Rename == nil {
		return false
	}
	at := find(d.Tokens, strings.Fields(k.SQL))
	if at < 0 {
		return false
	}
	own := names(d.Tokens[at:])
	if len(own) == 0 {
		return false
	}
	if id.Part == "" {
		return matches(own[0], id.Schema, id.Name)
	}
	return len(own[0]) == 1 && own[0][0] == id.Part &&
		slices.ContainsFunc(own[1:], func(n []string) bool { return matches(n, id.Schema, id.Name) })
}

// find returns the place behind the first occurrence of the keywords.
func find(tokens []pg.Token, words []string) int {
	for i := range tokens {
		if i+len(words) > len(tokens) {
			break
		}
		matched := 0
		for matched < len(words) && tokens[i+matched].Is(words[matched]) {
			matched++
		}
		if matched == len(words) {
			return i + matched
		}
	}
	return -1
}

// names returns what can be names in the first tokens of a statement, up to a
// parenthesis: each a name, or a schema and a name.
func names(tokens []pg.Token) [][]string {
	var list [][]string
	for i := 0; i < len(tokens) && tokens[i].Text != "("; i++ {
		if !tokens[i].Name || slices.ContainsFunc([]string{"IF", "NOT", "EXISTS", "CONCURRENTLY", "ONLY"}, tokens[i].Is) {
			continue
		}
		if i+2 < len(tokens) && tokens[i+1].Text == "." && tokens[i+2].Name {
			list = append(list, []string{tokens[i].Ident(), tokens[i+2].Ident()})
			i += 2
			continue
		}
		list = append(list, []string{tokens[i].Ident()})
	}
	return list
}

// matches reports whether a written name can be that of an object.
func matches(written []string, schema, name string) bool {
	if len(written) == 2 {
		return written[0] == schema && written[1] == name
	}
	return written[0] == name
}
