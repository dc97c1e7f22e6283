package load

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cairn-db/cairn/internal/pg"
)

// Source is the text of one file.
type Source struct {
	Name string // of the file, for messages and relative includes
	Text string
}

// standardInput is the name of the source that "-" reads.
const standardInput = "<stdin>"

// ReadFiles reads a file, the files *.sql below a directory in the order of
// their names, or standard input for "-". Hidden files and directories are
// skipped. Text that is no SQL, or no statement at all, is an error.
func ReadFiles(path string, stdin io.Reader) ([]Source, error) {
	if path == "-" {
		return readStdin(stdin)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	names := []string{path}
	if info.IsDir() {
		if names, err = findFiles(path); err != nil {
			return nil, err
		}
	}
	var sources []Source
	for _, name := range names {
		text, err := readFile(name)
		if err != nil {
			return nil, fileError(name, err)
		}
		sources = append(sources, Source{Name: name, Text: text})
	}
	return sources, requireStatements(path, sources)
}

func readStdin(stdin io.Reader) ([]Source, error) {
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	text, err := readText(stdin)
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	sources := []Source{{Name: standardInput, Text: text}}
	return sources, requireStatements(standardInput, sources)
}

func findFiles(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fileError(path, err)
		case path != dir && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && strings.EqualFold(filepath.Ext(path), ".sql"):
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, &SourceError{
			Path: dir, Msg: "the directory holds no .sql file",
			hint: "to drop everything use empty:",
		}
	}
	return names, nil
}

func requireStatements(path string, sources []Source) error {
	for _, source := range sources {
		statements, err := pg.Split(source.Name, source.Text)
		if err != nil {
			return err
		}
		if len(statements) > 0 {
			return nil
		}
	}
	return &SourceError{Path: path, Msg: "holds no SQL statement", hint: "to drop everything use empty:"}
}

func fileError(path string, err error) error {
	var known *fs.PathError
	message := err.Error()
	if errors.As(err, &known) {
		message = known.Err.Error()
	}
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		message, hint = "no such file or directory", "give the path of an SQL file or of a directory of them"
	}
	return &SourceError{Path: path, Msg: message, err: err, hint: hint}
}
