package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page in docs has a line for every change that is measured.
func TestPageComplete(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("../../../docs/online.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range scenarios() {
		for _, ch := range changes(1000) {
			if label := in.label(ch); (in.name == "" || crowded(ch.name)) && !strings.Contains(string(page), "\n| "+label+" | ") {
				t.Errorf("docs/online.md has no line for %q", label)
			}
		}
	}
}
