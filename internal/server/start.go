package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Server is a running server of this process.
type Server struct {
	major     int
	superuser string
	port      string
	work      *workDir
	lacks     template // its second part is not copied yet, "" when there is none
	process   *postmaster
	signal    syscall.Signal
	once      sync.Once
	stopErr   error
}

// Start runs a server until Stop. It takes connections when Start returns.
func Start(ctx context.Context, b Binaries, c Config, o Options) (*Server, error) {
	s, copied, err := startOnce(ctx, b, c, o, false)
	if copied && errors.Is(err, errExited) {
		// The copy may be what is wrong.
		s, _, err = startOnce(ctx, b, c, o, true)
	}
	if err != nil {
		b.forget(serverAccount(), o)
		return nil, fmt.Errorf("starting PostgreSQL %d: %w", b.Major, err)
	}
	return s, nil
}

// startOnce reports whether the data directory was copied from a template,
// which fresh forbids.
func startOnce(ctx context.Context, b Binaries, c Config, o Options, fresh bool) (s *Server, copied bool, err error) {
	acct := serverAccount()
	if c.Data != "" {
		if acct, err = prepareData(ctx, b, c, acct); err != nil {
			return nil, false, err
		}
	}
	work, err := newWorkDir(ctx, acct)
	if err != nil {
		return nil, false, err
	}
	s = &Server{major: b.Major, superuser: c.superuser(), port: c.port(), work: work, signal: syscall.SIGQUIT}
	data := c.Data
	if data == "" {
		data = work.data()
		copied, err = makeTemporaryData(ctx, b, acct, data, c, fresh, o)
		if copied && c.Database != "" {
			s.lacks = templateFor(b, c, o)
		}
	} else {
		s.signal = syscall.SIGINT
	}
	if err == nil {
		args := serverArgs(data, work.socket(), quickSettings(b.Major, c), c.Settings)
		s.process, err = launch(b, acct, args, work.log(), false)
	}
	if err == nil {
		err = waitReady(ctx, data, s.process.pid, s.process.done)
		if errors.Is(err, errExited) {
			err = s.process.exited()
		}
	}
	if err != nil {
		return nil, copied, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, copied, nil
}

// prepareData initialises a data directory that is to be kept, or takes the
// one that is there, with the account it belongs to.
func prepareData(ctx context.Context, b Binaries, c Config, acct account) (account, error) {
	if !filepath.IsAbs(c.Data) {
		return acct, fmt.Errorf("the data directory %s is not an absolute path", c.Data)
	}
	have, err := dataMajor(c.Data)
	switch {
	case err != nil:
		return acct, err
	case have != 0 && have != b.Major:
		return acct, fmt.Errorf("%s holds data of PostgreSQL %d", c.Data, have)
	case have != 0:
		return accountOf(c.Data)
	}
	parent := filepath.Dir(c.Data)
	if err := mkdirShared(parent); err != nil {
		return acct, err
	}
	if err := acct.checkEnter(ctx, parent); err != nil {
		return acct, err
	}
	return acct, initData(ctx, b, acct, c.Data, c.superuser(), c.Durable)
}

// URL is the libpq URL of a database of the server.
func (s *Server) URL(database string) string {
	return socketURL(database, s.work.socket(), s.superuser, s.port)
}

// Complete copies what a server with a database of its own did not start with: the
// databases that others are made of. It returns the URL of one for statements about
// databases.
func (s *Server) Complete() (url string, err error) {
	if s.lacks.file != "" {
		if err := s.lacks.copyTo(s.work.data(), serverAccount(), templateEnd); err != nil {
			return "", fmt.Errorf("completing the data directory of PostgreSQL %d: %w", s.major, err)
		}
		s.lacks = template{}
	}
	return s.URL(systemDatabase), nil
}

// PID is the process id of the server, the parent of its other processes.
func (s *Server) PID() int { return s.process.pid }

// Major is the major version of the server.
func (s *Server) Major() int { return s.major }

// Stop ends the server and removes what was temporary. Later calls return
// what the first one did.
func (s *Server) Stop(ctx context.Context) error {
	s.once.Do(func() {
		if s.process != nil {
			cleared := s.clear()
			s.stopErr = s.process.stop(ctx, s.signal)
			<-cleared
		}
		if err := s.work.remove(); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.stopErr = errors.Join(s.stopErr, err)
		}
		if s.stopErr != nil {
			s.stopErr = fmt.Errorf("stopping PostgreSQL %d: %w", s.major, s.stopErr)
		}
	})
	return s.stopErr
}

// clear begins to remove the databases of a temporary server that is on its way
// out, which takes as long as the server does. What it leaves goes with the rest.
func (s *Server) clear() <-chan struct{} {
	done := make(chan struct{})
	if s.signal != syscall.SIGQUIT || s.process.signal(s.signal) != nil {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		_ = os.RemoveAll(filepath.Join(s.work.data(), "base"))
	}()
	return done
}
