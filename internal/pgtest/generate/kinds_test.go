package generate_test

import (
	"testing"

	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pgtest/generate"
)

// excused are the kinds that no generated schema has, and why.
var excused = map[string]string{
	"security_label": "it needs the library of a provider, and its cases cover it",
	"extension":      "which ones a server has installed differs",
	"subscription":   "it belongs to a publisher, and its cases cover it",
	"transform":      "its functions take internal values, which differ from language to language",
}

// The grammar makes every kind that there is.
func TestKinds(t *testing.T) {
	made := generate.Makes()
	for _, k := range object.All().All() {
		switch {
		case k.Option != "": // of the server: generated schemas share one
		case !made[k.Name] && excused[k.Name] == "":
			t.Errorf("the grammar makes no %s, and no reason is given", k.Name)
		case made[k.Name] && excused[k.Name] != "":
			t.Errorf("the grammar makes %s, which is excused", k.Name)
		}
		delete(made, k.Name)
	}
	for name := range made {
		t.Errorf("the grammar says that it makes %s, which is no kind", name)
	}
}
