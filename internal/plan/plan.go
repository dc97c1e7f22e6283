package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cairn-db/cairn/internal/diff"
	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// Mode says what a plan is for.
type Mode int

// The modes of plans.
const (
	// Online keeps the sessions of others from waiting long.
	Online Mode = iota
	// Offline is for a database that nobody else uses: statements are plain, and
	// as many as possible share a transaction.
	Offline
)

// Make returns the plan that turns the old state into the new one. Both hold only
// what is managed. The caller fills in where the plan comes from and seals it.
func Make(kinds *kind.Set, d diff.Difference, mode Mode) (*schema.Plan, error) {
	e := expand(kinds, d, mode)
	steps, err := e.steps()
	if err != nil {
		return nil, err
	}
	p := &schema.Plan{Format: schema.PlanFormat, Server: d.Old.Server, Printed: e.printedAnew(), Steps: steps, Findings: []schema.Finding{}}
	p.Changes, p.Summary = e.changes(), e.summary()
	if e.differs() {
		Pin(kinds, p, d.Old, d.New)
	} else {
		Pin(kinds, p, d.Old, d.Old)
	}
	p.Findings = append(p.Findings, missingRoles(kinds, d.Old, d.New)...)
	return p, nil
}

// Steps returns the steps that Make makes, for callers that need no more of a
// plan. The state that knows how large relations are is the one of a target.
func Steps(kinds *kind.Set, d diff.Difference, sized *schema.State, mode Mode) ([]schema.Step, error) {
	e := expand(kinds, d, mode)
	e.sized = sized
	return e.steps()
}

// differs reports whether the states do.
func (e *expansion) differs() bool { return len(e.order) > 0 }

// steps describes the statements in their order. What they were made of takes
// many times their memory, and is let go.
func (e *expansion) steps() ([]schema.Step, error) {
	placed, err := e.place()
	if err != nil {
		return nil, err
	}
	for _, c := range e.order {
		for n := c.nodes; n != nil; n = n.next {
			c.states = c.states || len(n.actions) > 0 || n.into != nil
		}
		c.inPlace = c.altered() != nil
		c.nodes, c.edits = nil, nil
	}
	placed, segments := join(placed, e.segment(placed))
	steps := make([]schema.Step, len(placed))
	for i := range placed {
		steps[i] = e.step(placed[i], segments[i])
		placed[i].action = nil
	}
	return steps, nil
}

// place makes the statements and puts them in order.
func (e *expansion) place() ([]placed, error) {
	g := e.build()
	e.online(g)
	e.unite(g)
	nodes, err := g.order()
	if err != nil {
		return nil, err
	}
	placed, _ := e.fold(flatten(nodes))
	return placed, nil
}

// step describes one statement for the plan.
func (e *expansion) step(s placed, segment int) schema.Step {
	a := s.action
	step := schema.Step{
		SQL: a.Statement(), Verb: s.node.verb, Object: e.text(s.node.object.ID), Also: e.texts(append(slices.Clip(s.also), a.Makes...)), Lock: string(a.Lock),
		Rewrite: a.Rewrite, Scan: a.Scan, Loses: a.Loses, Why: a.Why, Segment: segment, NoTx: a.NoTx,
	}
	if a.Recover != nil {
		step.Recover = &schema.Recover{Done: a.Recover.Done, Half: a.Recover.Half, Mend: a.Recover.Mend}
	}
	step.Hazards = declared(a.Hazards, step.Object)
	step.Locks = e.locks(s.node, a)
	if a.Relation == (schema.ID{}) {
		step.Lock = ""
		return step
	}
	step.Relation = e.text(a.Relation)
	if !e.needsChange(s.node.object.ID) {
		step.Violating, step.Violation = a.Violating, a.Violation
	}
	if !e.seen(s.node, a.Relation) {
		step.Lock, step.Rewrite, step.Scan = "", false, false // nobody else sees it yet
		step.Violating, step.Violation = "", ""
	} else {
		step.Rows, step.Bytes = e.size(a.Relation)
	}
	return step
}

