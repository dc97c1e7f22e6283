package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
)

type dumpOptions struct {
	connection connectionOptions
	selection  selectionOptions
	output     string
	json       bool
}

func newDumpCommand(env *Env) *cobra.Command {
	o := &dumpOptions{}
	cmd := &cobra.Command{
		Use:   "dump [flags]",
		Short: "Write the schema of a database as SQL",
		Long: `dump writes the SQL that builds the schema of a database again. psql can load it into
an empty database, and plan can take it as the desired state. Rows are not dumped.

With --output and a name that ends in / or is a directory, each object gets a file
of its own.`,
		Example: `  cairn dump -d app > schema.sql
  cairn dump -d app --schema public --output schema/`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDump(cmd.Context(), env, cmd, o)
		},
	}
	o.connection.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "write to this `file` or directory instead of stdout")
	flags.BoolVar(&o.json, "json", false, "print the files as JSON")
	o.selection.add(cmd)
	return cmd
}

func runDump(ctx context.Context, env *Env, cmd *cobra.Command, o *dumpOptions) error {
	if o.json && o.output != "" {
		return hintf("give one of them", "--json and --output both say where the result goes")
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	target, _, err := o.connection.resolve(env, c, cmd)
	if err != nil {
		return err
	}
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		files, err := engine.Dump(ctx, cairn.DumpRequest{
			Target: target, Selection: o.selection.selection(c), Scratch: o.selection.scratch(c),
		})
		if err != nil {
			return err
		}
		return o.write(env, files)
	})
}

func (o *dumpOptions) write(env *Env, files []cairn.File) error {
	switch {
	case o.json:
		return printJSON(env, jsonFiles(files))
	case isDirectory(o.output):
		return writeDirectory(env, o.output, files)
	}
	place := o.output
	if place == "" {
		place = toStdout
	}
	return writeOutput(env, place, func(w io.Writer) error { return writeConcatenated(w, files) })
}

type jsonFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func jsonFiles(files []cairn.File) []jsonFile {
	list := []jsonFile{}
	for _, f := range files {
		list = append(list, jsonFile(f))
	}
	return list
}

// writeConcatenated writes all files as one script.
func writeConcatenated(w io.Writer, files []cairn.File) error {
	var b strings.Builder
	b.WriteString(sessionSettings)
	for _, f := range files {
		b.WriteString("\n" + strings.TrimRight(f.Text, "\n") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// isDirectory reports whether an output names a directory.
func isDirectory(name string) bool {
	if strings.HasSuffix(name, "/") {
		return true
	}
	stat, err := os.Stat(name)
	return name != "" && err == nil && stat.IsDir()
}

// writeDirectory writes a file for each object and names those that were there
// before and are not part of the dump, since plan would read them too.
func writeDirectory(env *Env, dir string, files []cairn.File) error {
	written := map[string]bool{}
	for _, f := range files {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("writing %s: the name %q leaves the directory", dir, f.Name)
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return writing(path, cause(err))
		}
		if err := os.WriteFile(path, []byte(f.Text), 0o644); err != nil {
			return writing(path, cause(err))
		}
		written[path] = true
	}
	fmt.Fprintf(env.Err, "wrote %s to %s\n", count(len(files), "file"), dir)
	left, err := strangers(dir, written)
	if err != nil {
		return fmt.Errorf("reading %s: %w", dir, err)
	}
	if len(left) > 0 {
		warn(env, "these files are not part of the dump, and plan would read them too:\n%s", strings.Join(left, "\n"))
	}
	return nil
}

// strangers lists the .sql files below dir that were not written.
func strangers(dir string, written map[string]bool) ([]string, error) {
	var left []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".sql") && !written[filepath.Clean(path)] {
			left = append(left, path)
		}
		return err
	})
	slices.Sort(left)
	return left, err
}

// cause is the error of a file operation without the path, which the caller
// names.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
