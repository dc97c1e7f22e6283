package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
)

// indexFile is the file of a dumped directory that loads the others. It also
// says which files the dump wrote.
const indexFile = "main.sql"

const (
	indexHeader = "-- Written by cairn dump."
	indexDigest = "-- Files: sha256:"
	indexLine   = `\ir `
)

// directive matches a comment that is an instruction to cairn.
var directive = regexp.MustCompile(`^--\s*cairn:`)

// directory is where a dump goes that has a file for each object. Names are
// relative, with slashes, and cannot leave it.
type directory struct {
	name    string
	root    *os.Root
	private bool // closed to others
}

// writeDirectory writes a file for each object and the index. It removes the
// files that an earlier dump wrote and this one does not have, and names those
// of others, since plan would read them too.
func writeDirectory(env *Env, name string, files []cairn.File) error {
	if err := checkPlanted(name); err != nil {
		return err
	}
	if err := os.MkdirAll(name, folderMode(env.private)); err != nil {
		return writing(name, cause(err))
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return writing(name, cause(err))
	}
	defer root.Close()
	d := directory{name, root, env.private}
	stale, err := d.listed()
	if err != nil {
		return err
	}
	files = append(slices.Clone(files), cairn.File{Name: indexFile, Text: indexText(files)})
	if err := d.keepDirectives(files); err != nil {
		return err
	}
	for _, f := range files {
		delete(stale, f.Name)
	}
	// The index comes last, so that an interrupted dump can be repeated.
	for i, f := range files {
		if i == len(files)-1 {
			if err := d.remove(env, stale); err != nil {
				return err
			}
		}
		if err := d.write(f); err != nil {
			return err
		}
	}
	fmt.Fprintf(env.Err, "wrote %s to %s\n", count(len(files), "file"), name)
	return d.warnOfStrangers(env, files)
}

// indexText is a script for psql that loads the files in their order.
func indexText(files []cairn.File) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(indexLine + f.Name + "\n")
	}
	list := b.String()
	return indexHeader + " psql -X -f " + indexFile + " loads the schema into an empty database.\n" +
		indexDigest + digest(list) + "\n\n\\set ON_ERROR_STOP on\n" + sessionSettings + "\n" + list
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// listed returns the files that the index of an earlier dump names, none when
// somebody edited it. An index of somebody else is an error.
func (d directory) listed() (map[string]bool, error) {
	text, err := d.root.ReadFile(indexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.path(indexFile), cause(err))
	}
	names, sum, ours := map[string]bool{}, "", false
	var list strings.Builder
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if rest, found := strings.CutPrefix(line, indexDigest); found {
			sum = rest
		}
		if name, found := strings.CutPrefix(line, indexLine); found && path.Ext(name) == ".sql" {
			names[name] = true
			list.WriteString(line + "\n")
		}
		ours = ours || strings.HasPrefix(line, indexHeader)
	}
	switch {
	case !ours:
		return nil, hintf("move it away, or dump into another directory", "%s exists and was not written by cairn dump", d.path(indexFile))
	case sum != digest(list.String()):
		return nil, nil
	}
	return names, nil
}

// keepDirectives puts the directives of the files that are there at the top of
// those that replace them.
func (d directory) keepDirectives(files []cairn.File) error {
	for i, f := range files {
		directives, err := d.directives(f.Name)
		if err != nil {
			return err
		}
		if len(directives) > 0 {
			files[i].Text = strings.Join(directives, "\n") + "\n\n" + f.Text
		}
	}
	return nil
}

// directives returns the directives of a file, none when there is no file.
func (d directory) directives(name string) ([]string, error) {
	text, err := d.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", d.path(name), cause(err))
	}
	comments, err := pg.Comments(d.path(name), string(text))
	if err != nil {
		return nil, hintf("correct the file, or remove it", "reading the directives of %w", err)
	}
	return slices.DeleteFunc(comments, func(c string) bool { return !directive.MatchString(c) }), nil
}

func (d directory) write(f cairn.File) error {
	if old, err := d.root.ReadFile(f.Name); err == nil && string(old) == f.Text && !d.private {
		return nil
	}
	err := d.root.MkdirAll(path.Dir(f.Name), folderMode(d.private))
	if err == nil {
		err = replaceIn(d.root, f.Name, whole([]byte(f.Text)), d.private)
	}
	if err != nil {
		return writing(d.path(f.Name), cause(err))
	}
	return nil
}

func folderMode(private bool) fs.FileMode {
	if private {
		return 0o700
	}
	return 0o755
}

// remove deletes files that an earlier dump wrote, and the folders that are
// empty without them. A file that somebody gave a directive is left.
func (d directory) remove(env *Env, stale map[string]bool) error {
	for _, name := range slices.Sorted(maps.Keys(stale)) {
		if directives, err := d.directives(name); err != nil || len(directives) > 0 {
			continue
		}
		err := d.root.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("removing %s: %w", d.path(name), cause(err))
		}
		fmt.Fprintf(env.Err, "removed %s\n", d.path(name))
		for folder := path.Dir(name); folder != "." && d.root.Remove(folder) == nil; {
			folder = path.Dir(folder)
		}
	}
	return nil
}

// warnOfStrangers names the .sql files that are not part of the dump.
func (d directory) warnOfStrangers(env *Env, files []cairn.File) error {
	written := map[string]bool{}
	for _, f := range files {
		written[f.Name] = true
	}
	var left []string
	err := fs.WalkDir(d.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && strings.EqualFold(path.Ext(name), ".sql") && !written[name]:
			left = append(left, d.path(name))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", d.name, cause(err))
	}
	if len(left) > 0 {
		warn(env, "these files are not part of the dump, and plan would read them too:\n%s", strings.Join(left, "\n"))
	}
	return nil
}

// path is the name of a file for the reader.
func (d directory) path(name string) string { return filepath.Join(d.name, filepath.FromSlash(name)) }
