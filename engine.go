package cairn

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"

	"github.com/cairn-db/cairn/internal/apply"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/internal/scope"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/internal/shadow"
	"github.com/cairn-db/cairn/schema"
)

// Engine does the work. It is for one goroutine at a time; Close ends what it
// started.
type Engine struct {
	options Options
	kinds   *kind.Set
	servers server.Options
	shadows shadow.Pool
}

// New returns an engine. It starts nothing yet.
func New(o Options) *Engine {
	if o.Version == "" {
		o.Version = "devel"
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Stdin == nil {
		o.Stdin = strings.NewReader("")
	}
	if o.CacheDir == "" {
		o.CacheDir = server.DefaultCacheDir(o.Getenv)
	}
	if o.DataDir == "" {
		o.DataDir = server.DefaultDataDir(o.Getenv)
	}
	return &Engine{options: o, kinds: object.All(), servers: server.Options{
		Getenv: o.Getenv, CacheDir: o.CacheDir, DataDir: o.DataDir, Logger: o.Logger,
	}}
}

// Close stops the servers that the engine started, also after an interrupt.
func (e *Engine) Close(ctx context.Context) error {
	return e.shadows.Close(context.WithoutCancel(ctx))
}

// Plan returns the plan that makes the target look like the desired state: a
// .sql file, a directory of them, "-" for standard input, "empty:",
// "snapshot:FILE" or a database. The plan is sealed and holds no step when there is nothing to do.
// Its steps were tried on a scratch copy, unless the request says otherwise: one that fails there is
// an *UnprovenError, and an end that is not the desired state a *DivergedError.
func (e *Engine) Plan(ctx context.Context, r PlanRequest) (p *schema.Plan, err error) {
	target, err := e.connect(ctx, r.Target)
	if err != nil {
		return nil, err
	}
	defer target.close(ctx)
	target.with = r.Selection.options()
	target.memory = e.memoryOf(target, r.Scratch)
	old, err := e.readDatabase(ctx, target)
	if err != nil {
		return nil, err
	}
	if r.Desired == Empty {
		r.Selection = r.Selection.complete()
	}
	desired, err := e.read(ctx, r.Desired, reading{target: target, other: old, selection: r.Selection, scratch: r.Scratch})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, desired.close(ctx)) }()
	if desired.state.Server < old.Server {
		if err := e.sameServer(ctx, &read{state: old}, &desired); err != nil {
			return nil, err
		}
	}
	return e.planTo(ctx, target, old, &desired, r)
}

// planTo returns the proven and sealed plan from the state of the target to
// another one.
func (e *Engine) planTo(ctx context.Context, target *target, old *schema.State, desired *read, r PlanRequest) (*schema.Plan, error) {
	whole := copyOf(old)
	p, err := e.planFor(ctx, target, old, desired, r)
	if err != nil {
		return nil, err
	}
	t := &trial{target: target, plan: p, whole: whole, old: old, desired: desired.state, scratch: r.Scratch, used: desired.shadow.opened()}
	if err := e.prove(ctx, t, r.Prove); err != nil {
		return nil, err
	}
	return p, e.finish(ctx, target, *desired, p, r.Policy)
}

// finish adds to a plan what the target and the files say about it, and seals it.
func (e *Engine) finish(ctx context.Context, target *target, desired read, p *schema.Plan, policy Policy) error {
	p.Database = target.identity
	p.Findings = append(p.Findings, desired.findings...)
	violations, err := apply.Violations(ctx, target.conn, p)
	if err != nil {
		return err
	}
	for _, v := range violations {
		if v.Failed != nil {
			p.Findings = append(p.Findings, schema.Finding{Code: "violation-unknown", Object: v.Object,
				Message: "step " + itoa(v.Step) + " was not checked for rows " + v.What + ": " + v.Failed.Error()})
			continue
		}
		p.Findings = append(p.Findings, schema.Finding{Code: "violation", Object: v.Object,
			Message: "step " + itoa(v.Step) + " would fail on " + v.String(), Hint: "change the rows before the plan is applied"})
	}
	assess(p, policy)
	return plan.Seal(p)
}

