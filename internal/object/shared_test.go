package object_test

import (
	"reflect"
	"testing"

	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pgtest"
	"github.com/cairn-db/cairn/schema"
)

// A state that is read beside another one is the one that is read alone, leaves the
// other one as it was, and has the very objects of an equal one.
func TestReadBesideAnother(t *testing.T) {
	for _, major := range pgtest.Versions() {
		before, after := museum(t, major)
		urls := []string{clusters.Load(t, major, before), clusters.Load(t, major, after)}
		read := func(url string, like *schema.State) *schema.State {
			state, err := catalog.Read(t.Context(), pgtest.Connect(t, url), object.All(),
				catalog.Options{Server: major, Unowned: "museum_owner", With: []kind.Option{kind.Roles}, Like: like})
			if err != nil {
				t.Fatal(err)
			}
			return state
		}
		for i, url := range urls {
			other := read(urls[1-i], nil)
			alone, beside := read(url, nil), read(url, other)
			differ(t, major, "read beside another state", alone, beside)
			differ(t, major, "the other state afterwards", read(urls[1-i], nil), other)
			shared := 0
			for id, o := range read(url, alone).Objects {
				if o == alone.Objects[id] {
					shared++
				}
			}
			if shared == 0 || shared < len(alone.Objects) {
				t.Errorf("PostgreSQL %d: %d of %d objects are shared with an equal state", major, shared, len(alone.Objects))
			}
		}
	}
}

func differ(t *testing.T, major int, what string, want, got *schema.State) {
	t.Helper()
	if len(want.Objects) == 0 || len(want.Objects) != len(got.Objects) {
		t.Errorf("PostgreSQL %d: %s has %d objects, not %d", major, what, len(got.Objects), len(want.Objects))
	}
	for id, o := range want.Objects {
		if !reflect.DeepEqual(got.Objects[id], o) {
			t.Errorf("PostgreSQL %d: %s has %+v, not %+v", major, what, got.Objects[id], o)
		}
	}
}
