package load

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Piece is a statement of a script with all that decides what it does there. It is
// made by Pieces, or from the exported fields of one that Pieces made.
type Piece struct {
	Hash     [sha256.Size]byte // of everything below
	SQL      string
	Settings []string // statements that make the settings that hold for it
	Trusts   bool     // the body of a routine is not checked

	item   *item   // of the script that it comes from, nil without one
	effect *Effect // nil before it is asked for
}

// tying matches statements by which tables share what is defined for one of them.
var tying = regexp.MustCompile(`(?is)^(?:create(?:\s+unlogged|\s+foreign)?\s+table|alter\s+(?:foreign\s+)?(?:table|index))\s.*\b(?:partition|inherits?|like|of)\b`)

// Effect returns what the statement acts on.
func (p *Piece) Effect() Effect {
	if p.effect == nil {
		from := p.item
		if from == nil {
			from = p.itemIn(&session{})
		}
		f := from.effect()
		p.effect = &f
	}
	return *p.effect
}

// Mentions is Mentions of the statement. What a comment says means nothing.
func (p *Piece) Mentions(yield func(Name)) { Mentions(p.meaning(), yield) }

// meaning is the statement without the text of a comment.
func (p *Piece) meaning() string {
	if words := pg.Words(p.SQL, 1); len(words) == 0 || words[0] != "COMMENT" {
		return p.SQL
	}
	for s := pg.NewScanner(p.SQL); ; {
		t, ok := s.Next()
		if !ok {
			return p.SQL
		}
		if t.Is("IS") {
			return p.SQL[:t.Offset]
		}
	}
}

// table matches statements that say what a table is.
var table = regexp.MustCompile(`(?is)^(?:create(?:\s+unlogged|\s+foreign)?|alter(?:\s+foreign)?)\s+table\s`)

// IsTable reports whether the statement says what a table is.
func (p *Piece) IsTable() bool { return table.MatchString(p.SQL) }

// referring matches what a foreign key says of the other table.
var referring = regexp.MustCompile(`(?i)\breferences\s+(?:only\s+)?[\w$."]+`)

// Unreferring is the text of the statement without the tables that foreign keys
// refer to: a table is what it is without them.
func (p *Piece) Unreferring() string { return referring.ReplaceAllString(p.SQL, "") }

// Ties reports whether the statement lets tables or indexes share what is defined
// for one of them, so that more of what it names counts than what it makes.
func (p *Piece) Ties() bool { return tying.MatchString(p.SQL) }

// Gives reports whether the statement gives something to a role, which has to be
// there for it.
func (p *Piece) Gives(role string) bool {
	if !strings.Contains(p.SQL, role) {
		return false
	}
	tokens := slices.DeleteFunc(pg.Tokens(p.SQL), func(t pg.Token) bool { return t.Comment })
	for i := 2; i < len(tokens); i++ {
		to := tokens[i-1].Is("TO") && (tokens[0].Is("GRANT") || tokens[i-2].Is("OWNER"))
		if to && tokens[i].Name && tokens[i].Ident() == role {
			return true
		}
	}
	return false
}

// Pieces returns the statements of the script in their order.
func (s *Script) Pieces() []*Piece {
	pieces := make([]*Piece, len(s.items))
	hashes := map[*session][]byte{}
	for i, item := range s.items {
		p := &Piece{SQL: item.sql, Trusts: item.session.trustsBodies, item: item}
		for _, step := range item.session.all {
			p.Settings = append(p.Settings, step.sql)
		}
		if hashes[item.session] == nil {
			hashes[item.session] = p.hashSettings()
		}
		p.sign(hashes[item.session])
		pieces[i] = p
	}
	return pieces
}

func (p *Piece) hashSettings() []byte {
	h := sha256.New()
	writeKey(h, "settings", p.Settings...)
	writeKey(h, "bodies", strconv.FormatBool(p.Trusts))
	return h.Sum(nil)
}

// sign sets the hash, given that of the settings.
func (p *Piece) sign(settings []byte) {
	p.Hash = sha256.Sum256(slices.Concat(settings, []byte(p.SQL)))
}

// With returns a script of these pieces with the options of this one. Its findings
// and renames are none.
func (s *Script) With(pieces []*Piece) *Script {
	part := &Script{options: s.options, named: s.named, included: map[string]bool{}}
	sessions := map[string]*session{}
	for _, p := range pieces {
		key := string(p.hashSettings())
		if sessions[key] == nil {
			own := &session{trustsBodies: p.Trusts}
			for _, sql := range p.Settings {
				own.all = append(own.all, &setting{statement: pg.Statement{SQL: sql}, sql: sql})
			}
			sessions[key] = own
		}
		part.items = append(part.items, p.itemIn(sessions[key]))
	}
	return part
}

// itemIn is an item for the piece.
func (p *Piece) itemIn(at *session) *item {
	i := &item{statement: pg.Statement{SQL: p.SQL}, sql: p.SQL, session: at, words: pg.Words(p.SQL, 6)}
	i.alone = isConcurrent(i.sql) || isLabel(i.words)
	return i
}
