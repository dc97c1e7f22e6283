package partial

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/load"
)

// Choice is what is run to learn what a change of a script makes of its state.
type Choice struct {
	old, new  []*load.Piece // all statements; of the old ones those that are gone
	was       []int         // for each old statement its place in new, -1 where it is gone
	common    []bool        // by place in new: it is in both scripts
	lower     []string      // by place in new, the text in lower case; "" where nobody asked yet
	index     map[string][]definer
	exact     map[load.Name]bool // targets with their schema
	seeds     map[load.Name]bool // names of which every mention counts, and whether they are deep
	gone      map[load.Name]bool // targets of changed statements that are deep
	chosen    []bool             // by place in new
	count     int
	most      int
	following []int
}

// definer is a statement that makes or changes what has a name.
type definer struct {
	schema string
	at     int
	apart  bool
}

// errMuch says that too much would have to be run.
var errMuch = errors.New("too much depends on the change")

// Choose returns what to run for a script that follows one of which there is a
// record, when that is at most so many statements.
func Choose(r Record, pieces []*load.Piece, most int) (*Choice, error) {
	c := &Choice{new: pieces, lower: make([]string, len(pieces)), index: map[string][]definer{}, exact: map[load.Name]bool{},
		seeds: map[load.Name]bool{}, gone: map[load.Name]bool{}, chosen: make([]bool, len(pieces)), most: most}
	gone, added, err := c.compare(r)
	if err != nil {
		return nil, err
	}
	if len(gone)+len(added) > most {
		return nil, errMuch
	}
	for i, p := range pieces {
		if err := c.define(i, p.Effect()); err != nil {
			return nil, err
		}
	}
	for _, p := range gone {
		for _, t := range p.Effect().Targets {
			c.exact[t] = true
		}
	}
	for _, at := range added {
		gone = append(gone, pieces[at])
		if err := c.choose(at); err != nil {
			return nil, err
		}
	}
	for _, at := range c.following {
		if err := c.choose(at); err != nil {
			return nil, err
		}
	}
	for _, p := range gone {
		if err := c.touch(p); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// compare finds the statements that only one of the scripts has. The others have
// to be in the same order.
func (c *Choice) compare(r Record) (gone []*load.Piece, added []int, err error) {
	before := hashes(r.Pieces, func(k Kept) [32]byte { return k.Hash })
	now := hashes(c.new, func(p *load.Piece) [32]byte { return p.Hash })
	place := make(map[[32]byte]int, len(now))
	for i, h := range now {
		place[h] = i
	}
	c.old, c.was, c.common = make([]*load.Piece, len(before)), make([]int, len(before)), make([]bool, len(now))
	last := -1
	for i, h := range before {
		at, both := place[h]
		switch {
		case !both && r.Pieces[i].Piece == nil:
			return nil, nil, errors.New("a statement is gone that acts beyond what it names")
		case !both:
			c.was[i], c.old[i] = -1, r.Pieces[i].Piece
			gone = append(gone, c.old[i])
			continue
		case at < last:
			return nil, nil, errors.New("statements are in another order")
		}
		c.was[i], c.common[at], last = at, true, at
	}
	for i, p := range c.new {
		if c.common[i] {
			continue
		}
		if p.Effect().Reach != load.Named {
			return nil, nil, fmt.Errorf("a statement is new that acts beyond what it names: %s", start(p.SQL))
		}
		added = append(added, i)
	}
	return gone, added, nil
}

// start is the beginning of a statement, for people. What follows can be a secret.
func start(sql string) string {
	words := strings.Fields(sql)
	return strings.Join(words[:min(len(words), 2)], " ")
}

// define notes what a statement makes.
func (c *Choice) define(at int, f load.Effect) error {
	switch f.Reach {
	case load.Unknown:
		return fmt.Errorf("nobody can tell what a statement acts on: %s", start(c.new[at].SQL))
	case load.Following:
		c.following = append(c.following, at)
	}
	for i, t := range f.Targets {
		c.index[t.Name] = append(c.index[t.Name], definer{t.Schema, at, f.Apart && i >= f.Own})
		c.exact[t] = true
	}
	return nil
}

// choose has a statement run, with what makes the things that it names.
func (c *Choice) choose(at int) error {
	todo := []int{at}
	for len(todo) > 0 {
		at, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if c.chosen[at] {
			continue
		}
		c.chosen[at] = true
		if c.count++; c.count > c.most {
			return errMuch
		}
		todo = append(todo, c.needs(c.new[at])...)
		todo = append(todo, c.siblings(c.new[at].Effect())...)
	}
	return nil
}

// siblings returns the statements that change the part that a statement adds.
func (c *Choice) siblings(f load.Effect) []int {
	if f.Part == "" {
		return nil
	}
	var list []int
	for _, t := range f.Targets {
		for _, d := range c.index[t.Name] {
			if d.apart && (t.Schema == "" || d.schema == "" || t.Schema == d.schema) && writes(c.new[d.at], f.Part) {
				list = append(list, d.at)
			}
		}
	}
	return list
}

// needs returns the statements that make what a statement names, as far as it
// matters to it.
func (c *Choice) needs(p *load.Piece) []int {
	var list []int
	ties, f := p.Ties(), p.Effect()
	given := f.Part
	if f.Own > 0 {
		given = f.Targets[0].Name
	}
	p.Mentions(func(n load.Name) {
		if given != "" && n == (load.Name{Name: given}) {
			given = "" // here it gets the name
			return
		}
		qualified := c.exact[n]
		for _, d := range c.index[n.Name] {
			if (!d.apart || ties) && !c.chosen[d.at] && (!qualified || d.schema == "" || d.schema == n.Schema) {
				list = append(list, d.at)
			}
		}
	})
	return list
}

// touch follows a statement that is not as it was: what it names as its own, and
// everybody who names that, is run.
func (c *Choice) touch(p *load.Piece) error {
	for _, at := range c.needs(p) { // of one that is gone, too
		if err := c.choose(at); err != nil {
			return err
		}
	}
	names := slices.Clone(p.Effect().Targets)
	if p.Effect().Deep {
		for _, t := range names {
			c.gone[t] = true
		}
	}
	if p.Ties() {
		p.Mentions(func(n load.Name) {
			if c.index[n.Name] != nil {
				names = append(names, c.named(n))
			}
		})
	}
	return c.Spread(names)
}

// named is a name as it was meant: what stands before it can be no schema.
func (c *Choice) named(n load.Name) load.Name {
	if !c.exact[n] {
		n.Schema = ""
	}
	return n
}

// Spread has everybody run who mentions one of the names. Tables that share what is
// defined for others do for what is defined for them. So does, at any depth, what
// means something else than it did although it looks the same.
func (c *Choice) Spread(names []load.Name) error {
	var todo []seed
	for _, name := range names {
		todo = append(todo, seed{name, c.isDeep(name)})
	}
	for len(todo) > 0 {
		var s seed
		s, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if deep, known := c.seeds[s.Name]; known && (deep || !s.deep) {
			continue
		}
		if !load.IsWord(s.Name.Name) {
			return fmt.Errorf("%s can be mentioned in many ways", s.Name.Name)
		}
		c.seeds[s.Name] = s.deep
		for at, p := range c.new {
			if !c.mentions(at, s.Name) {
				continue
			}
			if err := c.choose(at); err != nil {
				return err
			}
			f := p.Effect()
			if f.Reach == load.Following && f.Deep {
				return fmt.Errorf("what depends on the change acts beyond what it names: %s", start(p.SQL))
			}
			if deep := !f.Apart && (s.deep || f.Deep || p.IsTable() && c.means(p, s.Name)); deep || p.Ties() {
				for _, t := range f.Targets {
					todo = append(todo, seed{t, deep})
				}
			}
		}
	}
	return nil
}

// seed is a name of which every mention counts.
type seed struct {
	load.Name
	deep bool // and every mention of what mentions it
}

// isDeep reports whether what uses a name can mean something else without a change
// of its own.
func (c *Choice) isDeep(name load.Name) bool {
	if c.gone[name] {
		return true
	}
	for _, d := range c.index[name.Name] {
		if c.new[d.at].Effect().Deep && (name.Schema == "" || d.schema == "" || d.schema == name.Schema) {
			return true
		}
	}
	return false
}

// means reports whether a table uses another name than its own for more than a
// foreign key.
func (c *Choice) means(p *load.Piece, name load.Name) bool {
	if slices.ContainsFunc(p.Effect().Targets, func(t load.Name) bool { return t.Name == name.Name }) {
		return false
	}
	found := false
	load.Mentions(p.Unreferring(), func(n load.Name) { found = found || n.Name == name.Name })
	return found
}

// mentions reports whether a statement can mean what has that name.
func (c *Choice) mentions(at int, name load.Name) bool {
	if c.lower[at] == "" {
		c.lower[at] = strings.ToLower(c.new[at].SQL)
	}
	if !strings.Contains(c.lower[at], strings.ToLower(name.Name)) {
		return false
	}
	found := false
	c.new[at].Mentions(func(n load.Name) {
		if n.Name == name.Name {
			n = c.named(n)
			found = found || name.Schema == "" || n.Schema == "" || n.Schema == name.Schema
		}
	})
	return found
}

// Old returns the statements to run as they were, in their order.
func (c *Choice) Old() []*load.Piece {
	var list []*load.Piece
	for i, at := range c.was {
		switch {
		case at < 0:
			list = append(list, c.old[i])
		case c.chosen[at]:
			list = append(list, c.new[at])
		}
	}
	return list
}

// New returns the statements to run as they are, in their order.
func (c *Choice) New() []*load.Piece {
	var list []*load.Piece
	for at, p := range c.new {
		if c.chosen[at] {
			list = append(list, p)
		}
	}
	return list
}

// Count is how many statements are run as they are.
func (c *Choice) Count() int { return c.count }

// Gone reports whether a statement that is gone mentions a name.
func (c *Choice) Gone(name string) bool {
	for i, at := range c.was {
		if at < 0 && writes(c.old[i], name) {
			return true
		}
	}
	return false
}

// Written reports whether a statement that is run says a name, so that PostgreSQL
// has not made it up.
func (c *Choice) Written(name string) bool {
	for at, p := range c.new {
		if c.chosen[at] && writes(p, name) {
			return true
		}
	}
	return c.Gone(name)
}

func writes(p *load.Piece, name string) bool {
	found := false
	if has := strings.Contains(strings.ToLower(p.SQL), strings.ToLower(name)); has && !load.IsWord(name) {
		return true
	} else if has {
		p.Mentions(func(n load.Name) { found = found || n.Name == name })
	}
	return found
}
