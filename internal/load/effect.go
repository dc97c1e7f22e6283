package load

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Reach is how far a statement acts.
type Reach int

// The reaches of statements.
const (
	Unknown   Reach = iota // on anything
	Following              // on what is run after it, as an operator, an extension or a schema does
	Named                  // on what it names
)

// Effect is what a statement acts on.
type Effect struct {
	Reach   Reach
	Targets []Name // what it makes or changes
	Own     int    // of so many targets, the first ones, it makes all: an index beside its table
	Apart   bool   // who needs the other targets does not need what this adds to them, such as a comment
	Part    string // the name of what it adds to the target and others can change, such as a trigger

	// Deep says that what uses the targets can mean something else when they change,
	// although it looks the same: a routine does what its body says whenever it is
	// called, and a column of a type can be compared with what the type holds. Of
	// what follows, that it can be found by other ways than its name.
	Deep bool
}

// The escapes by which a statement can mean a name that is not written in it.
var (
	unicodeName  = regexp.MustCompile(`(?i)u&['"]`)
	escapeString = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_$])e'`)
	escape       = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\\[xu0-7]`)
)

// hides reports whether a statement can mean a name that is not written in it.
// Comments mean none.
func (i *item) hides() bool {
	if i.words[0] == "COMMENT" {
		return false
	}
	if strings.Contains(i.sql, "&") && unicodeName.MatchString(i.sql) {
		return true
	}
	if !strings.Contains(i.sql, `\`) || !escape.MatchString(i.sql) {
		return false
	}
	return escapeString.MatchString(i.sql) ||
		slices.ContainsFunc(i.session.all, func(s *setting) bool { return strings.Contains(strings.ToLower(s.sql), "conforming") && isOff(s.sql) })
}

// effect looks at the first words of a statement. A form that is not known here is
// taken to act on anything.
func (i *item) effect() Effect {
	f := effectOf(i)
	if f.Reach != Named {
		return Effect{Reach: f.Reach, Deep: f.Deep}
	}
	for _, target := range f.Targets {
		if !IsWord(target.Name) || target.Schema != "" && !IsWord(target.Schema) {
			return Effect{Reach: Following, Deep: true} // nobody can tell where it is mentioned
		}
	}
	return f
}

func effectOf(i *item) Effect {
	if len(i.words) == 0 || len(i.databases) > 0 || i.hides() {
		return Effect{}
	}
	r := &reader{scanner: pg.NewScanner(i.sql)}
	switch first := r.word(); {
	case isRole(i.words), isLabel(i.words):
		return Effect{Reach: Following}
	case first == "CREATE":
		return r.create()
	case first == "ALTER":
		return r.alter()
	case first == "COMMENT":
		return r.comment()
	case first == "GRANT", first == "REVOKE":
		return r.grant()
	}
	return Effect{}
}

// following are the words behind CREATE that make what later statements find by
// other ways than its name.
var following = []string{"EXTENSION", "LANGUAGE", "TRUSTED", "PROCEDURAL", "OPERATOR", "CAST", "COLLATION", "CONVERSION", "DEFAULT", "TEXT",
	"TRANSFORM", "ACCESS", "SERVER", "USER", "SUBSCRIPTION", "DATA"} // DATA WRAPPER

// routines are the words for what has a body.
var routines = []string{"FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE"}

// plain are the words behind CREATE and ALTER that the name follows.
var plain = append([]string{"TABLE", "VIEW", "SEQUENCE", "PUBLICATION"}, deep...)

// deep are those words of them whose objects mean more than they show.
var deep = append([]string{"TYPE", "DOMAIN"}, routines...)

// reader reads a statement word by word.
type reader struct {
	scanner *pg.Scanner
	ahead   []pg.Token
}

// peek returns a token that was not taken yet, an empty one behind the last.
func (r *reader) peek(n int) pg.Token {
	for len(r.ahead) <= n {
		t, ok := r.scanner.Next()
		if ok && t.Comment {
			continue
		}
		r.ahead = append(r.ahead, t)
	}
	return r.ahead[n]
}

func (r *reader) next() pg.Token {
	t := r.peek(0)
	r.ahead = r.ahead[1:]
	return t
}

// word takes a token as a keyword.
func (r *reader) word() string { return strings.ToUpper(r.next().Text) }

// skip takes the words, if they stand here.
func (r *reader) skip(words ...string) bool {
	for n, word := range words {
		if !r.peek(n).Is(word) {
			return false
		}
	}
	r.ahead = r.ahead[len(words):]
	return true
}

// name takes a name of up to three parts. A name that is missing is empty.
func (r *reader) name() []string {
	var parts []string
	for r.peek(0).Name {
		parts = append(parts, r.next().Ident())
		if !r.peek(0).Is(".") {
			break
		}
		r.next()
	}
	return parts
}

// target takes the name of an object of a schema.
func (r *reader) target() (Name, bool) { return nameOf(r.name()) }

func nameOf(parts []string) (Name, bool) {
	switch len(parts) {
	case 1:
		return Name{"", parts[0]}, true
	case 2:
		return Name{parts[0], parts[1]}, true
	}
	return Name{}, false
}

// upTo takes everything up to a keyword, and the keyword.
func (r *reader) upTo(word string) bool {
	for r.peek(0).Text != "" {
		if r.next().Is(word) {
			return true
		}
	}
	return false
}

// rest takes everything that is left.
func (r *reader) rest() []pg.Token {
	var tokens []pg.Token
	for r.peek(0).Text != "" {
		tokens = append(tokens, r.next())
	}
	return tokens
}

// on is the effect of a statement on the object whose name follows.
func (r *reader) on(apart bool, more ...Name) Effect {
	r.skip("ONLY")
	all := r.peek(0).Is("ALL") // what a tablespace holds
	target, ok := r.target()
	if !ok || all {
		return Effect{}
	}
	return Effect{Reach: Named, Targets: append(more, target), Apart: apart}
}

// create reads what follows CREATE.
func (r *reader) create() Effect {
	r.skip("OR", "REPLACE")
	for _, word := range []string{"UNLOGGED", "MATERIALIZED", "RECURSIVE", "FOREIGN", "CONSTRAINT"} {
		if r.skip(word) {
			break
		}
	}
	switch word := r.word(); {
	case word == "UNIQUE", word == "INDEX":
		return r.index(word == "UNIQUE")
	case word == "TRIGGER", word == "POLICY":
		part := r.next().Ident()
		if !r.upTo("ON") {
			return Effect{}
		}
		f := r.on(true)
		f.Part = part
		return f
	case word == "RULE":
		if r.name(); !r.upTo("TO") {
			return Effect{}
		}
		return r.on(false)
	case word == "SCHEMA":
		return r.schema()
	case word == "STATISTICS" && r.peek(0).Is("ON"): // PostgreSQL chooses the name
		return Effect{}
	case word == "STATISTICS", slices.Contains(plain, word):
		return r.object(word)
	case slices.Contains(following, word):
		return Effect{Reach: Following, Deep: true}
	}
	return Effect{}
}

// object reads the name of an object that is made.
func (r *reader) object(word string) Effect {
	r.skip("IF", "NOT", "EXISTS")
	f := r.on(false)
	f.Deep = slices.Contains(deep, word)
	if word == "TYPE" && r.skip("AS", "RANGE") { // a type of several ranges comes with it
		return Effect{Reach: Following, Deep: true}
	}
	return f
}

func (r *reader) index(unique bool) Effect {
	if unique && !r.skip("INDEX") {
		return Effect{}
	}
	r.skip("CONCURRENTLY")
	r.skip("IF", "NOT", "EXISTS")
	var more []Name
	if !r.peek(0).Is("ON") {
		more = append(more, Name{Name: r.next().Ident()})
	}
	if !r.skip("ON") {
		return Effect{}
	}
	f := r.on(!unique, more...)
	if f.Reach == Named && len(more) > 0 {
		f.Targets[0].Schema, f.Own = f.Targets[1].Schema, 1 // an index is where its table is
	}
	return f
}

// schema is CREATE SCHEMA without what else it can make.
func (r *reader) schema() Effect {
	r.skip("IF", "NOT", "EXISTS")
	if !r.skip("AUTHORIZATION") {
		r.name()
		r.skip("AUTHORIZATION")
	}
	r.name()
	if len(r.rest()) > 0 {
		return Effect{}
	}
	return Effect{Reach: Following}
}

// alter reads what follows ALTER.
func (r *reader) alter() Effect {
	_ = r.skip("MATERIALIZED") || r.skip("FOREIGN") || r.skip("EVENT")
	switch word := r.word(); {
	case word == "SCHEMA", slices.Contains(following, word):
		return r.lasting(Effect{Reach: Following, Deep: word != "SCHEMA" && word != "DEFAULT"})
	case word == "POLICY", word == "RULE", word == "TRIGGER":
		r.skip("IF", "EXISTS")
		if r.name(); !r.skip("ON") {
			return Effect{}
		}
		return r.lasting(r.on(word != "RULE"))
	case word == "INDEX", word == "STATISTICS", slices.Contains(plain, word):
		r.skip("IF", "EXISTS")
		f := r.on(false)
		f.Deep = slices.Contains(deep, word)
		if word == "TABLE" {
			f.Part, f.Apart = r.addsForeignKey()
			f.Apart = f.Apart || r.switchesTrigger()
		}
		return r.lasting(f)
	}
	return Effect{}
}

// lasting is the effect unless the statement gives an object another name, after
// which it is another object that the old name stands for.
func (r *reader) lasting(f Effect) Effect {
	tokens := r.rest()
	for i, t := range tokens {
		switch {
		case t.Is("RENAME"), t.Is("EXTENSION") && f.Reach == Named, t.Is("DROP") && f.Reach == Following,
			t.Is("SCHEMA") && i > 0 && tokens[i-1].Is("SET"), t.Is("ALL") && i > 0 && tokens[i-1].Is("IN"):
			return Effect{}
		}
	}
	return f
}

// addsForeignKey reports whether a foreign key and nothing else is added here, and
// its name.
func (r *reader) addsForeignKey() (name string, adds bool) {
	n := 1
	if r.peek(1).Is("CONSTRAINT") {
		n, name = 3, r.peek(2).Ident()
	}
	if !r.peek(0).Is("ADD") || !r.peek(n).Is("FOREIGN") {
		return "", false
	}
	depth := 0
	for ; r.peek(n).Text != ""; n++ {
		switch r.peek(n).Text {
		case "(":
			depth++
		case ")":
			depth--
		case ",":
			if depth == 0 {
				return "", false
			}
		}
	}
	return name, true
}

// switchesTrigger reports whether one trigger is switched here and nothing else is
// done.
func (r *reader) switchesTrigger() bool {
	n := 1
	if r.peek(1).Is("ALWAYS") || r.peek(1).Is("REPLICA") {
		n = 2
	}
	every := r.peek(n+1).Is("ALL") || r.peek(n+1).Is("USER")
	return (r.peek(0).Is("ENABLE") || r.peek(0).Is("DISABLE")) && r.peek(n).Is("TRIGGER") && !every && r.peek(n+2).Text == ""
}

// comment reads what follows COMMENT.
func (r *reader) comment() Effect {
	r.skip("ON")
	_ = r.skip("MATERIALIZED") || r.skip("FOREIGN")
	switch word := r.word(); {
	case word == "COLUMN":
		parts := r.name()
		if len(parts) < 2 {
			return Effect{}
		}
		target, ok := nameOf(parts[:len(parts)-1])
		if !ok {
			return Effect{}
		}
		return Effect{Reach: Named, Targets: []Name{target}, Apart: true}
	case word == "CONSTRAINT", word == "TRIGGER", word == "POLICY", word == "RULE":
		if r.name(); !r.skip("ON") {
			return Effect{}
		}
		if !r.peek(1).Is("IS") && !r.peek(1).Is(".") {
			r.skip("DOMAIN")
		}
		return r.on(true)
	case word == "INDEX", word == "STATISTICS", slices.Contains(plain, word):
		return r.on(true)
	}
	return Effect{Reach: Following}
}

// grant reads what follows GRANT and REVOKE.
func (r *reader) grant() Effect {
	if !r.upTo("ON") {
		return Effect{Reach: Following} // of roles to roles
	}
	named := slices.ContainsFunc([]string{"TO", "FROM", ".", ","}, r.peek(1).Is)
	switch word := strings.ToUpper(r.peek(0).Text); {
	case named:
	case word == "ALL":
		return Effect{}
	case word == "TABLE", word == "SEQUENCE", word == "TYPE", word == "DOMAIN", slices.Contains(routines, word):
		r.next()
	default:
		return Effect{Reach: Following} // on a schema, a server, a parameter
	}
	f := Effect{Reach: Named, Apart: true}
	for {
		target, ok := r.target()
		if !ok {
			return Effect{}
		}
		f.Targets = append(f.Targets, target)
		r.arguments()
		if !r.skip(",") {
			return f
		}
	}
}

// arguments takes what stands in parentheses here.
func (r *reader) arguments() {
	if !r.peek(0).Is("(") {
		return
	}
	for depth := 0; r.peek(0).Text != ""; {
		switch r.next().Text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return
			}
		}
	}
}
