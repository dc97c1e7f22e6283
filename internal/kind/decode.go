package kind

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/cairn-db/cairn/schema"
)

// Check reports an attribute of the object that its kind cannot read, which
// happens only when a query and its struct disagree or a file is corrupt.
func (k *Kind) Check(o *schema.Object) error {
	if len(o.Attrs) != len(k.Fields) {
		return fmt.Errorf("%s has %d attributes, its kind has %d", o.ID, len(o.Attrs), len(k.Fields))
	}
	for i, a := range o.Attrs {
		if a.Name != k.Fields[i] {
			return fmt.Errorf("%s has the attribute %s where its kind has %s", o.ID, a.Name, k.Fields[i])
		}
	}
	return nil
}

// Verify reports an object of a file that its kind cannot read: what Check
// reports, and values that are not of the type of their field.
func (k *Kind) Verify(o *schema.Object) error {
	if err := k.Check(o); err != nil {
		return err
	}
	for _, a := range o.Attrs {
		if a.Info != k.Info[a.Name] {
			return fmt.Errorf("%s has the attribute %s, of which it says wrongly whether it is compared", o.ID, a.Name)
		}
	}
	return k.decodes(o)
}

// Decode returns the attributes of the object as the struct of its kind. It
// panics when T is not that struct.
func Decode[T any](o *schema.Object) T { return decode[T](o) }

// decode is tryDecode for objects of a catalog, where an error is a defect.
func decode[T any](o *schema.Object) T {
	t, err := tryDecode[T](o)
	if err != nil {
		panic("kind: " + err.Error())
	}
	return t
}

// tryDecode fills T from the attributes, which are in the order of its fields.
func tryDecode[T any](o *schema.Object) (T, error) {
	var t T
	v := reflect.ValueOf(&t).Elem()
	if len(o.Attrs) != v.NumField() {
		return t, fmt.Errorf("%s has %d attributes, %T has %d fields", o.ID, len(o.Attrs), t, v.NumField())
	}
	for i, a := range o.Attrs {
		if err := decodeField(v.Field(i), a.Value); err != nil {
			return t, fmt.Errorf("attribute %s of %s: %w", a.Name, o.ID, err)
		}
	}
	return t, nil
}

func decodeField(f reflect.Value, value string) error {
	switch f.Kind() {
	case reflect.String:
		f.SetString(value)
	case reflect.Bool:
		f.SetBool(value == "t")
	case reflect.Int64:
		if value == "" {
			return nil
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return err
		}
		f.SetInt(n)
	case reflect.Slice:
		if value == "" {
			return nil
		}
		var list []string
		if err := json.Unmarshal([]byte(value), &list); err != nil {
			return err
		}
		f.Set(reflect.ValueOf(list))
	}
	return nil
}
