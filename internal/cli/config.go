package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/cairn-db/cairn"
)

// configFile is the configuration that is found without a flag.
const configFile = "cairn.yaml"

// config is what cairn.yaml says. The zero value is an empty one.
type config struct {
	path         string // "" when there is no file
	schema       string
	migrations   string
	schemas      []string
	ignore       []string
	roles        bool
	database     bool
	version      int
	extensions   []string
	environments map[string]environment
	decisions    cairn.Decisions
	hazards      cairn.Policy // for every target that says nothing else
	verify       []string     // what has to hold when a plan has run
}

// environment is one target that cairn.yaml names.
type environment struct {
	url         string
	direct      string // where a session of its own is had, "" when url does that
	protected   bool
	lockTimeout time.Duration
	approvals   int
	hazards     cairn.Policy
	where       string // position of the url in the file
	directWhere string // that of direct_url
}

// readConfig reads the file that --config names, or the one in the working
// directory when there is one.
func readConfig(env *Env) (*config, error) {
	path := env.global.config
	if path == "" {
		if _, err := os.Stat(configFile); errors.Is(err, os.ErrNotExist) {
			c := &config{}
			return c, c.readDecisions()
		}
		path = configFile
	}
	text, err := readText(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", pathError(err, path))
	}
	c, err := parseConfig(path, text, env.Getenv)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return c, c.readDecisions()
}

// parseConfig reads the text of a cairn.yaml.
func parseConfig(path string, text []byte, getenv func(string) string) (*config, error) {
	c := &config{path: path, environments: map[string]environment{}}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, yamlError(err)
	}
	r := &configReader{getenv: getenv, anchors: map[string]ast.Node{}}
	if len(file.Docs) > 1 && file.Docs[1].Body != nil {
		return nil, at(file.Docs[1].Body, "a second document: there can be only one")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return c, nil
	}
	r.mapping("", file.Docs[0].Body, map[string]func(string, ast.Node){
		"schema":            func(k string, n ast.Node) { c.schema = r.text(k, n) },
		"migrations":        func(k string, n ast.Node) { c.migrations = r.text(k, n) },
		"schemas":           func(k string, n ast.Node) { c.schemas = r.list(k, n) },
		"ignore":            func(k string, n ast.Node) { c.ignore = r.list(k, n) },
		"roles":             func(k string, n ast.Node) { c.roles = r.boolean(k, n) },
		"database_settings": func(k string, n ast.Node) { c.database = r.boolean(k, n) },
		"postgres":          func(k string, n ast.Node) { r.postgres(k, n, c) },
		"hazards":           func(k string, n ast.Node) { c.hazards = r.hazards(k, n) },
		"verify":            func(k string, n ast.Node) { c.verify = r.list(k, n) },
		"environments":      func(k string, n ast.Node) { r.environments(k, n, c) },
	})
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

// environment returns the named environment with its variables expanded.
func (c *config) environment(env *Env, name string) (environment, error) {
	if c.path == "" {
		return environment{}, hintf("cairn init writes one", "environment %q is unknown: there is no %s", name, configFile)
	}
	e, found := c.environments[name]
	if !found {
		known := slices.Sorted(maps.Keys(c.environments))
		hint := "add it under environments: in " + c.path
		if near := nearest(name, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		} else if len(known) > 0 {
			hint = "it has " + strings.Join(known, ", ")
		}
		return environment{}, hintf(hint, "environment %q is not in %s", name, c.path)
	}
	key := "url"
	if e.direct != "" {
		key, e.url, e.where = "direct_url", e.direct, e.directWhere
	}
	url, missing := expand(e.url, env.Getenv)
	if missing != "" {
		return environment{}, hintf("set it, or put it into .env", "%s:%s: environments.%s.%s needs the variable %s, which is not set",
			c.path, e.where, name, key, missing)
	}
	if url == "" {
		return environment{}, hintf("add url: to it", "environment %q of %s has no url", name, c.path)
	}
	e.url = url
	env.private = env.private || e.protected
	return e, nil
}

// expand replaces ${NAME} by the variable's value and returns the first name
// that is not set.
func expand(s string, getenv func(string) string) (text, missing string) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "${")
		name, rest, closed := strings.Cut(after, "}")
		if !found || !closed {
			b.WriteString(s)
			return b.String(), missing
		}
		b.WriteString(before)
		value := getenv(name)
		if value == "" && missing == "" {
			missing = name
		}
		b.WriteString(value)
		s = rest
	}
}

// configReader walks the syntax tree, because the errors of the library's
// decoder speak of Go's types. It keeps the first error.
type configReader struct {
	getenv  func(string) string
	anchors map[string]ast.Node
	err     error
}

func (r *configReader) fail(n ast.Node, format string, args ...any) {
	if r.err == nil {
		r.err = at(n, format, args...)
	}
}

// resolve looks through anchors, aliases and tags.
func (r *configReader) resolve(n ast.Node) ast.Node {
	for range 16 {
		switch node := n.(type) {
		case *ast.AnchorNode:
			r.anchors[node.Name.String()] = node.Value
			n = node.Value
		case *ast.AliasNode:
			target, found := r.anchors[node.Value.String()]
			if !found {
				r.fail(n, "alias *%s has no anchor", node.Value)
				return n
			}
			n = target
		case *ast.TagNode:
			n = node.Value
		default:
			return n
		}
	}
	return n
}

// mapping reads a mapping whose keys are all known; key is "" at the top.
func (r *configReader) mapping(key string, n ast.Node, known map[string]func(string, ast.Node)) {
	names := slices.Sorted(maps.Keys(known))
	r.pairs(key, n, func(name string, k, value ast.Node) {
		read, found := known[name]
		if !found {
			r.unknown(k, join(key, name), name, names)
			return
		}
		if r.resolve(value).Type() != ast.NullType {
			read(join(key, name), value)
		}
	})
}

