package plan

// segment numbers the transactions: consecutive statements share one, except
// those that cannot run in a transaction and those whose effect has to be
// committed before it can be used.
func segment(steps []placed) []int {
	numbers := make([]int, len(steps))
	current, open := 1, false
	for i, s := range steps {
		if s.action.NoTx && open {
			current, open = current+1, false
		}
		numbers[i] = current
		open = true
		if s.action.NoTx || s.action.Commit {
			current, open = current+1, false
		}
	}
	return numbers
}
