package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/cairn-db/cairn/internal/server"
)

// settings make a commit survive the death of the server's processes. That of
// the machine is not tried, so nothing is written through to the disk.
var settings = map[string]string{"synchronous_commit": "on", "max_connections": strconv.Itoa(connections)}

// connections is how many sessions a server takes.
const connections = 30

// Server is a server that can die and start again with its data.
type Server struct {
	binaries server.Binaries
	options  server.Options
	dir      string

	mu      sync.Mutex
	running *server.Server
}

// StartServer makes a server with a data directory of its own.
func StartServer(ctx context.Context, b server.Binaries, o server.Options) (*Server, error) {
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the server runs as another account
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &Server{binaries: b, options: o, dir: dir}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Start starts the server on its data, also after it died.
func (s *Server) Start(ctx context.Context) error {
	running, err := server.Start(ctx, s.binaries, server.Config{Data: s.data(), Settings: settings}, s.options)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
	return nil
}

// Crash ends the server as pg_ctl stop -m immediate does: its processes go
// without finishing anything, and the next start recovers from the log.
func (s *Server) Crash(ctx context.Context) error {
	pid, err := s.postmaster()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		return fmt.Errorf("stopping the server: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running.Stop(ctx)
}

// postmaster returns the process of the server.
func (s *Server) postmaster() (int, error) {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("finding the server: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("finding the server: %q is no process", first)
	}
	return pid, nil
}

// URL returns where a database of the server is. It changes when the server
// starts again.
func (s *Server) URL(database string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running.URL(database)
}

// Socket returns the path of the server's socket.
func (s *Server) Socket() string {
	parsed, err := url.Parse(s.URL("postgres"))
	if err != nil {
		return ""
	}
	return filepath.Join(parsed.Query().Get("host"), ".s.PGSQL."+parsed.Query().Get("port"))
}

// Close ends the server and removes its data.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.running.Stop(ctx), os.RemoveAll(s.dir))
}
