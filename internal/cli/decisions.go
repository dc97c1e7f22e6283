package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/schema"
)

// decisionsFile lies beside the configuration and keeps what was answered.
const decisionsFile = "cairn.decisions.yaml"

func (c *config) decisionsPath() string { return filepath.Join(filepath.Dir(c.path), decisionsFile) }

// readDecisions fills in the decisions of the file beside the configuration,
// when there is one.
func (c *config) readDecisions() error {
	path := c.decisionsPath()
	text, err := readText(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the decisions: %w", pathError(err, path))
	}
	c.decisions, err = parseDecisions(text)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

func parseDecisions(text []byte) (cairn.Decisions, error) {
	d := cairn.Decisions{Renames: map[string]string{}}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return d, yamlError(err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return d, nil
	}
	r := &configReader{anchors: map[string]ast.Node{}}
	r.mapping("", file.Docs[0].Body, map[string]func(string, ast.Node){
		"drops": func(k string, n ast.Node) { d.Drops = r.list(k, n) },
		"renames": func(k string, n ast.Node) {
			r.pairs(k, n, func(from string, _, to ast.Node) { d.Renames[from] = r.text(k+"."+from, to) })
		},
	})
	return d, r.err
}

// planDecided plans, and on a terminal asks about each possible rename that
// nobody decided, keeps the answers, and plans again.
func planDecided(ctx context.Context, env *Env, c *config, engine *cairn.Engine, request cairn.PlanRequest) (*schema.Plan, error) {
	p, err := engine.Plan(ctx, request)
	if err != nil || !env.Terminal {
		return p, err
	}
	answered := false
	for _, f := range p.Findings {
		if f.Former == "" {
			continue
		}
		answer, err := ask(ctx, env, fmt.Sprintf("Is %s the former %s, renamed? Type yes or no, or nothing to decide later.", f.Object, f.Former))
		if err != nil {
			return nil, err
		}
		switch strings.ToLower(answer) {
		case "yes", "y":
			c.decide(func(d *cairn.Decisions) { d.Renames[f.Former] = f.Object })
		case "no", "n":
			c.decide(func(d *cairn.Decisions) { d.Drops = append(d.Drops, f.Former) })
		default:
			continue
		}
		answered = true
	}
	if !answered {
		return p, nil
	}
	if err := c.writeDecisions(); err != nil {
		return nil, err
	}
	fmt.Fprintf(env.Err, "The answers are in %s. Keep it with the schema, so that they hold everywhere.\n", c.decisionsPath())
	request.Selection.Decisions = c.decisions
	return engine.Plan(ctx, request)
}

func (c *config) decide(change func(*cairn.Decisions)) {
	if c.decisions.Renames == nil {
		c.decisions.Renames = map[string]string{}
	}
	change(&c.decisions)
}

// writeDecisions writes the file anew, in the order of names.
func (c *config) writeDecisions() error {
	text, err := yaml.MarshalWithOptions(struct {
		Renames map[string]string `yaml:"renames,omitempty"`
		Drops   []string          `yaml:"drops,omitempty"`
	}{c.decisions.Renames, c.decisions.Drops}, yaml.IndentSequence(true))
	if err != nil {
		return fmt.Errorf("writing the decisions: %w", err)
	}
	head := "# What cairn must not guess. Keys and values are kinds and names, as plans print them.\n"
	return writing(c.decisionsPath(), cause(replaceFile(c.decisionsPath(), whole(append([]byte(head), text...)), false)))
}
