// Package scope says which objects of a state are managed. It names no kind of
// object; which kinds are owners and grants is asked of the kinds.
package scope

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// Rules is what the user said is managed.
type Rules struct {
	Schemas    []string
	Ignore     []string // KIND:NAME, each with * and ?
	Owners     string   // auto, all or none
	Privileges string
	Options    []kind.Option // what is managed beside what always is
	Drops      []string      // texts of identities that are dropped by decision
}

// Apply removes from both states what is not managed and returns the scope that
// was decided, and findings that name what was left alone.
func Apply(kinds *kind.Set, rules Rules, old, new *schema.State) (schema.Scope, []schema.Finding, error) {
	scope := schema.Scope{
		Schemas: rules.Schemas, Ignore: rules.Ignore,
		Owners:     decide(rules.Owners, kinds, kind.FromOwner, new),
		Privileges: decide(rules.Privileges, kinds, kind.FromACL, new),
	}
	var findings []schema.Finding
	for _, o := range rules.Options {
		scope.Options = append(scope.Options, string(o))
	}
	slices.Sort(scope.Options)
	callAlike(kinds, old, new)
	if slices.Contains(rules.Options, kind.Roles) {
		scope.Stated, findings = state(kinds, rules.Drops, old, new)
	}
	for _, left := range []struct {
		managed bool
		mode    string
		source  kind.Satellite
		word    string
	}{{scope.Owners, rules.Owners, kind.FromOwner, "owners"}, {scope.Privileges, rules.Privileges, kind.FromACL, "privileges"}} {
		if left.managed || left.mode == "none" {
			continue
		}
		if n := leftAlone(kinds, left.source, old); n > 0 {
			findings = append(findings, schema.Finding{Code: left.word + "-unmanaged",
				Message: fmt.Sprintf("%s of the database left alone (%d), because the desired state states none", left.word, n),
				Hint:    "use --" + left.word + " all to manage them"})
		}
	}
	if err := Limit(kinds, scope, old); err != nil {
		return scope, nil, err
	}
	if err := Limit(kinds, scope, new); err != nil {
		return scope, nil, err
	}
	if scope.Owners {
		keepOwners(kinds, old, new)
	}
	nameCreator(old, new)
	nameCreator(new, old)
	hide(old, new.Hidden)
	hide(new, old.Hidden)
	return scope, append(findings, hidden(old, new)...), nil
}

// keepOwners fills in the owners that the desired state leaves open: an object
// keeps the owner it has, and a new one belongs to whoever creates it. One that
// initdb made and that has its owner from there has none in either state.
// Where the old state leaves an owner open, because it comes from files too,
// it has the new one.
func keepOwners(kinds *kind.Set, old, new *schema.State) {
	for id, o := range old.Objects {
		if kinds.Of(id).Satellite != kind.FromOwner || o.Attrs[0].Value != "" {
			continue
		}
		delete(old.Objects, id)
		if had := new.Objects[id]; had != nil && had.Attrs[0].Value != "" {
			old.Objects[id] = had
		} else {
			delete(new.Objects, id)
		}
	}
	for id, o := range new.Objects {
		if kinds.Of(id).Satellite != kind.FromOwner || o.Attrs[0].Value != "" {
			continue
		}
		role := old.Default
		if had := old.Objects[id]; had != nil {
			role = had.Attrs[0].Value
		} else if new.Objects[id.Subject()].Builtin {
			delete(new.Objects, id)
			continue
		}
		filled := *o
		filled.Attrs = []schema.Attr{{Name: o.Attrs[0].Name, Value: role}}
		new.Objects[id] = &filled
	}
}

// nameCreator puts the role that reads the other state, a database's, in the
// place of the one that files leave open. An object for a role that they name
// besides says more.
func nameCreator(s, other *schema.State) {
	if s.Unowned == "" || other.Unowned != "" || other.Default == "" {
		return
	}
	for id, o := range s.Objects {
		if id.Role != kind.Creator {
			continue
		}
		delete(s.Objects, id)
		named := *o
		named.ID.Role = other.Default
		if s.Objects[named.ID] == nil {
			s.Objects[named.ID] = &named
		}
	}
}

// hidden names what a reader may not see of objects that exist.
func hidden(states ...*schema.State) []schema.Finding {
	unseen := map[string][]string{}
	for _, s := range states {
		if len(s.Hidden) == 0 {
			continue
		}
		for id := range s.Objects {
			if names := s.Hidden[id.Kind]; len(names) > 0 {
				unseen[id.Kind] = names
			}
		}
	}
	var findings []schema.Finding
	for _, kind := range slices.Sorted(maps.Keys(unseen)) {
		findings = append(findings, schema.Finding{Code: "hidden",
			Message: fmt.Sprintf("the role that reads may not see of %s: %s; these are not compared", kind, strings.Join(unseen[kind], ", "))})
	}
	return findings
}

// hide keeps from being compared what the reader of the other state may not see.
func hide(s *schema.State, hidden map[string][]string) {
	if len(hidden) == 0 {
		return
	}
	for id, o := range s.Objects {
		names := hidden[id.Kind]
		if len(names) == 0 {
			continue
		}
		less := *o
		less.Attrs = slices.Clone(o.Attrs)
		for i, a := range less.Attrs {
			less.Attrs[i].Info = a.Info || slices.Contains(names, a.Name)
		}
		s.Objects[id] = &less
	}
}

