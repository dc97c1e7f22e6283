package object_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/object"
)

// docs/objects.md is made of the kinds' own descriptions.
func TestObjectsPage(t *testing.T) {
	const path = "../../docs/objects.md"
	want := objectsPage()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/objects.md is stale, run go test ./internal/object -run TestObjectsPage -update (-want +got):\n%s", diff)
	}
}

func objectsPage() string {
	kinds := slices.SortedFunc(slices.Values(object.All().All()), func(a, b *kind.Kind) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteString("# Objects\n\nWhat Cairn manages, one kind a row. The page is made from the kinds themselves. Objects of other kinds are named as\nunmanaged in every plan and left alone.\n\n")
	b.WriteString("| kind | what | compared attributes |\n| --- | --- | --- |\n")
	for _, k := range kinds {
		since := ""
		if k.Since > 0 {
			since = fmt.Sprintf(" PostgreSQL %d and later.", k.Since)
		}
		fmt.Fprintf(&b, "| `%s` | %s%s | %s |\n", k.Name, k.Doc, since, strings.Join(slices.DeleteFunc(slices.Clone(k.Fields), func(f string) bool { return k.Info[f] }), ", "))
	}
	return b.String()
}
