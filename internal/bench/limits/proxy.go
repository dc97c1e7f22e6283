package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// readyForQuery is the type of the message that ends connecting, and each answer.
const readyForQuery = 'Z'

// proxy makes a server look far away, and counts how often a client waits for it.
// The direction of a session changes when one side sends after the other has; each
// change takes the latency, and each change to the server begins a round trip.
type proxy struct {
	listener net.Listener
	socket   string // path of the server's
	latency  time.Duration

	mu    sync.Mutex
	count trips
}

// trips are what was counted.
type trips struct {
	Connections int `json:"connections"`
	Connecting  int `json:"connecting"` // round trips until a session is ready for its first statement
	Working     int `json:"working"`    // those after that
}

func newProxy(socket string, latency time.Duration) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	p := &proxy{listener: listener, socket: socket, latency: latency}
	go p.accept()
	return p, nil
}

// url is that of a database behind the proxy.
func (p *proxy) url(user, database string) string {
	return "postgres://" + user + "@" + p.listener.Addr().String() + "/" + database + "?sslmode=disable"
}

// taken returns what was counted, and counts anew.
func (p *proxy) taken() trips {
	p.mu.Lock()
	defer p.mu.Unlock()
	count := p.count
	p.count = trips{}
	return count
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

// session is one connection through the proxy.
type session struct {
	proxy *proxy

	mu       sync.Mutex
	toServer bool // the side that sent last is the client
	ready    bool // connecting is over
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.socket)
	if err != nil {
		return // the client sees a server that ends the connection
	}
	defer server.Close()
	p.mu.Lock()
	p.count.Connections++
	p.mu.Unlock()
	s := &session{proxy: p}
	go func() {
		defer client.Close()
		_ = s.pass(client, server, false)
	}()
	_ = s.pass(server, client, true)
}

// pass passes on what one side sends until it ends.
func (s *session) pass(to io.Writer, from io.Reader, toServer bool) error {
	var start startup
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			s.turn(toServer)
			if !toServer && start.over(buffer[:n]) {
				s.mu.Lock()
				s.ready = true
				s.mu.Unlock()
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// turn notes who sends, and waits where that has changed.
func (s *session) turn(toServer bool) {
	s.mu.Lock()
	changed, ready := s.toServer != toServer, s.ready
	s.toServer = toServer
	s.mu.Unlock()
	if !changed {
		return
	}
	if toServer {
		s.proxy.mu.Lock()
		if ready {
			s.proxy.count.Working++
		} else {
			s.proxy.count.Connecting++
		}
		s.proxy.mu.Unlock()
	}
	time.Sleep(s.proxy.latency)
}

// startup finds the end of connecting in what the server sends: messages of a
// type, four bytes of length that count themselves, and contents.
type startup struct {
	head []byte // of a message, as far as it has come
	rest int    // of its contents
	done bool
}

// over takes the next bytes and reports whether the session is ready.
func (u *startup) over(b []byte) bool {
	for len(b) > 0 && !u.done {
		if u.rest > 0 {
			n := min(u.rest, len(b))
			b, u.rest = b[n:], u.rest-n
			continue
		}
		u.head, b = append(u.head, b[0]), b[1:]
		if len(u.head) == 5 {
			u.done = u.head[0] == readyForQuery
			u.rest = int(binary.BigEndian.Uint32(u.head[1:])) - 4
			u.head = u.head[:0]
		}
	}
	return u.done
}
