package snapshot

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/cairn-db/cairn/schema"
)

// errPacked says that bytes are not what Pack made.
var errPacked = errors.New("these are not the bytes of a packed state")

// Pack returns the bytes of a state with everything that it holds. Unlike a
// snapshot they are for the same program only. Equal states give equal bytes.
func Pack(s *schema.State) []byte {
	p := packer{texts: map[string]uint64{}, ids: map[schema.ID]uint64{}}
	p.number(int64(s.Server))
	for _, objects := range []map[schema.ID]*schema.Object{s.Objects, s.Outside} {
		p.length(len(objects), objects == nil)
		for _, id := range sortedIDs(objects) {
			p.id(id)
			p.object(objects[id])
		}
	}
	p.length(len(s.Members), s.Members == nil)
	for _, id := range sortedIDs(s.Members) {
		p.id(id)
		p.id(s.Members[id])
	}
	p.list(s.Roles)
	p.text(s.Default)
	p.text(s.Unowned)
	p.length(len(s.Hidden), s.Hidden == nil)
	for _, kind := range sortedTexts(s.Hidden) {
		p.text(kind)
		p.list(s.Hidden[kind])
	}
	p.list(s.Options)
	p.text(s.Name)
	p.number(int64(s.Large))
	p.list(s.Unknown)
	return p.bytes()
}

func sortedIDs[V any](m map[schema.ID]V) []schema.ID {
	ids := make([]schema.ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, schema.Compare)
	return ids
}

