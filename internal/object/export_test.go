package object

// Rewrites and Narrows are what the planner says of a change of type.
var (
	Rewrites = rewrites
	Narrows  = narrows
)
