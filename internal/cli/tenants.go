package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cairn-db/cairn"
)

// forMany reports whether the selection names schemas by a pattern, so that
// each of them gets a plan of its own.
func forMany(request cairn.PlanRequest) bool {
	return slices.ContainsFunc(request.Selection.Schemas, cairn.IsPattern)
}

// planMany plans every schema and writes the plans, and a summary for people.
func (o *planOptions) planMany(ctx context.Context, env *Env, engine *cairn.Engine, request cairn.PlanRequest) error {
	plans, err := engine.PlanEach(ctx, request)
	if err != nil {
		return err
	}
	if o.json != "" {
		if err := writePlans(env, o.json, plans); err != nil {
			return err
		}
	}
	for _, form := range []struct {
		place string
		write func(io.Writer) error
	}{
		{o.sql, func(w io.Writer) error {
			for _, p := range plans {
				if hasChanges(p.Plan) {
					fmt.Fprintf(w, "-- schema %s\n", clean(p.Schema))
					if err := writeSQL(w, p.Plan); err != nil {
						return err
					}
				}
			}
			return nil
		}},
		{o.human, func(w io.Writer) error { return writeMany(w, plans, env.Color && o.human == toStdout) }},
	} {
		if form.place == "" {
			continue
		}
		if err := writeOutput(env, form.place, form.write); err != nil {
			return err
		}
	}
	for _, p := range plans {
		if err := request.Policy.Check(p.Plan); err != nil {
			return fmt.Errorf("schema %s: %w", p.Schema, err)
		}
	}
	if o.exitCode && slices.ContainsFunc(plans, func(p cairn.SchemaPlan) bool { return hasChanges(p.Plan) }) {
		return changesExist{}
	}
	return nil
}

// writePlans writes an array of plans to stdout, or a file for each schema into
// a directory.
func writePlans(env *Env, place string, plans []cairn.SchemaPlan) error {
	if place == toStdout || place == "-" {
		list := []any{}
		for _, p := range plans {
			list = append(list, p.Plan)
		}
		return printJSON(env, list)
	}
	if err := os.MkdirAll(place, 0o755); err != nil {
		return writing(place, cause(err))
	}
	for _, p := range plans {
		name := filepath.Join(place, strings.ReplaceAll(p.Schema, string(filepath.Separator), "_")+".json")
		if err := writeOutput(env, name, func(w io.Writer) error { return cairn.WritePlan(w, p.Plan) }); err != nil {
			return err
		}
	}
	return nil
}

// writeMany writes the plans of the schemas that change, and a line for each
// schema.
func writeMany(w io.Writer, plans []cairn.SchemaPlan, color bool) error {
	changed := 0
	for _, p := range plans {
		if !hasChanges(p.Plan) {
			continue
		}
		changed++
		if _, err := fmt.Fprintf(w, "=== schema %s\n\n", clean(p.Schema)); err != nil {
			return err
		}
		if err := writeHuman(w, p.Plan, color); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s: %d to change, %d up to date\n", count(len(plans), "schema"), changed, len(plans)-changed)
	for _, p := range plans {
		line := "no changes"
		if hasChanges(p.Plan) {
			s := p.Plan.Summary
			line = fmt.Sprintf("%d to add, %d to change, %d to drop", s.Add, s.Change, s.Drop)
		}
		if _, err := fmt.Fprintf(w, "  %s  %s\n", clean(p.Schema), line); err != nil {
			return err
		}
	}
	return nil
}

// applyMany plans every schema, checks all plans, asks once, and applies one
// after the other. It stops at the first that fails.
func (o *applyOptions) applyMany(ctx context.Context, env *Env, engine *cairn.Engine, request cairn.ApplyRequest, plan cairn.PlanRequest) error {
	plans, err := engine.PlanEach(ctx, plan)
	if err != nil {
		return err
	}
	out := env.Out
	if o.json {
		out = env.Err
	}
	if err := writeMany(out, plans, env.Color && !o.json); err != nil {
		return writing("the plan", err)
	}
	plans = slices.DeleteFunc(plans, func(p cairn.SchemaPlan) bool { return !hasChanges(p.Plan) })
	for _, p := range plans {
		if err := engine.Check(p.Plan, request); err != nil {
			return err
		}
	}
	if len(plans) > 0 && !o.autoApprove {
		if err := confirm(ctx, env, "Apply these plans?", "the plans are not approved, and there is no terminal to ask on"); err != nil {
			return err
		}
	}
	done, err := engine.ApplyEach(ctx, request, plans, func(p cairn.SchemaPlan) {
		if o.json {
			o.events.schema(p.Schema)
		}
	})
	if err != nil {
		return fmt.Errorf("applying to schema %s, after %d of %d: %w", plans[len(done)].Schema, len(done), len(plans), o.explainStop(err))
	}
	if o.json {
		results := map[string]*cairn.ApplyResult{}
		for i, p := range plans {
			results[p.Schema] = done[i]
		}
		return o.events.results(results)
	}
	_, err = fmt.Fprintf(env.Out, "\nApplied %s.\n", count(len(plans), "plan"))
	return writing("the result", err)
}
