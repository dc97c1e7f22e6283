package catalog

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// readKind reads the rows of one kind's query.
func (r *reader) readKind(k *kind.Kind, rr *pgconn.ResultReader) error {
	setters, err := r.setters(k, rr.FieldDescriptions())
	if err != nil {
		return err
	}
	blank := make([]schema.Attr, len(k.Fields))
	for i, f := range k.Fields {
		blank[i] = schema.Attr{Name: f, Info: k.Info[f] || slices.Contains(r.state.Hidden[k.Name], f)}
	}
	attrs := slices.Clone(blank)
	var o schema.Object
	known := make([][]schema.Attr, 256) // lists that were read lately: many objects have equal ones
	for rr.NextRow() {
		copy(attrs, blank)
		o = schema.Object{ID: schema.ID{Kind: k.Name}, Attrs: attrs}
		w := row{kind: k, beside: nothing, object: &o}
		for i, value := range rr.Values() {
			if value != nil {
				setters[i](&w, r.texts.of(value))
			}
		}
		if role := r.options.Unowned; role != "" && o.ID.Role == role {
			o.ID.Role = kind.Creator // nobody said who
		}
		w.object = r.keep(&o, known)
		r.rows = append(r.rows, w)
	}
	return nil
}

// keep returns an object that stays: one that looks the same and is there already,
// or a copy, of which the attributes may be those of another one.
func (r *reader) keep(o *schema.Object, known [][]schema.Attr) *schema.Object {
	if had := r.options.Like.Object(o.ID); had != nil && slices.Equal(had.Attrs, o.Attrs) {
		if looksLike(had, o) {
			return had
		}
		kept := *o
		kept.Attrs = had.Attrs
		return &kept
	}
	place := 0
	for i := range o.Attrs {
		place = place*31 + len(o.Attrs[i].Value)
	}
	last := &known[uint(place)%uint(len(known))]
	if !slices.Equal(*last, o.Attrs) {
		*last = slices.Clone(o.Attrs)
	}
	kept := *o
	kept.Attrs = *last
	return &kept
}

// looksLike reports whether two objects of one identity with equal attributes have
// all else that a row says of them in common.
func looksLike(a, b *schema.Object) bool { return a.Order == b.Order && a.Builtin == b.Builtin }

// isShared reports whether the object is that of the other state: it is not changed.
func (r *reader) isShared(o *schema.Object) bool {
	return r.options.Like != nil && r.options.Like.Objects[o.ID] == o
}

// own returns the object of a node to be changed, a copy of one that is shared.
func (r *reader) own(n *node) *schema.Object {
	if r.isShared(n.Object) {
		copied := *n.Object
		n.Object = &copied
		if r.state.Objects[n.ID] != nil {
			r.state.Objects[n.ID] = n.Object
		}
	}
	return n.Object
}

// texts has the values that were read lately. Most stand in many rows.
type texts [1 << 10]string

// of returns the value as a string, if it can the one that it returned before.
func (t *texts) of(value []byte) string {
	if len(value) < 2 || len(value) > 48 {
		return string(value)
	}
	hash := uint32(2166136261) // FNV-1a
	for _, c := range value {
		hash = (hash ^ uint32(c)) * 16777619
	}
	last := &t[hash%uint32(len(t))]
	if *last != string(value) {
		*last = string(value)
	}
	return *last
}

// setters returns, for each column of the result, what stores its value.
func (r *reader) setters(k *kind.Kind, columns []pgconn.FieldDescription) ([]func(*row, string), error) {
	setters := make([]func(*row, string), len(columns))
	seen := map[string]bool{}
	for i, c := range columns {
		if set := reserved[c.Name]; set != nil {
			setters[i] = set
			continue
		}
		at := slices.Index(k.Fields, c.Name)
		if at < 0 {
			return nil, fmt.Errorf("the query of kind %s has a column %s that is no field", k.Name, c.Name)
		}
		seen[c.Name] = true
		setters[i] = func(w *row, v string) { w.object.Attrs[at].Value = v }
	}
	if k.Satellite == kind.FromACL {
		return setters, nil
	}
	for _, f := range k.Fields {
		if !seen[f] && r.restricted && k.Restricted != nil {
			r.state.Hidden[k.Name] = append(r.state.Hidden[k.Name], f)
		} else if !seen[f] {
			return nil, fmt.Errorf("the query of kind %s has no column for the field %s", k.Name, f)
		}
	}
	return setters, nil
}

// reserved holds the columns that mean the same in every kind's query.
var reserved = map[string]func(*row, string){
	"classid":    func(w *row, v string) { w.address.class = oid(v) },
	"objid":      func(w *row, v string) { w.address.object = oid(v) },
	"objsubid":   func(w *row, v string) { w.address.sub = int32(number(v)) },
	"pclass":     func(w *row, v string) { w.parent.class = oid(v) },
	"pobj":       func(w *row, v string) { w.parent.object = oid(v) },
	"psub":       func(w *row, v string) { w.parent.sub = int32(number(v)) },
	"of":         func(w *row, v string) { w.more().of = v },
	"schema":     func(w *row, v string) { w.object.ID.Schema = v },
	"name":       func(w *row, v string) { w.object.ID.Name = v },
	"args":       func(w *row, v string) { w.object.ID.Args = v },
	"part":       func(w *row, v string) { w.object.ID.Part = v },
	"uses":       func(w *row, v string) { w.more().uses = v },
	"role":       func(w *row, v string) { w.object.ID.Role = v },
	"ord":        func(w *row, v string) { w.object.Order = int(number(v)) },
	"builtin":    func(w *row, v string) { w.object.Builtin = v == "t" },
	"owner":      func(w *row, v string) { w.more().owner, w.more().aclOwner = v, v },
	"aclowner":   func(w *row, v string) { w.more().aclOwner = v },
	"acl":        func(w *row, v string) { w.more().acl, w.more().hasACL = v, true },
	"acldefault": func(w *row, v string) { w.more().aclDefault = v },
	"tuples":     func(w *row, v string) { w.more().rows, w.more().sized = v, true },
	"bytes":      func(w *row, v string) { w.more().bytes = v },
}

// number reads an integer that the server printed; it prints no other thing in
// the columns that hold one.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// oid reads an OID, which the server prints as a number without a sign.
func oid(s string) uint32 { return uint32(number(s)) }

// stats returns the size of the relation in w, nil for other objects.
func (w *row) stats() *schema.Stats {
	if !w.sized {
		return nil
	}
	return statsOf(w.rows, w.bytes)
}

// statsOf reads what the server prints of the size of a relation.
func statsOf(tuples, bytes string) *schema.Stats {
	rows, _ := strconv.ParseFloat(tuples, 64)
	return &schema.Stats{Rows: int64(rows), Bytes: number(bytes)}
}
