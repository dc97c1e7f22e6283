package server

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const manifestName = "cairn-manifest.json"

// manifest is written last into a directory of the cache and tells a whole
// one from a torn one.
type manifest struct {
	Bin   string   `json:"bin,omitempty"`  // relative directory of the programs
	Libs  []string `json:"libs,omitempty"` // relative directories of their libraries
	Files int      `json:"files"`
	Bytes int64    `json:"bytes"`
}

// measure counts the files and bytes below dir, without the manifest.
func measure(dir string) (files int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == filepath.Join(dir, manifestName) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		if info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return files, bytes, err
}

func writeManifest(dir string, m manifest) error {
	var err error
	if m.Files, m.Bytes, err = measure(dir); err != nil {
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestName), text, 0o644)
}

func readManifest(dir string) (manifest, error) {
	var m manifest
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s: %w", filepath.Join(dir, manifestName), err)
	}
	return m, nil
}

// checkManifest refuses a directory that does not hold what was put there.
func checkManifest(dir string) (manifest, error) {
	m, err := readManifest(dir)
	if err != nil {
		return m, err
	}
	files, bytes, err := measure(dir)
	if err != nil {
		return m, err
	}
	if files != m.Files || bytes != m.Bytes {
		return m, fmt.Errorf("it is incomplete: %d files of %d bytes, not %d of %d", files, bytes, m.Files, m.Bytes)
	}
	return m, nil
}
