package sealed

import "errors"

// checkForm demands that a file is written as the program writes it, but for the
// white space between values, which editors and version control change. JSON has
// other spellings of one content that a reader of the file could take for
// another content: a key that stands there twice or in other letters, and escapes.
func (f Format) checkForm(text []byte, c Content) error {
	w := &comparer{text: text}
	err := c.Print(w)
	if errors.Is(err, errDiffers) || err == nil && !w.atEnd() {
		return f.Broken(nil, "was edited after it was made: line %d is not written as cairn writes it", line(text, int64(w.at)+1))
	}
	return err
}

// errDiffers ends the printing of a content that is not the text.
var errDiffers = errors.New("the text differs")

// comparer is a writer that compares what is written to it with a text.
type comparer struct {
	text     []byte
	at       int  // place in the text
	inString bool // of what is written
	escaped  bool // the last byte was a backslash in a string
}

// Write returns errDiffers where the text goes on otherwise.
func (c *comparer) Write(written []byte) (int, error) {
	for i := 0; i < len(written); i++ {
		b := written[i]
		if !c.inString {
			if isSpace(b) {
				continue
			}
			c.skip()
		}
		if c.at == len(c.text) || c.text[c.at] != b {
			return i, errDiffers
		}
		c.at++
		switch {
		case c.escaped:
			c.escaped = false
		case c.inString && b == '\\':
			c.escaped = true
		case b == '"':
			c.inString = !c.inString
		}
	}
	return len(written), nil
}

func (c *comparer) skip() {
	for c.at < len(c.text) && isSpace(c.text[c.at]) {
		c.at++
	}
}

// atEnd reports whether nothing of the text is left.
func (c *comparer) atEnd() bool {
	c.skip()
	return c.at == len(c.text)
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }
