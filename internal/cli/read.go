package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// maxText is the size above which a configuration is not read. A device or a
// pipe has no size, so what is read counts.
const maxText = 4 << 20

// readText reads a small text file.
func readText(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxText+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxText:
		return nil, fmt.Errorf("is larger than %d MB", maxText>>20)
	case bytes.IndexByte(text, 0) >= 0:
		return nil, fmt.Errorf("is no text: byte %d is zero", bytes.IndexByte(text, 0)+1)
	}
	return text, nil
}
