package snapshot_test

import (
	"reflect"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/internal/snapshot"
	"github.com/cairn-db/cairn/schema"
)

// filled returns a value in which nothing is empty, and nothing like another.
func filled[T any]() T {
	var value T
	n := 0
	fill(reflect.ValueOf(&value).Elem(), &n)
	return value
}

func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString("text " + strconv.Itoa(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(-*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 3 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, n)
			fill(value, n)
			v.SetMapIndex(key, value)
		}
	default:
		panic("a state has a field of a kind that nothing is filled with: " + v.Kind().String())
	}
}

// Everything that a state has comes back, and so does what it lacks.
func TestPack(t *testing.T) {
	whole := filled[schema.State]()
	hollow := filled[schema.State]()
	for _, o := range hollow.Objects {
		*o = schema.Object{ID: o.ID, Attrs: []schema.Attr{}, Needs: []schema.ID{}}
	}
	hollow.Roles, hollow.Options, hollow.Members = []string{}, nil, map[schema.ID]schema.ID{}
	for name, want := range map[string]*schema.State{"filled": &whole, "hollow": &hollow, "new": schema.NewState(18), "zero": {}} {
		packed := snapshot.Pack(want)
		got, err := snapshot.Unpack(packed, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if string(snapshot.Pack(got)) != string(packed) {
			t.Errorf("%s: a state is packed in two ways", name)
		}
		for n := range packed {
			if _, err := snapshot.Unpack(packed[:n], nil); err == nil {
				t.Fatalf("%s: %d of %d bytes are a state", name, n, len(packed))
			}
			bent := append([]byte{}, packed...)
			bent[n] ^= 0xff
			_, _ = snapshot.Unpack(bent, nil) // whatever it is, it ends
		}
	}
}