func sortedTexts(m map[string][]string) []string {
	texts := make([]string, 0, len(m))
	for text := range m {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// packer collects numbers. A text or an identity that was there before is the
// number that it got then.
type packer struct {
	numbers []byte
	lengths []byte // of the texts
	all     []byte // the texts
	texts   map[string]uint64
	ids     map[schema.ID]uint64
}

func (p *packer) number(n int64) { p.numbers = binary.AppendVarint(p.numbers, n) }

func (p *packer) count(n uint64) { p.numbers = binary.AppendUvarint(p.numbers, n) }

// length packs the length of a list, which can be none at all.
func (p *packer) length(n int, none bool) {
	if none {
		p.count(0)
		return
	}
	p.count(uint64(n) + 1)
}

func (p *packer) text(text string) {
	n, known := p.texts[text]
	if !known {
		n = uint64(len(p.texts))
		p.texts[text] = n
		p.lengths = binary.AppendUvarint(p.lengths, uint64(len(text)))
		p.all = append(p.all, text...)
	}
	p.count(n)
}

func (p *packer) list(texts []string) {
	p.length(len(texts), texts == nil)
	for _, text := range texts {
		p.text(text)
	}
}

func (p *packer) id(id schema.ID) {
	n, known := p.ids[id]
	if known {
		p.count(n)
		return
	}
	n = uint64(len(p.ids))
	p.ids[id] = n
	p.count(n)
	for _, text := range []string{id.Kind, id.Of, id.Schema, id.Name, id.Args, id.Part, id.Role} {
		p.text(text)
	}
}

const (
	packedBuiltin = 1 << iota
	packedStats
)

func (p *packer) object(o *schema.Object) {
	var bits uint64
	if o.Builtin {
		bits |= packedBuiltin
	}
	if o.Stats != nil {
		bits |= packedStats
	}
	p.count(bits)
	p.id(o.ID)
	p.id(o.Parent)
	p.number(int64(o.Order))
	p.length(len(o.Attrs), o.Attrs == nil)
	for _, a := range o.Attrs {
		info := uint64(0)
		if a.Info {
			info = 1
		}
		p.count(info)
		p.text(a.Name)
		p.text(a.Value)
	}
	p.length(len(o.Needs), o.Needs == nil)
	for _, id := range o.Needs {
		p.id(id)
	}
	if o.Stats != nil {
		p.number(o.Stats.Rows)
		p.number(o.Stats.Bytes)
	}
}

func (p *packer) bytes() []byte {
	b := binary.AppendUvarint(nil, uint64(len(p.texts)))
	b = binary.AppendUvarint(b, uint64(len(p.all)))
	return slices.Concat(b, p.lengths, p.all, p.numbers)
}

// Unpack returns the state that Pack was given. It shares with another one, which
// may be nil, what both have.
func Unpack(b []byte, like *schema.State) (*schema.State, error) {
	u := unpacker{left: b, like: like}
	u.readTexts()
	s := &schema.State{Server: int(u.number())}
	s.Objects, s.Outside = u.objects(), u.objects()
	if n, some := u.length(2); some {
		s.Members = make(map[schema.ID]schema.ID, n)
		for range n {
			id := u.id()
			s.Members[id] = u.id()
		}
	}
	s.Roles, s.Default, s.Unowned = u.list(), u.text(), u.text()
	if n, some := u.length(2); some {
		s.Hidden = make(map[string][]string, n)
		for range n {
			kind := u.text()
			s.Hidden[kind] = u.list()
		}
	}
	s.Options, s.Name, s.Large, s.Unknown = u.list(), u.text(), int(u.number()), u.list()
	if u.broken || len(u.left) > 0 {
		return nil, errPacked
	}
	return s, nil
}

// unpacker reads what packer wrote. After bytes that are not, everything is
// empty.
type unpacker struct {
	left   []byte
	like   *schema.State
	texts  []string
	ids    []schema.ID
	last   schema.Object // most of those that are read are there already, and this one is read into again
	attrs  []schema.Attr // its attributes
	needs  []schema.ID
	broken bool

	// What stays is cut from large pieces, which is quicker to get and to look through
	// for the garbage collector.
	ownObjects pieces[schema.Object]
	ownAttrs   pieces[schema.Attr]
	ownNeeds   pieces[schema.ID]
}

// pieces gives memory for what stays as long as the state.
type pieces[T any] struct{ left []T }

// clone returns a copy of a list, nil for none.
func (p *pieces[T]) clone(list []T) []T {
	const most = 1 << 10
	if len(list) == 0 || len(list) > most/4 {
		return slices.Clone(list)
	}
	if len(list) > len(p.left) {
		p.left = make([]T, most)
	}
	own := p.left[:len(list):len(list)]
	p.left = p.left[len(list):]
	copy(own, list)
	return own
}

func (u *unpacker) fail() {
	u.left, u.broken = nil, true
}

func (u *unpacker) number() int64 {
	n, size := binary.Varint(u.left)
	if size <= 0 {
		u.fail()
		return 0
	}
	u.left = u.left[size:]
	return n
}

func (u *unpacker) count() uint64 {
	n, size := binary.Uvarint(u.left)
	if size <= 0 {
		u.fail()
		return 0
	}
	u.left = u.left[size:]
	return n
}

// length reads the length of a list whose elements take at least so many bytes.
func (u *unpacker) length(least int) (n int, some bool) {
	c := u.count()
	if c == 0 {
		return 0, false
	}
	if c-1 > uint64(len(u.left)/least) {
		u.fail()
		return 0, false
	}
	return int(c - 1), true
}

func (u *unpacker) readTexts() {
	n, size := u.count(), u.count()
	if n > uint64(len(u.left)) || size > uint64(len(u.left)) {
		u.fail()
		return
	}
	lengths := make([]int, n)
	for i := range lengths {
		length := u.count()
		if length > size || length > math.MaxInt {
			u.fail()
			return
		}
		lengths[i] = int(length)
	}
	if size > uint64(len(u.left)) {
		u.fail()
		return
	}
	all := string(u.left[:size]) // each text is a part of it
	u.left = u.left[size:]
	u.texts = make([]string, n)
	for i, length := range lengths {
		if length > len(all) {
			u.fail()
			return
		}
		u.texts[i], all = all[:length], all[length:]
	}
}

func (u *unpacker) text() string {
	n := u.count()
	if n >= uint64(len(u.texts)) {
		u.fail()
		return ""
	}
	return u.texts[n]
}

func (u *unpacker) list() []string {
	n, some := u.length(1)
	if !some {
		return nil
	}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = u.text()
	}
	return texts
}

func (u *unpacker) id() schema.ID {
	n := u.count()
	switch {
	case n < uint64(len(u.ids)):
		return u.ids[n]
	case n > uint64(len(u.ids)) || u.broken:
		u.fail()
		return schema.ID{}
	}
	id := schema.ID{Kind: u.text(), Of: u.text(), Schema: u.text(), Name: u.text(), Args: u.text(), Part: u.text(), Role: u.text()}
	u.ids = append(u.ids, id)
	return id
}

func (u *unpacker) objects() map[schema.ID]*schema.Object {
	n, some := u.length(6)
	if !some {
		return nil
	}
	u.ids = slices.Grow(u.ids, n)
	objects := make(map[schema.ID]*schema.Object, n)
	u.attrs, u.needs = []schema.Attr{}, []schema.ID{}
	for range n {
		id := u.id()
		objects[id] = u.keep(u.object())
	}
	return objects
}

// keep returns an object that stays: an equal one that is there, or a copy with
// what it can share.
func (u *unpacker) keep(o *schema.Object) *schema.Object {
	if kept := u.like.Share(o); kept != o {
		return kept
	}
	own := &u.ownObjects.clone([]schema.Object{*o})[0]
	if len(own.Attrs) == 0 || &own.Attrs[0] == &u.attrs[0] {
		own.Attrs = u.ownAttrs.clone(own.Attrs)
	}
	if len(own.Needs) == 0 || &own.Needs[0] == &u.needs[0] {
		own.Needs = u.ownNeeds.clone(own.Needs)
	}
	return own
}

// object reads one, which is good until the next is read.
func (u *unpacker) object() *schema.Object {
	bits := u.count()
	o := &u.last
	*o = schema.Object{Builtin: bits&packedBuiltin != 0, ID: u.id(), Parent: u.id(), Order: int(u.number())}
	if n, some := u.length(3); some {
		u.attrs = u.attrs[:0]
		for range n {
			u.attrs = append(u.attrs, schema.Attr{Info: u.count() == 1, Name: u.text(), Value: u.text()})
		}
		o.Attrs = u.attrs
	}
	if n, some := u.length(1); some {
		u.needs = u.needs[:0]
		for range n {
			u.needs = append(u.needs, u.id())
		}
		o.Needs = u.needs
	}
	if bits&packedStats != 0 {
		o.Stats = &schema.Stats{Rows: u.number(), Bytes: u.number()}
	}
	return o
}
