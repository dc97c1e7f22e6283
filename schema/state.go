package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Attr is one compared property of an object, printed by the server. The name
// of the object is never among its attributes.
type Attr struct {
	Name  string `json:"n"`
	Value string `json:"v"`
	Info  bool   `json:"i,omitempty"` // used to create the object, never compared
}

// Object is one object at the grain at which PostgreSQL records dependencies.
type Object struct {
	ID      ID     `json:"id"`
	Attrs   []Attr `json:"attrs,omitempty"`   // in the order of the kind's definition
	Parent  ID     `json:"parent,omitzero"`   // object that this one is a part of; it goes when that goes
	Needs   []ID   `json:"needs,omitempty"`   // objects that must exist first, sorted, without the parent
	Order   int    `json:"order,omitempty"`   // place among its siblings as the server lists them; never compared
	Builtin bool   `json:"builtin,omitempty"` // every new database has it; never compared
	Stats   *Stats `json:"-"`                 // size of a relation on the target; never compared
}

// Stats is the size of a relation as its server estimates it.
type Stats struct {
	Rows  int64 // pg_class.reltuples, -1 when never analysed
	Bytes int64 // pg_relation_size of the main fork
}

// Attr returns the value of the named attribute, "" when the object has none.
func (o *Object) Attr(name string) string {
	for _, a := range o.Attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// State is the schema of one database: a flat set of objects.
type State struct {
	Server  int                 // major version of the server that printed it
	Objects map[ID]*Object      // by identity
	Outside map[ID]*Object      // those that were left out, for what they do to the rest
	Members map[ID]ID           // the extension of each object that is a member of one; in no snapshot
	Roles   []string            // roles that exist on the server, sorted
	Default string              // role that owns what the reader of the state creates
	Unowned string              // role whose objects nobody gave an owner, "" for a database
	Hidden  map[string][]string // by kind, attributes that the reader may not see; never compared
	Options []string            // what was asked for and read beside what always is, sorted
	Name    string              // of the database, where identities have it
	Large   int                 // large objects, counted up to MostLarge + 1; in no snapshot
	Unknown []string            // user objects in the catalog that no kind covers, described
}

// MostLarge is how many large objects are counted.
const MostLarge = 1000

// NewState returns an empty state for a server of the given major version.
func NewState(server int) *State {
	return &State{Server: server, Objects: map[ID]*Object{}, Outside: map[ID]*Object{}, Hidden: map[string][]string{}, Members: map[ID]ID{}}
}

// Object returns an object, nil when there is none or no state.
func (s *State) Object(id ID) *Object {
	if s == nil {
		return nil
	}
	return s.Objects[id]
}

// Share returns the object of the state that is equal to o, or else o with those
// lists of it that are equal to theirs. States that are much the same then take
// little more memory than one. The state may be nil.
func (s *State) Share(o *Object) *Object {
	had := s.Object(o.ID)
	if had == nil || had == o {
		return o
	}
	attrs, needs := slices.Equal(o.Attrs, had.Attrs), slices.Equal(o.Needs, had.Needs)
	if attrs && needs && SameStats(o.Stats, had.Stats) && o.Parent == had.Parent && o.Order == had.Order && o.Builtin == had.Builtin {
		return had
	}
	if attrs {
		o.Attrs = had.Attrs
	}
	if needs {
		o.Needs = had.Needs
	}
	return o
}

// SameStats reports whether two relations are of one size, or both of none.
func SameStats(a, b *Stats) bool { return a == b || a != nil && b != nil && *a == *b }

// Sorted returns the objects ordered by identity.
func (s *State) Sorted() []*Object {
	objects := make([]*Object, 0, len(s.Objects))
	for _, o := range s.Objects {
		objects = append(objects, o)
	}
	slices.SortFunc(objects, CompareObjects)
	return objects
}

// Hash returns the hash of everything in the object that is compared: its
// identity, its parent and its attributes.
func (o *Object) Hash() [sha256.Size]byte {
	text := make([]byte, 0, 512)
	text = o.Parent.appendFields(o.ID.appendFields(text))
	for i := range o.Attrs {
		if a := &o.Attrs[i]; !a.Info {
			text = appendField(appendField(text, a.Name), a.Value)
		}
	}
	return sha256.Sum256(text)
}

// Fingerprint returns "sha256:" and the hexadecimal hash of the hashes of all
// objects, in ascending order.
func (s *State) Fingerprint() string {
	hashes := make([][sha256.Size]byte, 0, len(s.Objects))
	for _, o := range s.Objects {
		hashes = append(hashes, o.Hash())
	}
	return Combine(hashes)
}

// Combine returns the fingerprint of the state whose objects have these hashes,
// which it sorts.
func Combine(hashes [][sha256.Size]byte) string {
	slices.SortFunc(hashes, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	for i := range hashes {
		h.Write(hashes[i][:])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// appendField appends a text so that no two lists of texts are written alike.
func appendField(text []byte, s string) []byte {
	return append(binary.AppendUvarint(text, uint64(len(s))), s...)
}

// Delta is one difference between two states: Old is nil for an object to add,
// New is nil for one to drop.
type Delta struct {
	Old     *Object
	New     *Object
	Changed []string // names of the attributes that differ, when both are there
}

// ID returns the identity of the object that differs.
func (d Delta) ID() ID { return d.Object().ID }

// Object returns the new form, or the old one of an object to drop.
func (d Delta) Object() *Object {
	if d.New != nil {
		return d.New
	}
	return d.Old
}
