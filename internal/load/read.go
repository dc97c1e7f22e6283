package load

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// largestText is the size above which SQL is not read. PostgreSQL takes no
// statement that is longer.
const largestText = 1 << 30

// readFile reads SQL text from a file.
func readFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return readText(file)
}

// readText reads SQL text. It stops behind a zero byte, which no SQL has and with
// which the text is refused: what follows may never end.
func readText(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(&untilZero{r: r}, largestText+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > largestText:
		return "", fmt.Errorf("is larger than %d MB", largestText>>20)
	}
	return string(text), nil
}

// untilZero ends behind the read that has a zero byte.
type untilZero struct {
	r    io.Reader
	done bool
}

// Read reads on until there was a zero byte.
func (u *untilZero) Read(b []byte) (int, error) {
	if u.done {
		return 0, io.EOF
	}
	n, err := u.r.Read(b)
	u.done = bytes.IndexByte(b[:n], 0) >= 0
	return n, err
}
