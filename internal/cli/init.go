package cli

import (
	"context"
	_ "embed" // the JSON Schema of cairn.yaml ships in the binary
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

//go:embed cairn.schema.json
var configSchema []byte

type initOptions struct {
	connection connectionOptions
	schemas    []string
	json       bool
}

func newInitCommand(env *Env) *cobra.Command {
	o := &initOptions{}
	cmd := &cobra.Command{
		Use:   "init [flags]",
		Short: "Write a cairn.yaml and a directory for the schema",
		Long: `init writes a commented cairn.yaml, its JSON Schema for editors, and the directory
schema/ into the working directory. With --db the schema of that database goes to
schema/, with a file for each object, unless SQL files are there. Files that are
there already are left as they are.`,
		Example: `  cairn init
  cairn init -d app`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runInit(cmd.Context(), env, cmd, o)
		},
	}
	o.connection.add(cmd)
	cmd.Flags().StringArrayVar(&o.schemas, "schema", nil, "dump this schema only, by `name`; repeatable")
	cmd.Flags().BoolVar(&o.json, "json", false, "print what was written as JSON")
	return cmd
}

// written is one line of what init reports.
type written struct {
	File    string `json:"file"`
	Created bool   `json:"created"` // false when it was there already
}

func runInit(ctx context.Context, env *Env, cmd *cobra.Command, o *initOptions) error {
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	target, _, err := o.connection.resolve(env, c, cmd)
	if err != nil {
		return err
	}
	var files []cairn.File
	if target.Database != "" || o.connection.host != "" {
		// The database is read before anything is written.
		if files, err = dumpForInit(ctx, env, c, target, o.schemas); err != nil {
			return err
		}
	}
	var report []written
	for _, f := range []struct{ name, text string }{
		{configFile, strings.ReplaceAll(configTemplate, "LOCAL_URL", localURL(target.Database))},
		{"cairn.schema.json", string(configSchema)},
	} {
		created, err := writeNew(f.name, f.text)
		if err != nil {
			return err
		}
		report = append(report, written{f.name, created})
	}
	line, err := writeSchema(env, files)
	if err != nil {
		return err
	}
	return printWritten(env, o.json, append(report, line))
}

// schemaTemplate is the desired state that init writes without a database.
const schemaTemplate = `-- The desired state: write CREATE statements here, in any order.
--
-- CREATE TABLE books (
--     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
--     title text NOT NULL
-- );
`

// writeSchema writes the dumped files, or else a template, to schema/.
func writeSchema(env *Env, files []cairn.File) (written, error) {
	const dir = "schema/"
	if files == nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return written{}, writing(dir, cause(err))
		}
		created, err := writeNew(dir+"schema.sql", schemaTemplate)
		return written{dir + "schema.sql", created}, err
	}
	taken, err := holdsSQL(dir)
	if err != nil || taken {
		return written{dir, false}, err
	}
	return written{dir, true}, writeDirectory(env, dir, files)
}

// holdsSQL reports whether a directory exists and has a .sql file, also in its
// folders.
func holdsSQL(dir string) (bool, error) {
	found := false
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.EqualFold(filepath.Ext(path), ".sql") {
			found = true
			return fs.SkipAll
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", dir, cause(err))
	}
	return found, nil
}

func dumpForInit(ctx context.Context, env *Env, c *config, target cairn.Connection, schemas []string) (files []cairn.File, err error) {
	var findings []schema.Finding
	err = withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		s := selectionOptions{schemas: schemas}
		files, findings, err = engine.Dump(ctx, cairn.DumpRequest{
			Target: target, Selection: s.selection(c), Scratch: s.scratch(c), Split: true,
		})
		return err
	})
	writeFindings(env, findings)
	return files, err
}

// writeNew writes a file that is not there yet.
func writeNew(name, text string) (created bool, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, writing(name, cause(err))
	}
	_, err = io.WriteString(f, text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return true, writing(name, err)
}

// localURL is the target for cairn.yaml, which never holds a password.
func localURL(database string) string {
	switch {
	case database == "":
		return "embedded:local"
	case pg.HasPassword(database):
		return "${DATABASE_URL}"
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(database)
}

func printWritten(env *Env, asJSON bool, report []written) error {
	if asJSON {
		return printJSON(env, report)
	}
	return writeOutput(env, toStdout, func(w io.Writer) error {
		for _, line := range report {
			what := "created"
			if !line.Created {
				what = "kept   "
			}
			fmt.Fprintf(w, "%s %s\n", what, line.File)
		}
		fmt.Fprintln(w, "\nEdit schema/, then run: cairn plan --env local")
		return nil
	})
}

const configTemplate = `# yaml-language-server: $schema=./cairn.schema.json

# The desired state: a .sql file, or a directory of them in any order.
schema: schema/

# Schemas to manage. Default: every schema that is not PostgreSQL's own.
# schemas: [public, app]

# Objects to leave alone, as KIND:NAME with * for any text.
# ignore: ["table:public.tmp_*", "*:audit.*"]

# What the scratch server must look like that SQL files are loaded into.
# Default: the same as the target.
# postgres: {version: 17, extensions: [pg_trgm]}

# Targets for --env. Passwords belong into variables, .env or ~/.pgpass.
environments:
  local: {url: "LOCAL_URL"}
  # production: {url: "${DATABASE_PUBLIC_URL}", lock_timeout: 3s}
`
