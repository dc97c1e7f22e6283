package sealed

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
)

// shape says how values of a type are written, so that a strict reader need not
// ask for it at each value.
type shape struct {
	of     reflect.Type
	kind   reflect.Kind // Invalid for what is left to encoding/json
	fields []field      // of a struct
	elem   *shape       // of a list or a pointer
}

// field is one of a struct.
type field struct {
	index    int
	key      string // as it is written, with its quotes
	optional bool   // it is left out where it is empty
	shape    *shape
}

// shapes returns the shape of a struct, nil when it has fields that this package
// and encoding/json could write in different ways.
func shapes(of reflect.Type) *shape {
	known := map[reflect.Type]*shape{}
	s := shapeOf(of, known)
	for _, s := range known {
		if s == nil {
			return nil
		}
	}
	if s.kind != reflect.Struct {
		return nil
	}
	return s
}

func shapeOf(of reflect.Type, known map[reflect.Type]*shape) *shape {
	if s, found := known[of]; found {
		return s
	}
	s := &shape{of: of}
	known[of] = s
	if writesItself(of) {
		return s
	}
	switch of.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Int32:
		s.kind = of.Kind()
	case reflect.Slice:
		if of.Elem().Kind() != reflect.Uint8 {
			s.kind, s.elem = of.Kind(), shapeOf(of.Elem(), known)
		}
	case reflect.Pointer:
		s.kind, s.elem = of.Kind(), shapeOf(of.Elem(), known)
	case reflect.Struct:
		s.kind = of.Kind()
		for i := range of.NumField() {
			name, option, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			f := field{index: i, key: `"` + name + `"`, optional: option == "omitempty", shape: shapeOf(of.Field(i).Type, known)}
			if !plainField(of.Field(i), name, option, f.shape) {
				known[of] = nil
			}
			s.fields = append(s.fields, f)
		}
	}
	return s
}

// plainField reports whether there is one way to write a field.
func plainField(f reflect.StructField, name, option string, s *shape) bool {
	known := name != "" && name != "-" && f.IsExported() && !f.Anonymous && (option == "" || option == "omitempty")
	return known && s != nil && (option == "" || s.kind != reflect.Invalid && s.kind != reflect.Struct)
}

// writesItself reports whether a type says how it is written or read.
func writesItself(of reflect.Type) bool {
	for _, t := range []reflect.Type{of, reflect.PointerTo(of)} {
		if t.Implements(marshaler) || t.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
			t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || t.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			return true
		}
	}
	return false
}
