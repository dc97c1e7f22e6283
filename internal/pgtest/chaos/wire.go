package chaos

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"
)

// message is one message of the protocol as it came, with its head.
type message struct {
	kind byte // 0 for the first one of a session, which has none
	raw  []byte
}

// longest is the most that a message of a test can have.
const longest = 64 << 20

// readMessage reads one message.
func readMessage(r io.Reader) (message, error) {
	return read(r, 1)
}

// readStartup reads the first message of a client, which has no kind.
func readStartup(r io.Reader) (message, error) {
	return read(r, 0)
}

func read(r io.Reader, kinds int) (message, error) {
	head := make([]byte, kinds+4)
	if _, err := io.ReadFull(r, head); err != nil {
		return message{}, err
	}
	length := int(binary.BigEndian.Uint32(head[kinds:]))
	if length < 4 || length > longest {
		return message{}, fmt.Errorf("a message of %d bytes", length)
	}
	m := message{raw: append(head, make([]byte, length-4)...)}
	if kinds > 0 {
		m.kind = head[0]
	}
	_, err := io.ReadFull(r, m.raw[len(head):])
	return m, err
}

// body is what follows the head.
func (m message) body() []byte {
	if m.kind == 0 {
		return m.raw[4:]
	}
	return m.raw[5:]
}

// code is the first word of a startup message.
func (m message) code() uint32 {
	if len(m.body()) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(m.body())
}

// The first words of the messages that ask for something else than a session.
const (
	cancelRequest = 80877102
	sslRequest    = 80877103
	gssRequest    = 80877104
)

// ends reports whether the server answers what came up to here with
// ReadyForQuery: a simple query, or the end of an extended one.
func (m message) ends() bool { return m.kind == 'Q' || m.kind == 'S' }

// statements keeps what a client says about its statements, so that a message
// that runs one can be told by its text.
type statements struct {
	prepared map[string]string // by name
	running  []string          // of the request that is being sent
}

// note reads a message of the client. It returns the text of the statement that
// the message begins to run, "" when it runs none.
func (s *statements) note(m message) (string, error) {
	if s.prepared == nil {
		s.prepared = map[string]string{}
	}
	text := ""
	switch m.kind {
	case 'Q':
		var q pgproto3.Query
		if err := q.Decode(m.body()); err != nil {
			return "", err
		}
		text = q.String
	case 'P':
		var p pgproto3.Parse
		if err := p.Decode(m.body()); err != nil {
			return "", err
		}
		s.prepared[p.Name] = p.Query
	case 'B':
		var b pgproto3.Bind
		if err := b.Decode(m.body()); err != nil {
			return "", err
		}
		text = s.prepared[b.PreparedStatement]
	}
	if text != "" {
		s.running = append(s.running, text)
	}
	return text, nil
}