func (r *configReader) unknown(n ast.Node, key, name string, names []string) {
	if r.err != nil {
		return
	}
	hint := "the keys here are " + strings.Join(names, ", ")
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	r.err = &hintedError{err: at(n, "unknown key %q", key), hint: hint}
}

// pairs calls visit for each pair of a mapping.
func (r *configReader) pairs(key string, n ast.Node, visit func(name string, k, value ast.Node)) {
	mapping, ok := r.resolve(n).(ast.MapNode)
	if !ok {
		if key == "" {
			r.fail(n, "it is a mapping of keys, not %s", typeName(r.resolve(n)))
			return
		}
		r.fail(n, "%s is a mapping of keys, not %s", key, typeName(r.resolve(n)))
		return
	}
	for pair := mapping.MapRange(); r.err == nil && pair.Next(); {
		visit(pair.Key().GetToken().Value, pair.Key(), pair.Value())
	}
}

func (r *configReader) postgres(key string, n ast.Node, c *config) {
	r.mapping(key, n, map[string]func(string, ast.Node){
		"version":    func(k string, n ast.Node) { c.version = r.number(k, n) },
		"extensions": func(k string, n ast.Node) { c.extensions = r.list(k, n) },
	})
}

func (r *configReader) environments(key string, n ast.Node, c *config) {
	r.pairs(key, n, func(name string, _, value ast.Node) {
		var e environment
		r.mapping(join(key, name), value, map[string]func(string, ast.Node){
			"url": func(k string, n ast.Node) {
				e.url, e.where = r.raw(k, n), position(n) // expanded when it is used
			},
			"direct_url": func(k string, n ast.Node) {
				e.direct, e.directWhere = r.raw(k, n), position(n)
			},
			"protected":    func(k string, n ast.Node) { e.protected = r.boolean(k, n) },
			"lock_timeout": func(k string, n ast.Node) { e.lockTimeout = r.duration(k, n) },
			"approvals":    func(k string, n ast.Node) { e.approvals = r.number(k, n) },
			"hazards":      func(k string, n ast.Node) { e.hazards = r.hazards(k, n) },
		})
		c.environments[name] = e
	})
}

func (r *configReader) list(key string, n ast.Node) []string {
	sequence, ok := r.resolve(n).(*ast.SequenceNode)
	if !ok {
		r.fail(n, "%s is a list of texts, not %s", key, typeName(r.resolve(n)))
		return nil
	}
	var texts []string
	for i, value := range sequence.Values {
		texts = append(texts, r.text(fmt.Sprintf("%s[%d]", key, i), value))
	}
	return texts
}

// text reads a text and expands the variables in it.
func (r *configReader) text(key string, n ast.Node) string {
	text, missing := expand(r.raw(key, n), r.getenv)
	if missing != "" {
		r.fail(n, "%s needs the variable %s, which is not set", key, missing)
	}
	return text
}

func (r *configReader) raw(key string, n ast.Node) string {
	switch node := r.resolve(n).(type) {
	case *ast.StringNode:
		return node.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(node.Value.Value)
	default:
		r.fail(n, "%s is a text, not %s", key, typeName(node))
		return ""
	}
}

func (r *configReader) number(key string, n ast.Node) int {
	if node, ok := r.resolve(n).(*ast.IntegerNode); ok {
		switch v := node.Value.(type) {
		case uint64:
			if v < 1<<31 {
				return int(v)
			}
		case int64:
			r.fail(n, "%s is not negative", key)
			return 0
		}
	}
	r.fail(n, "%s is a whole number, not %s", key, typeName(r.resolve(n)))
	return 0
}

func (r *configReader) boolean(key string, n ast.Node) bool {
	if node, ok := r.resolve(n).(*ast.BoolNode); ok {
		return node.Value
	}
	r.fail(n, "%s is true or false, not %s", key, typeName(r.resolve(n)))
	return false
}

func (r *configReader) duration(key string, n ast.Node) time.Duration {
	node, ok := r.resolve(n).(*ast.StringNode)
	if !ok {
		r.fail(n, "%s is a time with its unit, such as 3s, not %s", key, typeName(r.resolve(n)))
		return 0
	}
	d, err := parsePeriod(node.Value)
	if err != nil {
		r.fail(n, "%s: %v", key, err)
	}
	return d
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// typeName describes a value for the reader.
func typeName(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode, *ast.FloatNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a mapping"
	}
	return "this"
}

func position(n ast.Node) string {
	if token := n.GetToken(); token != nil && token.Position != nil {
		return fmt.Sprintf("%d:%d", token.Position.Line, token.Position.Column)
	}
	return "1:1"
}

// at returns an error that begins with line:column. A mapping is found at its
// first key rather than at the colon after it.
func at(n ast.Node, format string, args ...any) error {
	switch node := n.(type) {
	case *ast.MappingValueNode:
		n = node.Key
	case *ast.MappingNode:
		if len(node.Values) > 0 && !node.IsFlowStyle {
			n = node.Values[0].Key
		}
	}
	return fmt.Errorf("%s: %s", position(n), fmt.Sprintf(format, args...))
}

// yamlError is the library's error in one line.
func yamlError(err error) error {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil && syntax.GetToken().Position != nil {
		p := syntax.GetToken().Position
		return fmt.Errorf("%d:%d: %s", p.Line, p.Column, strings.Join(strings.Fields(syntax.GetMessage()), " "))
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}
