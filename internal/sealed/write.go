package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Write writes a struct as JSON, indented or compact. What was written is of no use
// when it returns an error: Read would refuse it, or read something else.
func (f Format) Write(w io.Writer, value any, indented bool) error {
	c := &checker{w: w}
	err := error(nil)
	if indented {
		err = errors.Join(Print(&indenter{w: c}, value), c.end())
	} else {
		err = Print(c, value)
	}
	if err == nil {
		err = f.verify(c)
	}
	if err != nil {
		return fmt.Errorf("writing the %s: %w", f.Name, err)
	}
	return nil
}

// CheckWritten refuses text that Read would refuse, or read as something else.
func (f Format) CheckWritten(text []byte) error {
	c := &checker{w: io.Discard}
	if _, err := c.Write(text); err != nil {
		return err
	}
	return f.verify(c)
}

func (f Format) verify(c *checker) error {
	switch {
	case c.size > f.Limit:
		return f.tooLarge()
	case f.isSparse(c.counter):
		return f.sparse()
	case c.replaced:
		return errors.New("a text in it is not valid UTF-8")
	}
	return nil
}

// checker passes text on and looks at it meanwhile.
type checker struct {
	counter
	w io.Writer
}

// Write passes a piece on.
func (c *checker) Write(piece []byte) (int, error) {
	c.count(piece)
	return c.w.Write(piece)
}

// end ends the last line.
func (c *checker) end() error {
	_, err := c.Write([]byte("\n"))
	return err
}

// counter counts in a text that is known to be JSON.
type counter struct {
	size         int64
	entries, all int // objects that are entries of a list of the outermost one, and all

	// The encoder has replaced bytes that are not UTF-8: what is read back would not be
	// what was written. It writes a genuine replacement character as it is, and this
	// one as an escape.
	replaced bool

	depth             int
	inString, escaped bool
	match             int // bytes of the escape that are there
}

// replacement is the escape of the replacement character, behind the backslash.
const replacement = "ufffd"

func (c *counter) count(piece []byte) {
	c.size += int64(len(piece))
	for i := 0; i < len(piece); i++ {
		if c.inString && !c.escaped && c.match == 0 {
			if i += plain(piece[i:]); i == len(piece) {
				return
			}
		}
		switch b := piece[i]; {
		case c.escaped:
			c.escaped, c.match = false, 0
			if b == replacement[0] {
				c.match = 1
			}
		case c.match > 0 && b == replacement[c.match]:
			if c.match++; c.match == len(replacement) {
				c.replaced, c.match = true, 0
			}
		case b == '"':
			c.inString, c.match = !c.inString, 0
		case c.inString:
			c.escaped, c.match = b == '\\', 0
		case b == '{':
			c.depth++
			c.all++
			if c.depth == 3 {
				c.entries++
			}
		case b == '[':
			c.depth++
		case b == '}' || b == ']':
			c.depth--
		}
	}
}

// plain returns how many bytes of a text stand before a quote or a backslash.
func plain(text []byte) int {
	if quote := bytes.IndexByte(text, '"'); quote >= 0 {
		text = text[:quote]
	}
	if backslash := bytes.IndexByte(text, '\\'); backslash >= 0 {
		return backslash
	}
	return len(text)
}

// indenter lays compact JSON out as json.Indent does with two spaces.
type indenter struct {
	w                 io.Writer
	out               []byte
	depth             int
	opened            bool // the last byte began an object or a list
	inString, escaped bool
}

// Write passes a piece on.
func (n *indenter) Write(piece []byte) (int, error) {
	n.out = n.out[:0]
	for i := 0; i < len(piece); i++ {
		if n.inString && !n.escaped {
			rest := plain(piece[i:])
			n.out = append(n.out, piece[i:i+rest]...)
			if i += rest; i == len(piece) {
				break
			}
		}
		b := piece[i]
		if n.inString {
			n.out = append(n.out, b)
			n.inString = n.escaped || b != '"'
			n.escaped = !n.escaped && b == '\\'
			continue
		}
		closing := b == '}' || b == ']'
		if closing {
			n.depth--
		}
		if n.opened != closing { // what is empty stays on its line
			n.line()
		}
		n.opened = b == '{' || b == '['
		n.out = append(n.out, b)
		switch {
		case n.opened:
			n.depth++
		case b == ',':
			n.line()
		case b == ':':
			n.out = append(n.out, ' ')
		}
		n.inString = b == '"'
	}
	_, err := n.w.Write(n.out)
	return len(piece), err
}

func (n *indenter) line() {
	n.out = append(n.out, '\n')
	for range n.depth {
		n.out = append(n.out, "  "...)
	}
}
