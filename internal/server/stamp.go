package server

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Stamp describes the program of the server by its place, version, size and time:
// an upgrade changes it.
func (b Binaries) Stamp() (string, error) {
	info, err := os.Stat(filepath.Join(b.Bin, "postgres"))
	if err != nil {
		return "", fmt.Errorf("looking at PostgreSQL %s: %w", b.Version, err)
	}
	return fmt.Sprintf("%s %q size %d time %d", b.Version, b.Bin, info.Size(), info.ModTime().UnixNano()), nil
}

// StampDirectories writes name, size and time of what is directly in directories,
// which changes when an extension is installed, upgraded or removed. A directory
// that is not there holds nothing.
func StampDirectories(w io.Writer, names []string) error {
	for _, name := range names {
		files, err := os.ReadDir(name)
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("looking at the extensions of the server: %w", err)
		}
		fmt.Fprintf(w, "%q %d\n", name, len(files))
		for _, f := range files {
			info, err := os.Stat(filepath.Join(name, f.Name()))
			if err != nil { // a link that leads nowhere
				fmt.Fprintf(w, "%q\n", f.Name())
				continue
			}
			fmt.Fprintf(w, "%q %d %d\n", f.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return nil
}
