package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// closeLimit bounds how long stopping the shadow may take after an interrupt.
const closeLimit = 20 * time.Second

// globalOptions are the flags of every command.
type globalOptions struct {
	config  string
	noColor bool
	debug   bool
}

func addGlobalFlags(env *Env, root *cobra.Command) {
	o := &env.global
	flags := root.PersistentFlags()
	flags.StringVar(&o.config, "config", "", "configuration `file` (default: cairn.yaml in the working directory)")
	flags.BoolVar(&o.noColor, "no-color", false, "do not colour the output; NO_COLOR does the same")
	flags.BoolVar(&o.debug, "debug", false, "log what is done, with timings, to stderr")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := flagsFromEnvironment(env, cmd); err != nil {
			return err
		}
		if o.noColor || env.Getenv("NO_COLOR") != "" || env.Getenv("TERM") == "dumb" {
			env.Color = false
		}
		if o.debug {
			env.log = slog.New(slog.NewTextHandler(env.Err, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		return nil
	}
}

// connectionOptions say how to reach the target.
type connectionOptions struct {
	db, env, host, port, user, sslmode string
}

func (o *connectionOptions) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.db, "db", "d", "", "`target`: a database name, connection string or URL as for psql, or embedded:NAME")
	flags.StringVar(&o.env, "env", "", "environment of cairn.yaml to use as the target, by `name`")
	flags.StringVar(&o.host, "host", "", "database server `host` or socket directory")
	flags.StringVar(&o.port, "port", "", "database server `port`")
	flags.StringVar(&o.user, "user", "", "database user `name`")
	flags.StringVar(&o.sslmode, "sslmode", "", "TLS `mode`: disable, allow, prefer, require, verify-ca, verify-full")
}

// resolve returns the connection and, when one was chosen, the environment.
func (o *connectionOptions) resolve(env *Env, c *config, cmd *cobra.Command) (cairn.Connection, environment, error) {
	name := o.env
	if rest, found := strings.CutPrefix(o.db, "env:"); found {
		name, o.db = rest, ""
	}
	if name != "" && o.db != "" {
		return cairn.Connection{}, environment{}, hintf("give one of them", "--db and --env both name the target")
	}
	var chosen environment
	database := o.db
	if name != "" {
		var err error
		if chosen, err = c.environment(env, name); err != nil {
			return cairn.Connection{}, environment{}, err
		}
		database = chosen.url
	}
	if typed := cmd.Flags().Lookup("db"); typed != nil && typed.Changed && !fromEnvironment(typed) && pg.HasPassword(o.db) {
		warn(env, "other users of this machine can see the password in --db: use PGPASSWORD or ~/.pgpass")
	}
	return cairn.Connection{Database: database, Host: o.host, Port: o.port, User: o.user, SSLMode: o.sslmode}, chosen, nil
}

// stateInstead is the help of --file where a target is read otherwise.
const stateInstead = "read this `state` instead of a target: a .sql file, a directory, -, a URL or snapshot:FILE"

// stateOrTarget returns the state that --file names, or the target. What was
// typed wins over variables.
func (o *connectionOptions) stateOrTarget(env *Env, c *config, cmd *cobra.Command, file string) (string, cairn.Connection, error) {
	typed := cmd.Flags().Lookup("file")
	named := o.db != "" || o.env != ""
	if typed.Changed && !fromEnvironment(typed) {
		for _, name := range []string{"db", "env"} {
			if f := cmd.Flags().Lookup(name); f.Changed && !fromEnvironment(f) {
				return "", cairn.Connection{}, hintf("give one of them", "--file and --%s both say what to read", name)
			}
		}
		named = false
	}
	if file != "" && !named {
		from, err := state(env, c, file)
		return from, cairn.Connection{}, err
	}
	target, _, err := o.resolve(env, c, cmd)
	return "", target, err
}

// selectionOptions say what of a database is managed and where the desired
// state is built.
type selectionOptions struct {
	schemas            []string
	owners, privileges string
	strict             bool
	roles, database    bool
	flags              *pflag.FlagSet
	shadow             string
	noCache            bool
	offline            bool
}

