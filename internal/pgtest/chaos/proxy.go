package chaos

import (
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// When says at which moment of a request its trap acts.
type When string

// The moments.
const (
	Before When = "before" // it was sent, and the server has not got it
	Inside When = "inside" // the server is at work on it
	After  When = "after"  // the server has answered, and the client has not got it
)

// Point is a moment of a request of the session that runs the steps. A request is
// what the server answers as a whole: a simple query, or the messages of the
// extended protocol up to Sync. One that only prepares a statement is none.
type Point struct {
	Number    int            // from 1, the one that takes the advisory lock; 0 for one that is told by Statement
	Since     *regexp.Regexp // a statement that has to have come before; nil for none
	Statement *regexp.Regexp // the first statement from there on that matches is the one
	When      When
}

// Trap is what happens at a point.
type Trap struct {
	Point
	Prepare func(*Session)      // before a request that is stopped inside is passed on; may be nil
	Pause   func(*Session)      // lasts until the server is at work; needed for Inside
	Act     func(*Session) bool // reports whether the session goes on

	mu      sync.Mutex
	begun   bool // the statement that has to come before came
	reached bool
	acting  sync.Mutex // held from there until the trap has acted
	late    bool       // inside, but the server had answered
	text    string     // of the statement
}

// Finish waits until the trap has acted, where its point was reached. It reports
// that, whether the server had answered when it was to act inside of the
// statement, and the statement.
func (t *Trap) Finish() (reached, late bool, statement string) {
	t.acting.Lock()
	defer t.acting.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reached, t.late, t.text
}

// Proxy stands between a client and a server, and counts what is sent.
type Proxy struct {
	listener net.Listener
	server   func() string // path of the server's socket

	mu    sync.Mutex
	trap  *Trap
	count int // requests of sessions that run steps
}

// NewProxy listens on this machine and passes sessions on to a socket.
func NewProxy(server func() string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, server: server}
	go p.accept()
	return p, nil
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Close ends listening. Sessions end with their clients.
func (p *Proxy) Close() error { return p.listener.Close() }

// Arm sets the trap for the sessions that begin from here on, nil for none, and
// counts anew.
func (p *Proxy) Arm(t *Trap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trap, p.count = t, 0
}

// Requests returns how many requests the session that runs the steps has sent
// since Arm.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

// serve passes on what a client sends. Without a server the client is told so by
// the end of its connection, as by a machine whose server is down.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.server())
	if err != nil {
		return
	}
	defer server.Close()
	for {
		m, err := readStartup(client)
		if err != nil {
			return
		}
		switch m.code() {
		case sslRequest, gssRequest:
			if _, err := client.Write([]byte{'N'}); err != nil {
				return
			}
			continue
		}
		if _, err := server.Write(m.raw); err != nil {
			return
		}
		if m.code() == cancelRequest {
			_, _ = io.Copy(client, server) // the server closes when it has passed it on
			return
		}
		break
	}
	s := &Session{proxy: p, client: client, server: server, gone: make(chan struct{})}
	go s.answers()
	s.requests()
}

// lockText is in the statement by which the session that runs steps is known.
const lockText = "pg_try_advisory_lock"

// arrive counts requests and returns the trap that a message sets off.
func (p *Proxy) arrive(s *Session, m message, text string) *Trap {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.runs {
		if !strings.Contains(text, lockText) {
			return nil
		}
		s.runs = true
	}
	begins := text != "" && len(s.statements.running) == 1
	if begins {
		p.count++
	}
	t := p.trap
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reached || !t.meets(p.count, begins, m, text, s.statements.running) {
		return nil
	}
	t.acting.Lock()
	t.reached, t.text = true, strings.Join(s.statements.running, "; ")
	return t
}

// meets reports whether the message is the one of the point.
func (t *Trap) meets(count int, begins bool, m message, text string, running []string) bool {
	if t.Number > 0 {
		return count == t.Number && (t.When == Before && begins || t.When != Before && m.ends() && len(running) > 0)
	}
	if !t.begun && t.Since != nil {
		t.begun = text != "" && t.Since.MatchString(text)
		return false
	}
	if t.When == Before {
		return text != "" && t.Statement.MatchString(text)
	}
	return m.ends() && slices.ContainsFunc(running, t.Statement.MatchString)
}

// patience is how long a proxy waits for an answer that it has to withhold.
const patience = 30 * time.Second
