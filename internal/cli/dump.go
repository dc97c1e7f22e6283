package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

type dumpOptions struct {
	connection connectionOptions
	selection  selectionOptions
	file       string
	output     string
	json       bool
}

func newDumpCommand(env *Env) *cobra.Command {
	o := &dumpOptions{}
	cmd := &cobra.Command{
		Use:   "dump [flags]",
		Short: "Write the schema of a database as SQL",
		Long: `dump writes the SQL that builds the schema of a database, or another state, again.
psql can load it into an empty database, and plan can take it as the desired state.
Rows are not dumped.

With --output and a name that ends in / or is a directory, each object gets a file
of its own in folders by schema and kind, as in public/table/users.sql, and main.sql
loads them with psql. A dump into the same directory removes the files of objects that
are gone and keeps comments that start with -- cairn: at the top of their file.`,
		Example: `  cairn dump -d app > schema.sql
  cairn dump -d app --schema public --output schema/
  cairn dump --file snapshot:app.json > schema.sql`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDump(cmd.Context(), env, cmd, o)
		},
	}
	o.connection.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", stateInstead)
	flags.StringVarP(&o.output, "output", "o", "", "write to this `file` or directory instead of stdout")
	flags.BoolVar(&o.json, "json", false, "print the files and the findings as JSON")
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
	from, target, err := o.connection.stateOrTarget(env, c, cmd, o.file)
	if err != nil {
		return err
	}
	return withEngine(ctx, env, quiet(env), func(engine *cairn.Engine) error {
		files, findings, err := engine.Dump(ctx, cairn.DumpRequest{
			From: from, Target: target, Selection: o.selection.selection(c), Scratch: o.selection.scratch(c),
			Split: o.json || isDirectory(o.output),
		})
		if err != nil {
			return err
		}
		return o.write(env, files, findings)
	})
}

func (o *dumpOptions) write(env *Env, files []cairn.File, findings []schema.Finding) error {
	if !o.json {
		writeFindings(env, findings)
	}
	switch {
	case o.json:
		return printJSON(env, jsonDump{jsonFiles(files), append([]schema.Finding{}, findings...)})
	case isDirectory(o.output):
		return writeDirectory(env, o.output, files)
	}
	place := o.output
	if place == "" {
		place = toStdout
	}
	return writeOutput(env, place, func(w io.Writer) error { return writeScript(w, files[0].Text) })
}

// jsonDump is the result of dump --json.
type jsonDump struct {
	Files    []jsonFile       `json:"files"`
	Findings []schema.Finding `json:"findings"`
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

// writeScript writes the one file of a dump.
func writeScript(w io.Writer, text string) error {
	_, err := io.WriteString(w, sessionSettings+"\n"+text)
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

// cause is the error of a file operation without the path, which the caller
// names.
func cause(err error) error {
	var path *os.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
