package partial

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cairn-db/cairn/internal/load"
)

// Record is what is kept of a script whose state is known.
type Record struct {
	State   [sha256.Size]byte // the key of the state
	Derived int               // how many states before it were put together since one was built
	Pieces  []Kept
}

// Kept is a statement of a record.
type Kept struct {
	Hash  [sha256.Size]byte
	Piece *load.Piece // nil where the statement may hold secrets, or acts beyond what it names
}

// NewRecord returns the record of a script.
func NewRecord(state [sha256.Size]byte, derived int, pieces []*load.Piece) Record {
	r := Record{State: state, Derived: derived, Pieces: make([]Kept, len(pieces))}
	for i, p := range pieces {
		r.Pieces[i].Hash = p.Hash
		if p.Effect().Reach == load.Named {
			r.Pieces[i].Piece = p
		}
	}
	return r
}

// Anchor is a number that scripts with few differences mostly have in common: the
// least hash of their statements.
func Anchor(pieces []*load.Piece) []byte {
	var least []byte
	for _, p := range pieces {
		if least == nil || bytes.Compare(p.Hash[:], least) < 0 {
			least = p.Hash[:]
		}
	}
	return least
}

// Encode returns the record as bytes.
func (r Record) Encode() []byte {
	w := writer{seen: map[string]uint64{}}
	w.bytes = append(w.bytes, r.State[:]...)
	w.number(uint64(r.Derived))
	w.number(uint64(len(r.Pieces)))
	for _, k := range r.Pieces {
		w.bytes = append(w.bytes, k.Hash[:]...)
		if k.Piece == nil {
			w.number(0)
			continue
		}
		w.number(1)
		w.settings(k.Piece)
		w.text(k.Piece.SQL)
	}
	return w.bytes
}

// writer writes numbers and texts. Settings that were there before are a number.
type writer struct {
	bytes []byte
	seen  map[string]uint64
}

func (w *writer) number(n uint64) { w.bytes = binary.AppendUvarint(w.bytes, n) }

func (w *writer) text(s string) {
	w.number(uint64(len(s)))
	w.bytes = append(w.bytes, s...)
}

func (w *writer) settings(p *load.Piece) {
	own := writer{}
	trusts := uint64(0)
	if p.Trusts {
		trusts = 1
	}
	own.number(trusts)
	own.number(uint64(len(p.Settings)))
	for _, s := range p.Settings {
		own.text(s)
	}
	n, known := w.seen[string(own.bytes)]
	if !known {
		n = uint64(len(w.seen))
		w.seen[string(own.bytes)] = n
	}
	w.number(n)
	if !known {
		w.bytes = append(w.bytes, own.bytes...)
	}
}

// errRecord says that bytes are not what Encode made.
var errRecord = errors.New("these are not the bytes of a record")

// Decode returns the record that Encode was called on. Statements are made from
// their text only when somebody asks for them.
func Decode(b []byte) (Record, error) {
	if len(b) < sha256.Size {
		return Record{}, errRecord
	}
	r := Record{State: [sha256.Size]byte(b)}
	u := decoder{left: string(b[sha256.Size:])}
	r.Derived = int(u.number())
	n := u.number()
	if n > uint64(len(u.left)/sha256.Size) {
		return Record{}, errRecord
	}
	r.Pieces = make([]Kept, n)
	for i := range r.Pieces {
		k := &r.Pieces[i]
		copy(k.Hash[:], u.take(sha256.Size))
		if u.number() == 1 {
			s := u.session()
			k.Piece = &load.Piece{Hash: k.Hash, SQL: u.take(u.number()), Settings: s.Settings, Trusts: s.Trusts}
		}
	}
	if u.broken || u.left != "" {
		return Record{}, errRecord
	}
	return r, nil
}

// decoder reads what writer wrote. After bytes that are not, everything is empty.
type decoder struct {
	left     string
	sessions []load.Piece // their settings only
	broken   bool
}

func (u *decoder) number() uint64 {
	n, size := binary.Uvarint([]byte(u.left[:min(len(u.left), binary.MaxVarintLen64)]))
	if size <= 0 {
		u.left, u.broken = "", true
		return 0
	}
	u.left = u.left[size:]
	return n
}

func (u *decoder) take(n uint64) string {
	if n > uint64(len(u.left)) {
		u.left, u.broken = "", true
		return ""
	}
	text := u.left[:n]
	u.left = u.left[n:]
	return text
}

func (u *decoder) session() load.Piece {
	n := u.number()
	if n < uint64(len(u.sessions)) {
		return u.sessions[n]
	}
	var s load.Piece
	s.Trusts = u.number() == 1
	for range min(u.number(), uint64(len(u.left))) {
		s.Settings = append(s.Settings, u.take(u.number()))
	}
	if n == uint64(len(u.sessions)) {
		u.sessions = append(u.sessions, s)
	} else {
		u.left, u.broken = "", true
	}
	return s
}

// hashes returns the hash of each statement, made different where it is there more
// than once.
func hashes[T any](list []T, hash func(T) [sha256.Size]byte) [][sha256.Size]byte {
	times := map[[sha256.Size]byte]int{}
	all := make([][sha256.Size]byte, len(list))
	for i, x := range list {
		h := hash(x)
		times[h]++
		if n := times[h]; n > 1 {
			h = sha256.Sum256(binary.AppendUvarint(slices.Clone(h[:]), uint64(n)))
		}
		all[i] = h
	}
	return all
}
