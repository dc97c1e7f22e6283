package cairn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/schema"
)

// options returns what is read and managed beside what always is.
func (s Selection) options() []kind.Option {
	var options []kind.Option
	if s.Roles {
		options = append(options, kind.Roles)
	}
	if s.Database {
		options = append(options, kind.Database)
	}
	return options
}

// flags are the options as the command line has them.
var flags = map[kind.Option]string{kind.Roles: "--roles", kind.Database: "--database-settings"}

// checkShadow refuses a shadow that shares its server, or its settings, with
// something else.
func (s Selection) checkShadow(where string) error {
	if where == "" || len(s.options()) == 0 {
		return nil
	}
	return hinted{fmt.Errorf("%s needs a local shadow: what it manages is not only in a scratch database", flags[s.options()[0]]),
		"leave out --shadow, or leave out " + flags[s.options()[0]]}
}

// checkHolds refuses a snapshot that does not hold what is asked for.
func (s Selection) checkHolds(name string, state *schema.State) error {
	for _, o := range s.options() {
		if !slices.Contains(state.Options, string(o)) {
			return hinted{fmt.Errorf("%s holds no %s", name, o), "take the snapshot with " + flags[o]}
		}
	}
	return nil
}

// checkEach refuses what cannot be planned for each schema by itself.
func (s Selection) checkEach() error {
	if len(s.options()) == 0 {
		return nil
	}
	return hinted{errors.New(flags[s.options()[0]] + " is not for a schema, and many are planned"),
		"plan it by itself: leave out the pattern, or leave out " + flags[s.options()[0]]}
}

// databaseName returns the name by which files say the database, "" when they
// are not for one that is known.
func databaseName(r reading) string {
	switch {
	case r.target != nil:
		return r.target.identity.Name
	case r.other != nil && r.other.Name != scope.Unnamed:
		return r.other.Name
	}
	return ""
}

// noInherit returns the roles of a state whose memberships do not inherit by
// themselves. A file that only mentions one means it as it is.
func (e *Engine) noInherit(s *schema.State) []string {
	var roles []string
	if s == nil {
		return nil
	}
	for id, o := range s.Objects {
		if e.kinds.Of(id).Role && o.Attr("inherit") == "f" {
			roles = append(roles, id.Name)
		}
	}
	return roles
}

// checkNamed refuses statements about a database that neither state names.
func (e *Engine) checkNamed(states ...*schema.State) error {
	for _, s := range states {
		if s.Name != scope.Unnamed {
			continue
		}
		for id, o := range s.Objects {
			if e.kinds.InDatabase(id, "") != id && !o.Builtin {
				return hinted{fmt.Errorf("%s belongs to a database whose name the files do not say", id.Describe()),
					"name it in the files: ALTER DATABASE name ..."}
			}
		}
	}
	return nil
}