func (o *selectionOptions) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.schemas, "schema", nil, "manage this schema only, by `name`; repeatable; a pattern such as tenant_* plans each schema by itself")
	flags.Var(&choice{&o.owners, []string{"auto", "all", "none"}}, "owners", "manage owners: auto (when the files state any), all, none")
	flags.Var(&choice{&o.privileges, []string{"auto", "all", "none"}}, "privileges", "manage grants: auto (when the files state any), all, none")
	flags.BoolVar(&o.strict, "strict", false, "fail when there are objects that cairn does not manage")
	o.addOptions(cmd)
	o.addScratch(cmd)
}

// addOptions adds the flags for what is managed only when it is asked for.
func (o *selectionOptions) addOptions(cmd *cobra.Command) {
	o.flags = cmd.Flags()
	o.flags.BoolVar(&o.roles, "roles", false, "manage roles of the server, their memberships and settings too")
	o.flags.BoolVar(&o.database, "database-settings", false, "manage settings, comment, connection limit and grants of the database too")
}

// asked returns what a flag says, or else the configuration.
func (o *selectionOptions) asked(flag string, value, configured bool) bool {
	if o.flags != nil && o.flags.Lookup(flag).Changed {
		return value
	}
	return configured && o.flags != nil
}

func (o *selectionOptions) addScratch(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.shadow, "shadow", "", "where SQL files are loaded: the `URL` of a scratch database, or target (default: a local server)")
	flags.BoolVar(&o.noCache, "no-cache", false, "neither read nor write cached states")
}

// addOffline adds the flag for a target that nobody else uses.
func (o *selectionOptions) addOffline(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.offline, "offline", false, "nobody else uses the target: plain statements, in as few transactions as possible")
}

// selectionFlags are those that a plan file has decided already.
func selectionFlags() []string {
	return []string{"schema", "owners", "privileges", "strict", "roles", "database-settings", "shadow", "no-cache", "offline", "prove", "no-prove"}
}

func (o *selectionOptions) selection(c *config) cairn.Selection {
	s := cairn.Selection{
		Schemas: o.schemas, Ignore: c.ignore,
		Owners: mode(o.owners), Privileges: mode(o.privileges), Strict: o.strict, Decisions: c.decisions,
		Roles: o.asked("roles", o.roles, c.roles), Database: o.asked("database-settings", o.database, c.database),
	}
	if len(s.Schemas) == 0 {
		s.Schemas = c.schemas
	}
	return s
}

func mode(s string) cairn.Mode {
	if s == "" {
		return cairn.Auto
	}
	return cairn.Mode(s)
}

func (o *selectionOptions) scratch(c *config) cairn.Scratch {
	return cairn.Scratch{Shadow: o.shadow, Version: c.version, Extensions: c.extensions, NoCache: o.noCache}
}

// choice is the value of a flag that knows a few words.
type choice struct {
	value *string
	words []string
}

// String returns the chosen word.
func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set takes one of the words.
func (c *choice) Set(s string) error {
	for _, w := range c.words {
		if s == w {
			*c.value = s
			return nil
		}
	}
	return fmt.Errorf("it is one of %s", strings.Join(c.words, ", "))
}

// Type describes the value in the help.
func (c *choice) Type() string { return strings.Join(c.words, "|") }

// period is the value of a flag that takes a duration with its unit.
type period struct {
	value *time.Duration
	none  time.Duration // what 0s is kept as; 0 when it is no value
}

// String returns the duration.
func (p *period) String() string {
	if p.value == nil || *p.value == 0 {
		return ""
	}
	return p.value.String()
}

// Set takes a duration such as 3s.
func (p *period) Set(s string) error {
	if d, err := time.ParseDuration(s); err == nil && d == 0 && p.none != 0 {
		*p.value = p.none
		return nil
	}
	d, err := parsePeriod(s)
	if err == nil {
		*p.value = d
	}
	return err
}

// Type describes the value in the help.
func (p *period) Type() string { return "duration" }

func parsePeriod(s string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
	if err != nil || d < time.Millisecond {
		return 0, errors.New("it is a time with its unit, such as 3s or 500ms")
	}
	return d, nil
}