// Limit removes from a state what the scope leaves out.
func Limit(kinds *kind.Set, scope schema.Scope, s *schema.State) error {
	before, shared := len(s.Objects), false
	for id, o := range s.Objects {
		ignored, err := matches(scope.Ignore, id)
		if err != nil {
			return err
		}
		k, option := kinds.Of(id), kinds.Option(id)
		shared = shared || option == kind.Roles
		switch {
		case option != "" && !slices.Contains(scope.Options, string(option)):
			delete(s.Objects, id)
		case option == kind.Roles && !isStated(scope, id, o):
			s.Outside[id] = o
			delete(s.Objects, id)
		case belongs(k, kind.FromOwner) && !scope.Owners, belongs(k, kind.FromACL) && !scope.Privileges:
			delete(s.Objects, id)
		case ignored, option == "" && !inSchemas(scope.Schemas, id):
			s.Outside[id] = o
			delete(s.Objects, id)
		}
	}
	if shared {
		free(kinds, scope, s)
	}
	// What is part of an object that is left out goes with it.
	for again := len(s.Objects) < before; again; {
		again = false
		for id, o := range s.Objects {
			if o.Parent != (schema.ID{}) && s.Objects[o.Parent] == nil && !kinds.Of(id).Early {
				delete(s.Objects, id)
				again = true
			}
		}
	}
	return nil
}

// Rest returns what the scope leaves out, without what needs something that it
// takes in; nil when it leaves out nothing.
func Rest(kinds *kind.Set, scope schema.Scope, s *schema.State) (*schema.State, error) {
	scope.Owners, scope.Privileges = true, true
	within := *s
	within.Objects = maps.Clone(s.Objects)
	if err := Limit(kinds, scope, &within); err != nil {
		return nil, err
	}
	if len(within.Objects) == len(s.Objects) {
		return nil, nil
	}
	rest := *s
	rest.Objects = map[schema.ID]*schema.Object{}
	for id, o := range s.Objects {
		if within.Objects[id] == nil || o.Builtin {
			rest.Objects[id] = o
		}
	}
	for again := true; again; {
		again = false
		for id, o := range rest.Objects {
			gone := func(need schema.ID) bool { return s.Objects[need] != nil && rest.Objects[need] == nil }
			if gone(o.Parent) || slices.ContainsFunc(o.Needs, gone) {
				delete(rest.Objects, id)
				again = true
			}
		}
	}
	return &rest, nil
}

func decide(mode string, kinds *kind.Set, source kind.Satellite, desired *schema.State) bool {
	switch mode {
	case "all":
		return true
	case "none":
		return false
	}
	for id, o := range desired.Objects {
		if belongs(kinds.Of(id), source) && (source != kind.FromOwner || o.Attrs[0].Value != "") { // somebody stated it
			return true
		}
	}
	return false
}

// belongs reports whether objects of the kind are managed with satellites from
// the source.
func belongs(k *kind.Kind, source kind.Satellite) bool {
	return k.Satellite == source || k.Privilege && source == kind.FromACL
}

// leftAlone counts the grants of a state, or the owners other than the role
// that the plan will run as.
func leftAlone(kinds *kind.Set, source kind.Satellite, s *schema.State) int {
	n := 0
	for id, o := range s.Objects {
		if belongs(kinds.Of(id), source) && (source != kind.FromOwner || o.Attrs[0].Value != s.Default) {
			n++
		}
	}
	return n
}

// journal is the schema that Cairn keeps its own records in.
const journal = "cairn"

// inSchemas reports whether the object lies in one of the schemas, or is one.
// Cairn's own schema is never managed, nor what has its name outside schemas.
func inSchemas(schemas []string, id schema.ID) bool {
	place := id.Schema // a satellite has the names of its subject
	if place == "" {
		place = id.Name
	}
	return place != journal && (len(schemas) == 0 || slices.Contains(schemas, place))
}

// matches reports whether a pattern covers the object, its subject or, for a
// part, the object that it is a part of. The role that an object is for need
// not be said.
func matches(patterns []string, id schema.ID) (bool, error) {
	if len(patterns) == 0 {
		return false, nil
	}
	subject := id.Subject()
	all := subject
	all.Role = ""
	whole := all
	whole.Part = ""
	for _, p := range patterns {
		kinds, name, ok := strings.Cut(p, ":")
		if !ok {
			return false, fmt.Errorf("the ignore pattern %q is not of the form KIND:NAME", p)
		}
		for _, candidate := range []schema.ID{subject, all, whole} {
			k, err := path.Match(kinds, candidate.Kind)
			if err != nil {
				return false, fmt.Errorf("reading the ignore pattern %q: %w", p, err)
			}
			n, err := path.Match(name, candidate.QualifiedName())
			if err != nil {
				return false, fmt.Errorf("reading the ignore pattern %q: %w", p, err)
			}
			if k && n {
				return true, nil
			}
		}
	}
	return false, nil
}
