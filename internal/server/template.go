package server

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	templateFirst  = "cairn-first" // after what a server starts with
	templateEnd    = "cairn-end"
	templateBuffer = 1 << 20
	templateKept   = 30 * 24 * time.Hour // after its last use
)

// template is an initialised data directory in the cache, which a temporary
// server copies because that is quicker than initdb. It is one archive, as
// reading a thousand small files takes longer than writing them. Its last
// entry shows that it is whole.
//
// Where the server has a database of its own, those that initdb makes are in a
// second part, which is copied only for a server that is asked for another one.
type template struct {
	root, file string
	database   string // of the server's own, or ""
}

func templateFor(b Binaries, c Config, o Options) template {
	root := filepath.Join(o.CacheDir, "initdb")
	sum := sha256.Sum256(fmt.Appendf(nil, "4\x00%s\x00%s\x00%s\x00%s", b.Bin, b.Version, c.superuser(), c.Database))
	name := fmt.Sprintf("%s-uid%d-%x.tar", b.Version, os.Geteuid(), sum[:6])
	return template{root: root, file: filepath.Join(root, name), database: c.Database}
}

// makeTemporaryData fills a temporary data directory and reports whether it
// is a copy. With fresh a copy is not good enough.
func makeTemporaryData(ctx context.Context, b Binaries, acct account, data string, c Config, fresh bool, o Options) (copied bool, err error) {
	t := templateFor(b, c, o)
	if !fresh && t.copyTo(data, acct, templateFirst) == nil {
		return true, nil
	}
	if err := os.RemoveAll(data); err != nil {
		return false, err
	}
	if err := initData(ctx, b, acct, data, c.superuser(), false); err != nil {
		return false, err
	}
	if c.Database != "" {
		if err := makeOnly(ctx, b, acct, data, c.Database); err != nil {
			return false, err
		}
	}
	if !creatable(t.root) {
		return false, nil // a cache that is read-only holds no templates
	}
	if err := t.save(ctx, data); err != nil {
		return false, fmt.Errorf("keeping the initialised data directory in %s: %w", t.root, err)
	}
	return false, nil
}

// copyTo unpacks a part of a template that was made by this user: up to the entry
// that ends it, from the end of the first part on when it is the second.
func (t template) copyTo(data string, acct account, end string) error {
	f, err := os.Open(t.file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	switch {
	case ownerOf(info) != os.Geteuid():
		return fmt.Errorf("%s belongs to another user", t.file)
	case !isWhole(f, info.Size()):
		return fmt.Errorf("%s is incomplete", t.file)
	}
	if err := makeOwned(data, acct); err != nil {
		return err
	}
	var content []byte
	wanted := end == templateFirst
	for r := tar.NewReader(bufio.NewReaderSize(f, templateBuffer)); ; {
		header, err := r.Next()
		if err != nil {
			return fmt.Errorf("%s is incomplete: %w", t.file, err)
		}
		switch {
		case header.Name == end:
			now := time.Now()
			_ = os.Chtimes(t.file, now, now) // only when it goes depends on it
			return nil
		case header.Name == templateFirst:
			wanted = true
			continue
		case !wanted:
			continue
		}
		if content, err = unpackEntry(data, header, r, content, acct); err != nil {
			return err
		}
	}
}

// isWhole reports whether an archive ends with its last entry, which has no content
// and is followed by two empty blocks.
func isWhole(f io.ReaderAt, size int64) bool {
	const block = 512
	head := make([]byte, len(templateEnd))
	_, err := f.ReadAt(head, max(0, size-3*block))
	return err == nil && string(head) == templateEnd
}

// unpackEntry writes one file or directory. The buffer is handed from one
// file to the next.
func unpackEntry(data string, header *tar.Header, r io.Reader, content []byte, acct account) ([]byte, error) {
	if !filepath.IsLocal(header.Name) {
		return content, fmt.Errorf("odd name %q", header.Name)
	}
	target := filepath.Join(data, header.Name)
	if header.Typeflag == tar.TypeDir {
		return content, errors.Join(os.Mkdir(target, 0o700), acct.own(target))
	}
	if int64(cap(content)) < header.Size {
		content = make([]byte, header.Size)
	}
	content = content[:header.Size]
	if _, err := io.ReadFull(r, content); err != nil {
		return content, err
	}
	return content, acct.write(target, content)
}

// save puts a copy of a data directory that no server has used yet into the
// cache.
func (t template) save(ctx context.Context, data string) (err error) {
	if err := mkdirShared(t.root); err != nil {
		return err
	}
	lock, err := lockFile(ctx, filepath.Join(t.root, ".lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := removeUnfinished(t.root); err != nil {
		return err
	}
	f, err := os.CreateTemp(t.root, ".new-")
	if err != nil {
		return err
	}
	if err := errors.Join(t.pack(data, f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), t.file); err != nil {
		return err
	}
	return t.removeOld()
}

// removeOld removes the templates of this user that were not used for long, such as
// those of servers and programs that are gone. The caller holds the lock.
func (t template) removeOld() error {
	files, err := filepath.Glob(filepath.Join(t.root, "*.tar"))
	if err != nil {
		return err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || ownerOf(info) != os.Geteuid() || time.Since(info.ModTime()) < templateKept {
			continue
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// pack writes the directories and plain files below dir to an archive.
func (t template) pack(dir string, to io.Writer) error {
	out := bufio.NewWriterSize(to, templateBuffer)
	w := tar.NewWriter(out)
	own, err := t.own(dir)
	if err != nil {
		return err
	}
	for _, end := range []string{templateFirst, templateEnd} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			name := strings.TrimPrefix(path, dir+string(filepath.Separator))
			if isMap(d) || partOf(name, own) != end {
				return nil
			}
			return packEntry(w, path, name, d)
		})
		if err == nil {
			err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: end, Mode: 0o600})
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), out.Flush())
}

// own returns the number of the server's own database, 0 when it has none. It was
// made last, and so it is the highest.
func (t template) own(dir string) (number int, err error) {
	if t.database == "" {
		return 0, nil
	}
	databases, err := os.ReadDir(filepath.Join(dir, "base"))
	for _, d := range databases {
		n, err := strconv.Atoi(d.Name())
		if err == nil {
			number = max(number, n)
		}
	}
	return number, err
}

// partOf names the entry that ends the part a file is in: the second part holds all
// databases but the server's own, if there is one.
func partOf(name string, own int) string {
	rest, below := strings.CutPrefix(name, "base"+string(filepath.Separator))
	number, _, _ := strings.Cut(rest, string(filepath.Separator))
	if own != 0 && below && number != strconv.Itoa(own) {
		return templateEnd
	}
	return templateFirst
}

// isMap reports whether a file is a map of free space or of visibility, which
// PostgreSQL makes again when it needs one. They are a quarter of the files.
func isMap(d fs.DirEntry) bool {
	return !d.IsDir() && (strings.HasSuffix(d.Name(), "_fsm") || strings.HasSuffix(d.Name(), "_vm"))
}

func packEntry(w *tar.Writer, path, name string, d fs.DirEntry) error {
	switch {
	case d.IsDir():
		return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o700})
	case !d.Type().IsRegular():
		return fmt.Errorf("%s is neither a file nor a directory", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
