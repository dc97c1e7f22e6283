// Package cache keeps bytes under keys in a directory, the least recently used
// of them for as long as there is room. It does not know what they mean.
//
// An entry that is torn, was edited or lies under another name is none. Several
// processes can use one directory: each entry is a file that is renamed into its
// place, and nothing is ever written into.
package cache

import (
	"bytes"
	"cmp"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Limit is the size that a directory is kept below, in bytes.
const Limit = 256 << 20

// Most is the number of entries that a directory is kept below: it is listed
// whenever one is added.
const Most = 4096

// largest is the size above which an entry is not unpacked.
const largest = 1 << 30

// abandoned is the age at which an unfinished file belongs to nobody any more.
const abandoned = time.Hour

// magic starts each entry and names its form.
const magic = "cairn cache 1\n"

const (
	unfinished = ".new-"
	extension  = ".entry"
)

// Key names an entry.
type Key [sha256.Size]byte

// Dir is a directory of entries. It is made when the first entry is.
type Dir struct {
	Path  string
	Limit int64 // 0 for Limit
	Most  int   // 0 for Most
}

// Usage is what a directory holds.
type Usage struct {
	Entries int
	Bytes   int64
}

func (d Dir) file(key Key) string { return filepath.Join(d.Path, hex.EncodeToString(key[:])+extension) }

// Get returns the entry of a key, and nil when there is none. An error says why
// what is there cannot be used.
func (d Dir) Get(key Key) ([]byte, error) {
	if err := d.checkOwn(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	name := d.file(key)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a cache entry: %w", err)
	}
	content, err := unpack(key, text)
	if err != nil {
		return nil, fmt.Errorf("reading the cache entry %s: %w", name, err)
	}
	now := time.Now()
	_ = os.Chtimes(name, now, now) // only the order in which entries go depends on it
	return content, nil
}

// Put keeps an entry, and removes those that were not used for longest when there
// are too many.
func (d Dir) Put(key Key, content []byte) error {
	packed, err := pack(key, content)
	if err != nil {
		return fmt.Errorf("writing a cache entry: %w", err)
	}
	if int64(len(packed)) > d.limit() {
		return fmt.Errorf("writing a cache entry: %d bytes are more than the cache holds", len(packed))
	}
	if err := d.make(); err != nil {
		return err
	}
	if err := d.write(key, packed); err != nil {
		return fmt.Errorf("writing a cache entry: %w", err)
	}
	return d.trim()
}

// Usage returns how large the directory is.
func (d Dir) Usage() (Usage, error) {
	entries, err := d.entries()
	var u Usage
	for _, e := range entries {
		if !e.unfinished {
			u.Entries++
			u.Bytes += e.size
		}
	}
	return u, err
}

// Clear removes all entries and returns what they were.
func (d Dir) Clear() (Usage, error) {
	entries, err := d.entries()
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	for _, e := range entries {
		if e.unfinished && !e.abandoned() {
			continue
		}
		if err := remove(e); err != nil {
			return u, err
		}
		if !e.unfinished {
			u.Entries++
			u.Bytes += e.size
		}
	}
	return u, nil
}

func (d Dir) limit() int64 { return cmp.Or(d.Limit, Limit) }

func (d Dir) most() int { return cmp.Or(d.Most, Most) }

// checkOwn refuses a directory that others can write to or read.
func (d Dir) checkOwn() error {
	info, err := os.Lstat(d.Path)
	if err != nil {
		return fmt.Errorf("looking at the cache: %w", err)
	}
	own, _ := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", d.Path)
	case own == nil || int(own.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to another user", d.Path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("others can enter %s", d.Path)
	}
	return nil
}

func (d Dir) make() error {
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o755); err != nil {
		return fmt.Errorf("making the cache: %w", err)
	}
	if err := os.Mkdir(d.Path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the cache: %w", err)
	}
	return d.checkOwn()
}

func (d Dir) write(key Key, packed []byte) (err error) {
	f, err := os.CreateTemp(d.Path, unfinished) // with 0600
	if err != nil {
		return err
	}
	_, err = f.Write(packed)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), d.file(key))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// entry is a file of the directory.
type entry struct {
	name       string
	size       int64
	used       time.Time
	unfinished bool
}

// abandoned reports whether nobody will finish an unfinished file.
func (e entry) abandoned() bool { return time.Since(e.used) > abandoned }

// entries lists the files of the directory. Files of others are none.
func (d Dir) entries() ([]entry, error) {
	if err := d.checkOwn(); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(d.Path)
	if err != nil {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	var list []entry
	for _, f := range files {
		open := strings.HasPrefix(f.Name(), unfinished)
		if !open && !strings.HasSuffix(f.Name(), extension) {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process has removed it
		}
		if err != nil {
			return nil, fmt.Errorf("reading the cache: %w", err)
		}
		list = append(list, entry{filepath.Join(d.Path, f.Name()), info.Size(), info.ModTime(), open})
	}
	return list, nil
}

func remove(e entry) error {
	if err := os.Remove(e.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a cache entry: %w", err)
	}
	return nil
}

// trim removes what was not used for longest until a tenth of the directory is
// free again, so that not every entry has to.
func (d Dir) trim() error {
	entries, err := d.entries()
	if err != nil {
		return err
	}
	var total int64
	var whole []entry
	for _, e := range entries {
		switch {
		case !e.unfinished:
			whole = append(whole, e)
			total += e.size
		case e.abandoned():
			if err := remove(e); err != nil {
				return err
			}
		}
	}
	if total <= d.limit() && len(whole) <= d.most() {
		return nil
	}
	slices.SortFunc(whole, func(a, b entry) int { return a.used.Compare(b.used) })
	for i, e := range whole {
		if total <= d.limit()*9/10 && len(whole)-i <= d.most()*9/10 {
			break
		}
		if err := remove(e); err != nil {
			return err
		}
		total -= e.size
	}
	return nil
}

// pack returns the form of an entry: the magic, a checksum over key and rest, the
// size of the content, and the content compressed.
func pack(key Key, content []byte) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(magic)
	b.Write(make([]byte, sha256.Size))
	b.Write(binary.AppendUvarint(nil, uint64(len(content))))
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(content)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	packed := b.Bytes()
	sum := checksum(key, packed[len(magic)+sha256.Size:])
	copy(packed[len(magic):], sum[:])
	return packed, nil
}

func checksum(key Key, rest []byte) [sha256.Size]byte {
	h := sha256.New()
	h.Write(key[:])
	h.Write(rest)
	return [sha256.Size]byte(h.Sum(nil))
}

func unpack(key Key, packed []byte) ([]byte, error) {
	broken := errors.New("it is torn, was edited or is another's")
	start := len(magic) + sha256.Size
	if len(packed) < start || string(packed[:len(magic)]) != magic {
		return nil, broken
	}
	rest := packed[start:]
	if sum := checksum(key, rest); !bytes.Equal(sum[:], packed[len(magic):start]) {
		return nil, broken
	}
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > largest {
		return nil, broken
	}
	content := make([]byte, size)
	r := flate.NewReader(bytes.NewReader(rest[n:]))
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, broken
	}
	return content, nil
}
