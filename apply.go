package cairn

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/cairn-db/cairn/internal/apply"
	"github.com/cairn-db/cairn/internal/plan"
	"github.com/cairn-db/cairn/schema"
)

// Query is a question to the target that has to be answered with true when a plan
// has run.
type Query = apply.Query

// ApplyRequest asks to run a plan.
type ApplyRequest struct {
	Target           Connection
	Plan             *schema.Plan
	AllowDestructive bool          // permit every step that can lose data
	Allow            []string      // permit these, as Step.Allowance names them
	Policy           Policy        // hazards that it denies are refused, whatever is permitted
	LockTimeout      time.Duration // default 3 s
	RetryFor         time.Duration // how long a transaction that does not get its locks is tried again; default 10 minutes, negative for one try
	StatementTimeout time.Duration // default: no limit
	Wait             time.Duration // for another run on the same database; default 1 minute, negative for none
	Verify           []Query       // what has to hold when the plan has run; otherwise its last transaction is rolled back
	Undoes           int64         // the run that the plan takes back, 0 for none

	// TerminateBlockersAfter ends the client sessions that keep the run from one
	// lock for so long, over all its tries; default: never.
	TerminateBlockersAfter time.Duration
}

// ApplyResult is what a run did.
type ApplyResult struct {
	Run         int64         `json:"run,omitempty"`     // its number in the journal, 0 when there was nothing to do
	Steps       int           `json:"steps"`             // statements that ran
	Resumed     int           `json:"resumed,omitempty"` // statements that had run before the run stopped
	Elapsed     time.Duration `json:"elapsed"`           // from the lock to the confirmation
	Fingerprint string        `json:"fingerprint"`       // of the target afterwards
	LongestWait time.Duration `json:"-"`                 // for one lock, as far as it was seen
}

// idleTimeout is after how long the server ends a session that sits in a
// transaction and sends nothing: a program that hangs does not keep its locks.
const idleTimeout = time.Minute

// Check returns a *DeniedError when the policy of the request forbids a hazard of
// the plan, and a *RefusedError when the plan has steps that can lose data and
// that the request does not permit.
func (e *Engine) Check(p *schema.Plan, r ApplyRequest) error {
	if err := r.Policy.Check(p); err != nil {
		return err
	}
	if r.AllowDestructive {
		return nil
	}
	allowed := map[string]bool{}
	for _, word := range r.Allow {
		allowed[word] = true
	}
	var refused []schema.Step
	for _, s := range p.Steps {
		if word := s.Allowance(); word != "" && !allowed[word] {
			refused = append(refused, s)
		}
	}
	if len(refused) > 0 {
		return &RefusedError{Steps: refused}
	}
	return nil
}

// Apply runs a plan on the target it was made for, or goes on with a run of it
// that stopped. The errors that callers tell apart are *DeniedError,
// *RefusedError, *StaleError, *LockError, *PoolerError, *TargetError, *VerifyError and
// *StoppedError.
func (e *Engine) Apply(ctx context.Context, r ApplyRequest) (*ApplyResult, error) {
	results, err := e.applyAll(ctx, r, []*schema.Plan{r.Plan}, func(int) {})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// ApplyEach runs the plans of many schemas of one database as Apply does, one after
// the other, up to the first that fails. It returns the results of those before
// it, and calls begin before each. No plan is run when one of them is refused.
func (e *Engine) ApplyEach(ctx context.Context, r ApplyRequest, plans []SchemaPlan, begin func(SchemaPlan)) ([]*ApplyResult, error) {
	list := make([]*schema.Plan, len(plans))
	for i, p := range plans {
		list[i] = p.Plan
	}
	return e.applyAll(ctx, r, list, func(i int) { begin(plans[i]) })
}

func (e *Engine) applyAll(ctx context.Context, r ApplyRequest, plans []*schema.Plan, begin func(int)) ([]*ApplyResult, error) {
	if len(plans) == 0 {
		return nil, nil
	}
	for _, p := range plans {
		if err := plan.Verify(p); err != nil {
			return nil, fmt.Errorf("the plan is inconsistent: %w", err)
		}
		if err := e.Check(p, r); err != nil {
			return nil, err
		}
	}
	target, err := e.connectSession(ctx, r.Target)
	if err != nil {
		return nil, err
	}
	defer target.close(ctx)
	for _, p := range plans {
		if err := sameTarget(target, p); err != nil {
			return nil, err
		}
		if err := sameMajor(target, p); err != nil {
			return nil, err
		}
	}
	done, err := apply.RunEach(ctx, target.conn, e.kinds, plans, apply.Options{
		Server: target.major, LockTimeout: cmp.Or(r.LockTimeout, 3*time.Second), RetryFor: cmp.Or(r.RetryFor, 10*time.Minute),
		StatementTimeout: r.StatementTimeout, IdleTimeout: idleTimeout, Wait: cmp.Or(r.Wait, time.Minute), Application: cmp.Or(r.Target.ApplicationName, "cairn"),
		Program: e.options.Version, Account: account(), Undoes: r.Undoes, Verify: r.Verify,
		TerminateAfter: r.TerminateBlockersAfter, Events: e.options.Events, Connect: target.beside,
	}, begin)
	var results []*ApplyResult
	for _, d := range done {
		results = append(results, &ApplyResult{Run: d.Run, Steps: d.Steps, Resumed: d.Resumed, Elapsed: d.Elapsed, Fingerprint: d.Fingerprint, LongestWait: d.LongestWait})
	}
	return results, err
}

// account is the user and the host that the program runs as and on.
func account() string {
	name := "?"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return fmt.Sprintf("%s@%s", name, host)
}
