package shadow

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/server"
)

// Pool keeps the local servers of one run, one per major version.
type Pool struct {
	servers map[int]*local
	found   map[int]server.Binaries
	begun   chan begun // receives the server that is being started, nil when none is
}

// begun is a server that was started in the background, or why it was not.
type begun struct {
	server *server.Server
	conn   *pgx.Conn
	err    error
}

// local is a server of Cairn's own.
type local struct {
	*server.Server
	count int       // shadows that were opened on it
	conn  *pgx.Conn // to the database that it starts with, which nobody uses yet; may be nil
}

// prepared is the database that a local server starts with.
const prepared = "cairn_shadow"

// IsNew reports whether a local shadow of that request is the first on its server:
// roles and tablespaces of earlier ones stay there.
func (p *Pool) IsNew(ctx context.Context, r Request) (bool, error) {
	b, err := p.Find(ctx, r)
	return r.Alone || p.servers[b.Major] == nil, err
}

// Find returns the binaries that a local shadow of that request runs on.
func (p *Pool) Find(ctx context.Context, r Request) (server.Binaries, error) {
	if b, known := p.found[r.Major]; known {
		return b, nil
	}
	b, err := server.Find(ctx, r.Major, r.Server)
	if err != nil {
		return server.Binaries{}, err
	}
	if p.found == nil {
		p.found = map[int]server.Binaries{}
	}
	p.found[r.Major], p.found[b.Major] = b, b
	return b, nil
}

// Close stops the local servers.
func (p *Pool) Close(ctx context.Context) error {
	_ = p.settle() // nobody needed it
	var errs []error
	for _, s := range p.servers {
		if s.conn != nil {
			_ = s.conn.Close(ctx) // nobody needed it
		}
		errs = append(errs, s.Stop(ctx))
	}
	p.servers = nil
	return errors.Join(errs...)
}

// Major returns the major version that a local shadow has when any will do: that
// of a server that runs already, else 0.
func (p *Pool) Major() int {
	for major := range p.servers {
		return major
	}
	return 0
}

func (p *Pool) openLocal(ctx context.Context, r Request) (*Shadow, error) {
	if r.Alone {
		return p.openAlone(ctx, r)
	}
	s, err := p.start(ctx, r)
	if err != nil {
		return nil, err
	}
	return p.openOn(ctx, s, r)
}

// openAlone starts a server for one shadow, which stops with it.
func (p *Pool) openAlone(ctx context.Context, r Request) (*Shadow, error) {
	own := Pool{found: p.found}
	s, err := own.start(ctx, r)
	if err != nil {
		return nil, err
	}
	opened, err := own.openOn(ctx, s, r)
	if err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	opened.close = func(ctx context.Context) error { return errors.Join(opened.Conn.Close(ctx), s.Stop(ctx)) }
	return opened, nil
}

func (p *Pool) openOn(ctx context.Context, s *local, r Request) (*Shadow, error) {
	name := prepared
	switch {
	case r.Alone && r.Name != "":
		name = r.Name
	case s.count > 0 || !isPrepared(r.Encoding):
		name = fmt.Sprintf("shadow_%d", s.count)
	}
	if name != prepared {
		if err := s.create(ctx, name, r); err != nil {
			return nil, err
		}
	}
	s.count++
	var conn *pgx.Conn
	if name == prepared {
		conn, s.conn = s.conn, nil
	}
	if conn == nil {
		var err error
		if conn, err = pg.Connect(ctx, s.URL(name), r.Options); err != nil {
			return nil, fmt.Errorf("opening the shadow: %w", err)
		}
	}
	opened := &Shadow{Conn: conn, Unowned: Superuser, Local: true, close: conn.Close}
	if name == prepared {
		opened.giveBack = func() { s.count, s.conn = s.count-1, conn }
	}
	return opened, nil
}

// isPrepared reports whether the database that a server starts with has the encoding.
func isPrepared(encoding string) bool { return encoding == "" || encoding == "UTF8" }

// create makes a further database.
func (s *local) create(ctx context.Context, name string, r Request) error {
	system, err := s.Complete()
	if err != nil {
		return fmt.Errorf("creating the shadow database: %w", err)
	}
	admin, err := pg.Connect(ctx, system, r.Options)
	if err != nil {
		return fmt.Errorf("opening the shadow: %w", err)
	}
	defer admin.Close(ctx)
	sql := server.CreateDatabase(s.Major(), name)
	if r.Encoding != "" {
		sql += " ENCODING " + pg.QuoteLiteral(r.Encoding)
	}
	if _, err := admin.Exec(ctx, sql); err != nil && (pg.Code(err) != "42P04" || !r.Alone) { // initdb made it
		return fmt.Errorf("creating the shadow database: %w", err)
	}
	return nil
}

func (p *Pool) start(ctx context.Context, r Request) (*local, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	if s := p.servers[r.Major]; s != nil {
		return s, nil
	}
	binaries, err := p.Find(ctx, r)
	if err != nil {
		return nil, err
	}
	if s := p.servers[binaries.Major]; s != nil {
		return s, nil
	}
	started, err := launch(ctx, binaries, r)
	if err != nil {
		return nil, err
	}
	return p.take(begun{server: started}), nil
}

func (p *Pool) take(b begun) *local {
	if p.servers == nil {
		p.servers = map[int]*local{}
	}
	s := &local{Server: b.server, conn: b.conn}
	p.servers[s.Major()] = s
	return s
}

// Begin starts the server of a local shadow that will be opened soon, while the
// caller does other work. What goes wrong is told when the shadow is opened.
func (p *Pool) Begin(ctx context.Context, r Request) {
	if r.Where != "" || r.Alone || p.begun != nil {
		return
	}
	binaries, err := p.Find(ctx, r)
	if err != nil || p.servers[binaries.Major] != nil {
		return
	}
	done := make(chan begun, 1)
	p.begun = done
	go func() {
		b := begun{}
		if b.server, b.err = launch(ctx, binaries, r); b.err == nil && isPrepared(r.Encoding) {
			b.conn, _ = pg.Connect(ctx, b.server.URL(prepared), r.Options) // who opens the shadow tries again
		}
		done <- b
	}()
}

// settle waits for the server that is being started.
func (p *Pool) settle() error {
	if p.begun == nil {
		return nil
	}
	b := <-p.begun
	p.begun = nil
	if b.err == nil {
		p.take(b)
	}
	return b.err
}

const (
	sessions = 20   // more than ever use one shadow
	few      = 1000 // statements whose objects take little memory
)

// launch starts a server that is small where little is asked of it: what it sets up
// for sessions and memory takes it as long as much of what a small plan asks.
func launch(ctx context.Context, binaries server.Binaries, r Request) (*server.Server, error) {
	server.Sweep(r.Server)
	c := server.Config{Superuser: Superuser, Database: prepared, Locks: 2 * r.Statements, Sessions: sessions, Settings: map[string]string{
		"max_parallel_workers_per_gather": "0",
	}}
	if r.Statements < few {
		c.Settings["shared_buffers"] = "32MB"
	}
	return server.Start(ctx, binaries, c, r.Server)
}
