package cache

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"sync"
)

// Program returns what tells the running program from every other build of it.
// Where the linker wrote a build ID, which has a hash of the whole binary, that is
// read; elsewhere the binary is hashed, which takes some 50 ms.
var Program = sync.OnceValues(func() (string, error) {
	name, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding the program: %w", err)
	}
	return identify(name)
})

func identify(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("identifying the program: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("identifying the program: %w", err)
	}
	if id := buildID(f); id != "" {
		return fmt.Sprintf("build %s size %d", id, info.Size()), nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hashing the program: %w", err)
	}
	return fmt.Sprintf("sha256 %x", h.Sum(nil)), nil
}

// buildID returns the ID that the Go linker wrote into an ELF binary, "" when
// there is none.
func buildID(r io.ReaderAt) string {
	binary, err := elf.NewFile(r)
	if err != nil {
		return ""
	}
	section := binary.Section(".note.go.buildid")
	if section == nil {
		return ""
	}
	id, err := section.Data()
	const header = 16                                                                  // sizes, type and the name "Go"
	if err != nil || len(id) <= header || bytes.Count(id[header:], []byte("/")) != 3 { // the last part is the hash
		return ""
	}
	return string(id[header:])
}
