package cli

import (
	"fmt"
	"maps"

	"github.com/goccy/go-yaml/ast"

	"github.com/cairn-db/cairn"
	"github.com/cairn-db/cairn/internal/hazard"
)

// policy is what the environment makes of hazards; of those that it does not
// name, what the top of the file does.
func (c *config) policy(e environment) cairn.Policy {
	p := cairn.Policy{}
	maps.Copy(p, c.hazards)
	maps.Copy(p, e.hazards)
	return p
}

// hazards reads a mapping of codes to what is made of them.
func (r *configReader) hazards(key string, n ast.Node) cairn.Policy {
	policy := cairn.Policy{}
	r.pairs(key, n, func(code string, k, value ast.Node) {
		if _, known := hazard.Get(code); !known {
			hint := hazard.Page + " lists the codes"
			if near := nearest(code, hazard.Codes()); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.err = &hintedError{err: at(k, "unknown hazard %q", join(key, code)), hint: hint}
			return
		}
		policy[code] = r.rule(join(key, code), value)
	})
	return policy
}

// rule reads a word, or the sizes from which a hazard is a warning or denied.
func (r *configReader) rule(key string, n ast.Node) cairn.PolicyRule {
	node := r.resolve(n)
	if _, limits := node.(ast.MapNode); !limits {
		word := ""
		if text, ok := node.(*ast.StringNode); ok {
			word = text.Value
		}
		rule, err := hazard.NewRule(word)
		if err != nil {
			r.fail(n, "%s: %v", key, err)
		}
		return rule
	}
	var rule cairn.PolicyRule
	r.mapping(key, n, map[string]func(string, ast.Node){
		"warn-above": func(k string, n ast.Node) { rule.WarnAbove = r.size(k, n) },
		"deny-above": func(k string, n ast.Node) { rule.DenyAbove = r.size(k, n) },
	})
	if r.err == nil && rule.WarnAbove == nil && rule.DenyAbove == nil {
		r.fail(n, "%s needs warn-above or deny-above", key)
	}
	return rule
}

// size reads a size with its unit.
func (r *configReader) size(key string, n ast.Node) *int64 {
	node, ok := r.resolve(n).(*ast.StringNode)
	if !ok {
		r.fail(n, "%s is a size with its unit, such as 500MB, not %s", key, typeName(r.resolve(n)))
		return nil
	}
	bytes, err := hazard.ParseSize(node.Value)
	if err != nil {
		r.fail(n, "%s: %v", key, err)
	}
	return &bytes
}