// desired is the state that --file names, or the one of cairn.yaml.
func desired(env *Env, c *config, file string) (string, error) {
	if file == "" && c.schema == "" {
		if c.path == "" {
			return "", hintf("name it with --file, or write a cairn.yaml with cairn init", "no desired state: there is no --file and no cairn.yaml")
		}
		return "", hintf("name it with --file, or add a line schema: schema/ to the file", "no desired state: there is no --file, and %s has no schema", c.path)
	}
	if file == "" {
		return c.beside(c.schema), nil
	}
	return state(env, c, file)
}

// state replaces env:NAME by the URL of that environment.
func state(env *Env, c *config, text string) (string, error) {
	name, found := strings.CutPrefix(text, "env:")
	if !found {
		return text, nil
	}
	chosen, err := c.environment(env, name)
	return chosen.url, err
}

// beside is a path that is relative to the directory of cairn.yaml.
func (c *config) beside(path string) string {
	if file, found := strings.CutPrefix(path, "snapshot:"); found {
		return "snapshot:" + c.beside(file)
	}
	if filepath.IsAbs(path) || path == "-" || strings.Contains(path, ":") {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}

// withEngine runs do with an engine and stops what the engine started.
func withEngine(ctx context.Context, env *Env, events func(schema.Event), do func(*cairn.Engine) error) (err error) {
	engine := cairn.New(cairn.Options{
		Version: env.Version, Getenv: env.Getenv, Logger: env.log, Events: events, Stdin: env.In,
		CacheDir: env.Getenv("CAIRN_CACHE_DIR"), DataDir: env.Getenv("CAIRN_DATA_DIR"),
	})
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		if closing := engine.Close(ctx); closing != nil && err == nil {
			err = fmt.Errorf("stopping the scratch server: %w", closing)
		}
	}()
	return do(engine)
}

// fromEnvironmentMark annotates a flag that CAIRN_* set.
const fromEnvironmentMark = "cairn_from_environment"

func fromEnvironment(f *pflag.Flag) bool { return len(f.Annotations[fromEnvironmentMark]) > 0 }

// flagsFromEnvironment sets each flag that the command line does not have from
// CAIRN_*, unless the command line answers the same question with another flag.
func flagsFromEnvironment(env *Env, cmd *cobra.Command) error {
	var first error
	typed := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { typed[f.Name] = true })
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if first != nil || typed[f.Name] || f.Name == "help" {
			return
		}
		for _, rival := range rivals(f.Name) {
			if typed[rival] {
				return
			}
		}
		name, value := variable(env, f.Name)
		if value == "" {
			return
		}
		values := []string{value}
		if _, several := f.Value.(pflag.SliceValue); several {
			values = splitList(value)
		}
		for _, v := range values {
			if err := f.Value.Set(v); err != nil {
				first = fmt.Errorf("reading the environment variable %s: %w", name, err)
				return
			}
		}
		f.Changed = true
		f.Annotations = map[string][]string{fromEnvironmentMark: {name}}
	})
	return first
}

// rivals are the flags that answer the same question as the named one.
func rivals(flag string) []string {
	switch flag {
	case "db", "env":
		return []string{"db", "env"}
	case "plan", "file":
		return []string{"plan", "file"}
	case "allow", "allow-destructive":
		return []string{"allow", "allow-destructive"}
	case "prove", "no-prove":
		return []string{"prove", "no-prove"}
	case "sql", "json":
		return []string{"sql", "json"}
	}
	return nil
}

func variable(env *Env, flag string) (name, value string) {
	name = "CAIRN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	if value = env.Getenv(name); value != "" {
		return name, value
	}
	if flag == "lock-timeout" || flag == "application-name" {
		name = strings.Replace(name, "CAIRN_", "PGSCHEMA_", 1)
		return name, env.Getenv(name)
	}
	return name, ""
}

// splitList splits at commas outside parentheses and double quotes, so that
// the arguments of a function stay together.
func splitList(s string) []string {
	var parts []string
	depth, quoted, start := 0, false, 0
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth <= 0:
			parts = append(parts, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	parts = append(parts, strings.TrimSpace(s[start:]))
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}