// size is that of a relation with those that are tied to it, its partitions and
// children: what is done to it is done to them. The rows are -1 where the server
// has no estimate of one of them.
func (e *expansion) size(id schema.ID) (rows, bytes int64) {
	o := e.sized.Objects[id]
	if o == nil || o.Stats == nil {
		o = e.old.Objects[id]
	}
	if o == nil || o.Stats == nil {
		return 0, 0
	}
	rows, bytes = o.Stats.Rows, o.Stats.Bytes
	tied := false
	for _, u := range e.users(id) {
		user := u.ID
		if k := e.kinds.Of(user); k.Tied == nil || !k.Tied(user, id) {
			continue
		}
		if !tied && bytes == 0 {
			rows = 0 // a partitioned table counts the rows of its partitions
		}
		tied = true
		r, b := e.size(user)
		bytes += b
		if rows = rows + r; r < 0 || rows < r {
			rows = -1
		}
	}
	return rows, bytes
}

// declared returns the hazards of an action by code and object; what the table
// of hazards says of the codes is added when the plan is assessed.
func declared(hazards []kind.Hazard, object string) []schema.Hazard {
	var list []schema.Hazard
	for _, h := range hazards {
		hazard := schema.Hazard{Code: h.Code, Object: object, Message: h.Why}
		if h.Object != (schema.ID{}) {
			hazard.Object = h.Object.String()
		}
		if !slices.Contains(list, hazard) {
			list = append(list, hazard)
		}
	}
	return list
}

// locks lists the declared locks on relations that other sessions can see,
// strongest first.
func (e *expansion) locks(n *node, a *kind.Action) []schema.RelationLock {
	held := append([]kind.Held{{Relation: a.Relation, Lock: a.Lock}}, a.Also...)
	held = slices.DeleteFunc(held, func(h kind.Held) bool { return h.Lock == kind.NoLock || !e.seen(n, h.Relation) })
	slices.SortStableFunc(held, func(a, b kind.Held) int { return b.Lock.Strength() - a.Lock.Strength() })
	var locks []schema.RelationLock
	for _, h := range held {
		locks = append(locks, schema.RelationLock{Relation: e.text(h.Relation), Lock: string(h.Lock)})
	}
	return locks
}

// seen reports whether other sessions can see the relation that the node acts
// on: the target has it, and it is not the one that the plan creates in its place.
func (e *expansion) seen(n *node, id schema.ID) bool {
	return e.old.Objects[id] != nil && (!e.ctx.Created(id) || n.phase == dropping || n.phase == movingAside || n.phase == droppingAside)
}

// needsChange reports whether the plan changes what the object needs: what rows
// are like before tells nothing then.
func (e *expansion) needsChange(id schema.ID) bool {
	o := e.new.Objects[id]
	return o != nil && slices.ContainsFunc(o.Needs, func(need schema.ID) bool {
		return e.change(need) != nil
	})
}

// missingRoles finds roles that the plan names and the target does not have.
func missingRoles(kinds *kind.Set, old, new *schema.State) []schema.Finding {
	if len(old.Roles) == 0 {
		return nil // it is not known which there are
	}
	namedBy := map[string]schema.ID{} // the first object that names a missing role
	for id, o := range new.Objects {
		for _, role := range kinds.Of(id).Roles(o) {
			if role == "" || role[0] == '$' {
				continue
			}
			if _, exists := slices.BinarySearch(old.Roles, role); exists || new.Objects[kinds.Role(role)] != nil {
				continue
			}
			if first, known := namedBy[role]; !known || schema.Compare(id, first) < 0 {
				namedBy[role] = id
			}
		}
	}
	var findings []schema.Finding
	for _, role := range slices.SortedFunc(maps.Keys(namedBy), func(a, b string) int { return schema.Compare(namedBy[a], namedBy[b]) }) {
		findings = append(findings, schema.Finding{Code: "missing-role", Object: namedBy[role].String(),
			Message: fmt.Sprintf("role %q is named by the desired state and does not exist on the target", role),
			Hint:    "create the role, or leave owners and privileges out with --owners none --privileges none"})
	}
	return findings
}
