// Package prove runs a plan on a scratch copy of the target and looks at what
// each step does there: the locks that it takes, the tables that it writes anew
// or reads whole, the indexes that it builds, and the rows that it loses. It
// names no kind of object.
package prove

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/schema"
)

// Trial is a plan and the scratch database that it is tried on, which holds the
// old state, or the part of it that the plan touches.
type Trial struct {
	Conn  *pgx.Conn
	Kinds *kind.Set
	Plan  *schema.Plan
	Old   *schema.State   // what the database holds, as the target has it
	Zone  string          // the target's TimeZone, on which it depends whether a new type rewrites; "" for the server's
	Seed  bool            // make rows in the tables that the plan touches
	About map[string]bool // what else rows are made in, texts of IDs; may be nil

	Lacks  bool             // the database could not be filled completely
	Supply func(error) bool // removes the cause of a failure that lies in the server, if it can; may be nil
	Events func(step int, sql string, elapsed time.Duration)
}

// Result is what a trial has shown.
type Result struct {
	Steps   []Observation // one for each step
	Seeded  int64         // rows that were made
	Empty   []string      // touched tables without a row, text of the IDs, sorted
	Omitted []string      // what could not be tried, a sentence each
}

// Observation is what one step did.
type Observation struct {
	Tried   bool
	Locks   []schema.RelationLock // strongest first
	Lock    string                // on the relation of the step
	Rewrite bool
	Scan    bool
	Builds  []string // names of indexes, "public.users_email_idx"
	Lost    int64
	Elapsed time.Duration
}

// Run seeds the database and runs the steps, each segment in its transaction. A
// step that the server refuses is a *StepError.
func Run(ctx context.Context, t Trial) (*Result, error) {
	r := &runner{Trial: t, result: &Result{Steps: make([]Observation, len(t.Plan.Steps))}, skip: map[int]bool{}, emptied: map[string]bool{}, touched: map[int64]bool{}}
	defer r.close()
	settings := "SET check_function_bodies = off; SET lock_timeout = 0; SET statement_timeout = 0"
	if t.Zone != "" {
		settings += "; SET TimeZone = " + pg.QuoteLiteral(t.Zone)
	}
	if _, err := t.Conn.Exec(ctx, settings); err != nil {
		return nil, fmt.Errorf("configuring the session: %w", err)
	}
	if t.Conn.PgConn().ParameterStatus("is_superuser") == "on" {
		if _, err := t.Conn.Exec(ctx, "SET track_counts = on"); err != nil {
			return nil, fmt.Errorf("configuring the session: %w", err)
		}
	}
	if slices.ContainsFunc(t.Plan.Steps, func(s schema.Step) bool { return s.NoTx }) {
		r.openAhead(ctx) // others stand in the way of such a step
	}
	if err := r.watchRelations(ctx); err != nil {
		return nil, err
	}
	if t.Seed {
		if err := r.seed(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.countRows(ctx); err != nil {
		return nil, err
	}
	// Rows come from applications; the steps run as apply runs them.
	if _, err := t.Conn.Exec(ctx, "SET search_path = ''"); err != nil {
		return nil, fmt.Errorf("configuring the session: %w", err)
	}
	for first := 0; first < len(t.Plan.Steps); {
		last := first
		for last < len(t.Plan.Steps) && t.Plan.Steps[last].Segment == t.Plan.Steps[first].Segment {
			last++
		}
		if err := r.segment(ctx, first, last); err != nil {
			return nil, err
		}
		first = last
	}
	slices.Sort(r.result.Empty)
	return r.result, nil
}

// Record writes what was observed into the steps of a plan. The states name the
// indexes that were built.
func Record(kinds *kind.Set, p *schema.Plan, r *Result, states ...*schema.State) {
	names := map[string]string{}
	for _, s := range states {
		for name, id := range relationNames(kinds, s) {
			names[name] = id.String()
		}
	}
	for i, o := range r.Steps {
		if !o.Tried {
			continue
		}
		s := &p.Steps[i]
		s.Observed, s.Locks, s.Lock, s.Rewrite, s.Scan, s.Lost, s.Builds = true, o.Locks, o.Lock, o.Rewrite, o.Scan, o.Lost, nil
		if s.Relation == "" && len(o.Locks) > 0 && kind.Lock(o.Locks[0].Lock).BlocksWrites() {
			s.Relation, s.Lock = o.Locks[0].Relation, o.Locks[0].Lock
		}
		for _, name := range o.Builds {
			if id, known := names[name]; known {
				s.Builds = append(s.Builds, id)
			}
		}
		slices.Sort(s.Builds)
	}
}

// relationNames returns the object behind each name that relations share, such
// as "public.users": the name of a table, or of the index of a constraint.
func relationNames(kinds *kind.Set, s *schema.State) map[string]schema.ID {
	names := map[string]schema.ID{}
	for id, o := range s.Objects {
		for _, name := range kinds.Of(id).Names(o) {
			if len(name) > len(relationPrefix) && name[:len(relationPrefix)] == relationPrefix {
				names[name[len(relationPrefix):]] = id
			}
		}
	}
	return names
}

// relationPrefix begins the names that kinds take among relations.
const relationPrefix = "relation "
