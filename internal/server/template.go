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
	"strings"
)

const (
	templateEnd    = "cairn-end"
	templateBuffer = 1 << 20
)

// template is an initialised data directory in the cache, which a temporary
// server copies because that is quicker than initdb. It is one archive, as
// reading a thousand small files takes longer than writing them. Its last
// entry shows that it is whole.
type template struct{ root, file string }

func templateFor(b Binaries, superuser string, o Options) template {
	root := filepath.Join(o.CacheDir, "initdb")
	sum := sha256.Sum256(fmt.Appendf(nil, "1\x00%s\x00%s\x00%s", b.Bin, b.Version, superuser))
	name := fmt.Sprintf("%s-uid%d-%x.tar", b.Version, os.Geteuid(), sum[:6])
	return template{root: root, file: filepath.Join(root, name)}
}

// makeTemporaryData fills a temporary data directory and reports whether it
// is a copy. With fresh a copy is not good enough.
func makeTemporaryData(ctx context.Context, b Binaries, acct account, data, superuser string, fresh bool, o Options) (copied bool, err error) {
	t := templateFor(b, superuser, o)
	if !fresh && t.copyTo(data, acct) == nil {
		return true, nil
	}
	if err := os.RemoveAll(data); err != nil {
		return false, err
	}
	if err := initData(ctx, b, acct, data, superuser, false); err != nil {
		return false, err
	}
	if !creatable(t.root) {
		return false, nil // a cache that is read-only holds no templates
	}
	if err := t.save(ctx, data); err != nil {
		return false, fmt.Errorf("keeping the initialised data directory in %s: %w", t.root, err)
	}
	return false, nil
}

// copyTo unpacks a template that is whole and was made by this user.
func (t template) copyTo(data string, acct account) error {
	f, err := os.Open(t.file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if ownerOf(info) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user", t.file)
	}
	if err := makeOwned(data, acct); err != nil {
		return err
	}
	var content []byte
	for r := tar.NewReader(bufio.NewReaderSize(f, templateBuffer)); ; {
		header, err := r.Next()
		if err != nil {
			return fmt.Errorf("%s is incomplete: %w", t.file, err)
		}
		if header.Name == templateEnd {
			return nil
		}
		if content, err = unpackEntry(data, header, r, content, acct); err != nil {
			return err
		}
	}
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
	if err := os.WriteFile(target, content, 0o600); err != nil {
		return content, err
	}
	return content, acct.own(target)
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
	if err := errors.Join(packTree(data, f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), t.file)
}

// packTree writes the directories and plain files below dir to an archive.
func packTree(dir string, to io.Writer) error {
	out := bufio.NewWriterSize(to, templateBuffer)
	w := tar.NewWriter(out)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := strings.TrimPrefix(path, dir+string(filepath.Separator))
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
	})
	if err != nil {
		return err
	}
	return errors.Join(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: templateEnd, Mode: 0o600}), w.Close(), out.Flush())
}
