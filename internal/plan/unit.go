package plan

// unite makes units of what sessions must see at once: the drop of an object, the
// creation of its successor, and what has to happen between them.
func (e *expansion) unite(g *graph) {
	if !e.ctx.Online {
		return
	}
	united := false
	for _, c := range e.order {
		if !c.replaced() || e.overlaps(c) {
			continue
		}
		first, last := c.carrier(dropping), c.carrier(creating)
		if c.swapped {
			first, last = c.carrier(movingAside), c.carrier(droppingAside)
		}
		if first != nil && last != nil {
			united = first.between(last, map[*node]bool{}) || united
		}
	}
	if united {
		g.uniteCircles()
	}
}

// overlaps reports whether the old form of an object is there until the new one
// is complete.
func (e *expansion) overlaps(c *change) bool {
	return c.swapped && e.kinds.Of(c.Old.ID).Overlap(c.Old)
}

func (c *change) carrier(p phase) *node {
	if n := c.node(p); n != nil {
		return n.carrier()
	}
	return nil
}

// between takes every node on a way from n to last into their unit, and reports
// whether there is one. Visited nodes have their answer.
func (n *node) between(last *node, visited map[*node]bool) bool {
	if n == last {
		return true
	}
	if on, seen := visited[last]; seen {
		return on
	}
	visited[last] = false
	for _, before := range last.after {
		if n.between(before, visited) {
			visited[last] = true
			last.join(before)
		}
	}
	return visited[last]
}

// unit returns the node that stands for all that have to be done at once.
func (n *node) unit() *node {
	for n.united != nil {
		n = n.united
	}
	return n
}

func (n *node) join(other *node) {
	if a, b := n.unit(), other.unit(); a != b {
		a.united = b
	}
}

// uniteCircles makes one unit of those that need each other.
func (g *graph) uniteCircles() {
	members := map[*node][]*node{}
	for _, n := range g.nodes {
		if n.into == nil {
			members[n.unit()] = append(members[n.unit()], n)
		}
	}
	c := circles{members: members, index: map[*node]int{}, low: map[*node]int{}, open: map[*node]bool{}}
	for unit := range members {
		if c.index[unit] == 0 {
			c.visit(unit)
		}
	}
	for _, circle := range c.found {
		for _, unit := range circle[1:] {
			circle[0].join(unit)
		}
	}
}

// circles finds the strongly connected components among units, by Tarjan's
// algorithm.
type circles struct {
	members map[*node][]*node
	index   map[*node]int // order of the visit, from 1
	low     map[*node]int // least index that is reached
	stack   []*node
	open    map[*node]bool // on the stack
	found   [][]*node
}

func (c *circles) visit(unit *node) {
	c.index[unit] = len(c.index) + 1
	c.low[unit] = c.index[unit]
	c.stack, c.open[unit] = append(c.stack, unit), true
	for _, n := range c.members[unit] {
		for _, first := range n.after {
			before := first.unit()
			if c.index[before] == 0 {
				c.visit(before)
			}
			if c.open[before] {
				c.low[unit] = min(c.low[unit], c.low[before])
			}
		}
	}
	if c.low[unit] < c.index[unit] {
		return
	}
	var circle []*node
	for done := false; !done; {
		top := c.stack[len(c.stack)-1]
		c.stack, c.open[top] = c.stack[:len(c.stack)-1], false
		circle = append(circle, top)
		done = top == unit
	}
	if len(circle) > 1 {
		c.found = append(c.found, circle)
	}
}
