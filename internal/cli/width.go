package cli

import "golang.org/x/text/width"

// leastStep is how much of a statement a line of progress keeps when what follows
// it needs the room.
const leastStep = 24

// fit joins the name of a step and its state to a line that a terminal shows in
// so many columns. The statement is shortened first.
func fit(step, state string, columns int) string {
	if state == "" {
		return shorten(step, columns)
	}
	step = shorten(step, max(columns-2-wide(state), leastStep))
	return shorten(step+"  "+state, columns)
}

// shorten cuts a text so that it takes at most so many columns.
func shorten(text string, columns int) string {
	if wide(text) <= columns {
		return text
	}
	taken := 0
	for i, r := range text {
		if taken += cells(r); taken > columns-3 {
			return text[:i] + "..."[:max(min(3, columns), 0)]
		}
	}
	return text
}

// wide returns how many columns a text takes.
func wide(text string) int {
	n := 0
	for _, r := range text {
		n += cells(r)
	}
	return n
}

// cells returns how many columns a character takes: those of East Asia take two.
func cells(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
