package scope

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// Options returns what has to be read for the scope beside what always is.
func Options(scope schema.Scope) []kind.Option {
	var options []kind.Option
	for _, o := range scope.Options {
		options = append(options, kind.Option(o))
	}
	return options
}

// Unnamed is the name of a database that files describe and do not name.
const Unnamed = "$database"

// Plain returns the state without what is read only when it is asked for, and
// that.
func Plain(kinds *kind.Set, s *schema.State) (plain *schema.State, asked map[schema.ID]*schema.Object) {
	less := *s
	if len(s.Options) == 0 {
		return &less, nil
	}
	less.Objects, asked = map[schema.ID]*schema.Object{}, map[schema.ID]*schema.Object{}
	for id, o := range s.Objects {
		if kinds.Option(id) == "" {
			less.Objects[id] = o
		} else {
			asked[id] = o
		}
	}
	return &less, asked
}

// Call gives the database of a state another name.
func Call(kinds *kind.Set, s *schema.State, name string) {
	if s.Name == name || s.Name == "" {
		return
	}
	s.Name = name
	for id, o := range s.Objects {
		moved := kinds.InDatabase(id, name)
		if moved == id {
			continue
		}
		delete(s.Objects, id)
		other := *o
		other.ID, other.Parent = moved, kinds.InDatabase(o.Parent, name)
		s.Objects[moved] = &other
	}
}

// Mentioned takes roles out of the state of files that only mention them. What
// the files say of such a role stays, as something that stands by itself.
func Mentioned(kinds *kind.Set, s *schema.State, roles []string) {
	for _, role := range roles {
		delete(s.Objects, kinds.Role(role))
	}
}

// state decides which objects of the whole server are managed: those that the
// desired state has, and those that a decision drops. Their parts are managed
// with them.
func state(kinds *kind.Set, drops []string, old, new *schema.State) (stated []string, findings []schema.Finding) {
	findings = dropReserved(kinds, old, new)
	for id, o := range new.Objects {
		if kinds.Option(id) == kind.Roles && (o.Parent == (schema.ID{}) || new.Objects[o.Parent] == nil) {
			stated = append(stated, id.String())
		}
	}
	var left []string
	for id := range old.Objects {
		if kinds.Option(id) != kind.Roles || new.Objects[id] != nil {
			continue
		}
		if slices.Contains(drops, id.String()) {
			stated = append(stated, id.String())
		} else if kinds.Of(id).Role {
			left = append(left, id.Name)
		}
	}
	slices.Sort(stated)
	slices.Sort(left)
	if len(left) > 0 {
		findings = append(findings, schema.Finding{Code: "roles-left-alone",
			Message: "roles that the desired state does not create are left alone: " + shorten(left),
			Hint:    fmt.Sprintf("to drop one, add %q below drops in cairn.decisions.yaml", kinds.Role(left[0]).String())})
	}
	return stated, findings
}

// dropReserved takes out of the desired state the roles that the server of the
// old one has and that nobody manages, such as the one that initdb made.
func dropReserved(kinds *kind.Set, old, new *schema.State) []schema.Finding {
	if old.Unowned != "" {
		return nil
	}
	var findings []schema.Finding
	for _, name := range old.Roles {
		id := kinds.Role(name)
		if new.Objects[id] == nil || old.Objects[id] != nil {
			continue
		}
		delete(new.Objects, id)
		for part, o := range new.Objects {
			if o.Parent == id {
				delete(new.Objects, part)
			}
		}
		findings = append(findings, schema.Finding{Code: "role-reserved", Object: id.String(),
			Message: fmt.Sprintf("role %q belongs to the server itself and is not managed", name)})
	}
	return findings
}

func shorten(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// callAlike gives the databases of both states one name: that of a database
// that exists, else one that files say.
func callAlike(kinds *kind.Set, old, new *schema.State) {
	if old.Unowned != "" && (new.Unowned == "" || old.Name == Unnamed) && new.Name != "" {
		Call(kinds, old, new.Name)
	} else {
		Call(kinds, new, old.Name)
	}
}

// isStated reports whether the object, or what it is a part of, is managed
// although it belongs to the whole server.
func isStated(scope schema.Scope, id schema.ID, o *schema.Object) bool {
	return contains(scope.Stated, id) || o.Parent != (schema.ID{}) && contains(scope.Stated, o.Parent)
}

// contains looks into a sorted list of identities.
func contains(list []string, id schema.ID) bool {
	_, found := slices.BinarySearch(list, id.String())
	return found
}

// free lets the parts of what is left alone stand by themselves.
func free(kinds *kind.Set, scope schema.Scope, s *schema.State) {
	for id, o := range s.Objects {
		if kinds.Option(id) == kind.Roles && o.Parent != (schema.ID{}) && !contains(scope.Stated, o.Parent) {
			alone := *o
			alone.Parent = schema.ID{}
			s.Objects[id] = &alone
		}
	}
}