// Diff returns the plan from one state to another. Files are printed by a server
// of the version of the other state; of two databases or snapshots, the older
// one's schema is made and printed by the newer version.
func (e *Engine) Diff(ctx context.Context, r DiffRequest) (p *schema.Plan, err error) {
	if r.To == Empty {
		r.Selection = r.Selection.complete()
	}
	first := reading{selection: r.Selection, scratch: r.Scratch}
	from, to, swapped := r.From, r.To, false
	if hasVersion(to) && !hasVersion(from) || from == Empty {
		from, to, swapped = to, from, true
	}
	a, err := e.read(ctx, from, first)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.close(ctx)) }()
	second := first
	second.other = a.state
	b, err := e.read(ctx, to, second)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	if swapped {
		a, b = b, a
	}
	if err := e.sameServer(ctx, &a, &b); err != nil {
		return nil, err
	}
	p, err = e.planFor(ctx, nil, a.state, &b, PlanRequest{Selection: r.Selection, Offline: r.Offline})
	if err != nil {
		return nil, err
	}
	p.Findings = append(p.Findings, append(a.findings, b.findings...)...)
	assess(p, nil)
	return p, plan.Seal(p)
}

// sameServer has the older server's state printed by one of the newer version,
// so that what only the versions print differently is no difference.
func (e *Engine) sameServer(ctx context.Context, a, b *read) (err error) {
	older, major := a, b.state.Server
	if b.state.Server < a.state.Server {
		older, major = b, a.state.Server
	}
	if older.state.Server == major {
		return nil
	}
	if older.state, err = e.translate(ctx, older.state, major); err != nil {
		return err
	}
	err = older.close(ctx)
	older.shadow = nil
	return err
}

// manage removes from two states what is not managed, and refuses states that
// cannot be compared.
func (e *Engine) manage(old, desired *schema.State, s Selection) (schema.Scope, []schema.Finding, error) {
	if old.Server != desired.Server {
		return schema.Scope{}, nil, hinted{
			errors.New("the two states come from PostgreSQL " + itoa(old.Server) + " and " + itoa(desired.Server)),
			"give a desired state of the target's version or an older one: a newer one can hold what the target lacks",
		}
	}
	unmanaged := unmanagedFindings(old, desired)
	if s.Strict && len(unmanaged) > 0 {
		return schema.Scope{}, nil, &UnmanagedError{Findings: unmanaged}
	}
	managed, findings, err := scope.Apply(e.kinds, scope.Rules{
		Schemas: s.Schemas, Ignore: s.Ignore, Owners: string(s.Owners), Privileges: string(s.Privileges),
		Options: s.options(), Drops: s.Decisions.Drops,
	}, old, desired)
	findings = append(findings, unmanaged...)
	if err == nil {
		err = e.checkNamed(old, desired)
	}
	return managed, append(findings, largeFindings(old, desired)...), err
}

// largeFindings names the large objects, which are data: neither they nor their
// owners, privileges and comments are compared.
func largeFindings(states ...*schema.State) []schema.Finding {
	most := max(states[0].Large, states[1].Large)
	if most == 0 {
		return nil
	}
	count := itoa(most)
	if most > schema.MostLarge {
		count = "more than " + itoa(schema.MostLarge)
	}
	return []schema.Finding{{Code: "large-objects", Message: "large objects are data and are left alone, with their owners and privileges (" + count + ")"}}
}

func unmanagedFindings(states ...*schema.State) []schema.Finding {
	var findings []schema.Finding
	seen := map[string]bool{}
	for _, s := range states {
		for _, description := range s.Unknown {
			if !seen[description] {
				seen[description] = true
				findings = append(findings, schema.Finding{Code: "unmanaged", Message: description + " is not managed and is left alone"})
			}
		}
	}
	return findings
}

// ReadPlan reads a plan file. It refuses one that is truncated, was edited or
// is of a newer format.
func ReadPlan(r io.Reader) (*schema.Plan, error) { return plan.Read(r) }

// WritePlan writes a sealed plan.
func WritePlan(w io.Writer, p *schema.Plan) error { return plan.Write(w, p) }

// PlanSchema returns the JSON Schema of plan files.
func PlanSchema() []byte { return plan.JSONSchema() }

// SupportedVersions returns the oldest and the newest major version of
// PostgreSQL that targets may run.
func SupportedVersions() (oldest, newest int) { return pg.Oldest, pg.Newest }
