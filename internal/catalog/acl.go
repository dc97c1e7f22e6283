package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/schema"
)

// OwnerRole stands in the identity of a grant for whoever owns the object.
const OwnerRole = "$owner"

// PublicRole stands in the identity of a grant for every role.
const PublicRole = "PUBLIC"

// privilegeWords names the letters of access control items, manual table 5.1.
var privilegeWords = map[byte]string{
	'r': "SELECT", 'a': "INSERT", 'w': "UPDATE", 'd': "DELETE", 'D': "TRUNCATE", 'x': "REFERENCES", 't': "TRIGGER",
	'm': "MAINTAIN", 'X': "EXECUTE", 'U': "USAGE", 'C': "CREATE", 'c': "CONNECT", 'T': "TEMPORARY", 's': "SET",
	'A': "ALTER SYSTEM",
}

// grants is what one role holds on one object.
type grants struct {
	role       string
	privileges []string // sorted words
	grantable  []string // those of them with grant option
	baseline   []string // what the role holds on a new object
}

func (g grants) attrs() []schema.Attr {
	return []schema.Attr{
		{Name: "privileges", Value: jsonList(g.privileges)},
		{Name: "grantable", Value: jsonList(g.grantable)},
		{Name: "baseline", Value: jsonList(g.baseline), Info: true},
	}
}

// parseACL returns what each role holds where that differs from what it holds
// on a new object. Both lists are json arrays of access control items, manual
// chapter 5.8. Who granted is left out: it is the owner, or somebody whose
// grant option the owner gave.
func parseACL(list, baseline, owner string) ([]grants, error) {
	have, err := parseItems(list, owner)
	if err != nil {
		return nil, err
	}
	first, err := parseItems(baseline, owner)
	if err != nil {
		return nil, err
	}
	var result []grants
	for role := range union(have, first) {
		g := grants{role: role}
		for p := range have[role] {
			g.privileges = append(g.privileges, p)
			if have[role][p] {
				g.grantable = append(g.grantable, p)
			}
		}
		for p := range first[role] {
			g.baseline = append(g.baseline, p)
		}
		slices.Sort(g.privileges)
		slices.Sort(g.grantable)
		slices.Sort(g.baseline)
		if slices.Equal(g.privileges, g.baseline) && len(g.grantable) == 0 {
			continue
		}
		result = append(result, g)
	}
	slices.SortFunc(result, func(a, b grants) int { return strings.Compare(a.role, b.role) })
	return result, nil
}

func union(a, b map[string]map[string]bool) map[string]bool {
	roles := map[string]bool{}
	for r := range a {
		roles[r] = true
	}
	for r := range b {
		roles[r] = true
	}
	return roles
}

// parseItems returns the privileges of each role, true where it may grant them.
func parseItems(list, owner string) (map[string]map[string]bool, error) {
	result := map[string]map[string]bool{}
	if list == "" {
		return result, nil
	}
	var items []string
	if err := json.Unmarshal([]byte(list), &items); err != nil {
		return nil, fmt.Errorf("reading a list of access control items: %w", err)
	}
	for _, item := range items {
		role, rest := cutRole(item)
		letters, _, ok := strings.Cut(strings.TrimPrefix(rest, "="), "/")
		if !ok {
			return nil, fmt.Errorf("unknown access control item %q", item)
		}
		switch role {
		case "":
			role = PublicRole
		case owner:
			role = OwnerRole
		}
		if result[role] == nil {
			result[role] = map[string]bool{}
		}
		for i := 0; i < len(letters); i++ {
			word, ok := privilegeWords[letters[i]]
			if !ok {
				return nil, fmt.Errorf("unknown privilege %q in the access control item %q", letters[i], item)
			}
			grantable := i+1 < len(letters) && letters[i+1] == '*'
			result[role][word] = result[role][word] || (grantable && role != OwnerRole)
			if grantable {
				i++
			}
		}
	}
	return result, nil
}

// cutRole splits an item after the role it starts with, which stands in double
// quotes when its name is not plain.
func cutRole(item string) (role, rest string) {
	if !strings.HasPrefix(item, `"`) {
		role, _, _ = strings.Cut(item, "=")
		return role, item[len(role):]
	}
	var b strings.Builder
	for i := 1; i < len(item); i++ {
		if item[i] != '"' {
			b.WriteByte(item[i])
			continue
		}
		if i+1 < len(item) && item[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), item[i+1:]
	}
	return b.String(), ""
}

func jsonList(words []string) string {
	if len(words) == 0 {
		return ""
	}
	text, err := json.Marshal(words)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(text)
}
