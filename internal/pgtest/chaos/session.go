package chaos

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"
)

// Session is one connection of the client and its counterpart on the server.
type Session struct {
	proxy          *Proxy
	client, server net.Conn
	runs           bool // the steps
	statements     statements
	gone           chan struct{} // closed when both sides know that the other is gone, after a cut of one side

	mu       sync.Mutex
	pid      uint32        // of the server's process
	pending  int           // requests without an answer
	withheld []message     // answers that the client does not get yet
	answered chan struct{} // while answers are withheld: closed when the server has answered all
	half     bool          // one side was told that the other is gone, and the other not yet
}

// PID is the server process of the session.
func (s *Session) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.pid)
}

// Answered is closed when the server has answered what is withheld.
func (s *Session) Answered() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered
}

// requests passes on what the client sends.
func (s *Session) requests() {
	for {
		m, err := readMessage(s.client)
		if err != nil {
			break
		}
		text, err := s.statements.note(m)
		if err != nil {
			break
		}
		if t := s.proxy.arrive(s, m, text); t != nil {
			err = s.spring(t, m)
		} else {
			err = s.send(m)
		}
		if err != nil {
			break
		}
	}
	s.mu.Lock()
	half := s.half
	s.mu.Unlock()
	if half {
		<-s.gone
	}
}

// errGone says that the session ends here.
var errGone = errors.New("the trap ended the session")

// send passes a message on to the server.
func (s *Session) send(m message) error {
	if m.ends() {
		s.mu.Lock()
		s.pending++
		s.mu.Unlock()
		s.statements.running = nil
	}
	_, err := s.server.Write(m.raw)
	return err
}

// spring does what the trap is for, at its moment.
func (s *Session) spring(t *Trap, m message) error {
	defer t.acting.Unlock()
	if t.When == Before {
		if !t.Act(s) {
			return errGone
		}
		return s.send(m)
	}
	if t.When == Inside && t.Prepare != nil {
		t.Prepare(s)
	}
	answered := make(chan struct{})
	s.mu.Lock()
	s.answered = answered
	s.mu.Unlock()
	if err := s.send(m); err != nil {
		return err
	}
	if t.When == Inside {
		t.Pause(s)
		select {
		case <-answered:
			t.mu.Lock()
			t.late = true
			t.mu.Unlock()
		default:
		}
	} else {
		select {
		case <-answered:
		case <-time.After(patience):
		}
	}
	if !t.Act(s) {
		return errGone
	}
	return s.release()
}

// release gives the client the answers that were withheld.
func (s *Session) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered = nil
	for _, m := range s.withheld {
		if _, err := s.client.Write(m.raw); err != nil {
			return err
		}
	}
	s.withheld = nil
	return nil
}

// answers passes on what the server sends, or withholds it.
func (s *Session) answers() {
	for {
		m, err := readMessage(s.server)
		if err != nil {
			break
		}
		if err := s.answer(m); err != nil {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered != nil && s.pending > 0 {
		s.pending = 0
		close(s.answered)
	}
	if !s.half {
		_ = s.client.Close() // the client may be gone already
	}
}

func (s *Session) answer(m message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.kind {
	case 'K':
		s.pid = binary.BigEndian.Uint32(m.body())
	case 'Z':
		if s.pending > 0 {
			s.pending--
		}
	}
	if s.answered == nil {
		_, err := s.client.Write(m.raw)
		return err
	}
	s.withheld = append(s.withheld, m)
	if m.kind == 'Z' && s.pending == 0 {
		close(s.answered)
	}
	return nil
}

// Cut ends the connection on both sides.
func (s *Session) Cut() {
	_ = s.client.Close()
	_ = s.server.Close()
}

// CutClient tells the client that the connection is gone, and the server only
// after a while, as when packets are lost.
func (s *Session) CutClient(while time.Duration) {
	s.setHalf()
	_ = s.client.Close()
	go func() {
		time.Sleep(while)
		_ = s.server.Close()
		close(s.gone)
	}()
}

// CutServer tells the server that the connection is gone, and the client only
// after a while.
func (s *Session) CutServer(while time.Duration) {
	s.setHalf()
	_ = s.server.Close()
	go func() {
		time.Sleep(while)
		_ = s.client.Close()
		close(s.gone)
	}()
}

func (s *Session) setHalf() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.half = true
}
