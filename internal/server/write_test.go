package server

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A file is what was written, however it ends.
func TestWriteFile(t *testing.T) {
	acct := account{uid: os.Geteuid(), gid: os.Getegid()}
	zeros := make([]byte, 1<<20)
	for name, content := range map[string][]byte{
		"empty": {}, "text": []byte("text"), "zeros": zeros, "end": append([]byte("text"), zeros...), "middle": append(zeros[:9000:9000], 'x'),
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := acct.write(path, content); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s is %d bytes, not %d: %v", name, len(got), len(content), err)
		}
	}
	if err := acct.write(filepath.Join(t.TempDir(), "none", "x"), nil); !os.IsNotExist(err) {
		t.Errorf("unexpected error: %v", err)
	}
}
