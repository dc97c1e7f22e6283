package server

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	embeddedSuperuser = "postgres"
	maxEmbeddedName   = 40
)

// EmbeddedServer describes a kept server.
type EmbeddedServer struct {
	Name    string
	Major   int
	Running bool
	Dir     string
	URL     string
}

// OpenEmbedded starts the kept server of that name, or makes it first, and
// returns the URL of its database of the same name. The server goes on when
// this process ends.
func OpenEmbedded(ctx context.Context, name string, major int, o Options) (url string, err error) {
	err = withEmbedded(ctx, name, o, true, func(e embedded) error {
		url, err = e.open(ctx, major, o)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("opening the kept server %q: %w", name, err)
	}
	return url, nil
}

// ListEmbedded lists the kept servers by name.
func ListEmbedded(o Options) ([]EmbeddedServer, error) {
	entries, err := os.ReadDir(embeddedRoot(o))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the kept servers: %w", err)
	}
	var all []EmbeddedServer
	for _, entry := range entries {
		e := embedded{name: entry.Name(), dir: filepath.Join(embeddedRoot(o), entry.Name())}
		if !entry.IsDir() || checkName(e.name) != nil {
			continue
		}
		major, err := dataMajor(e.data())
		if err != nil {
			return nil, fmt.Errorf("listing the kept servers: %w", err)
		}
		if major == 0 {
			continue // never finished
		}
		all = append(all, EmbeddedServer{
			Name: e.name, Major: major, Dir: e.dir, URL: e.url(e.name),
			Running: runningPostmaster(e.data()) != 0,
		})
	}
	return all, nil
}

// StopEmbedded stops a kept server; one that does not run is left alone.
func StopEmbedded(ctx context.Context, name string, o Options) error {
	err := withEmbedded(ctx, name, o, false, func(e embedded) error {
		return stopPostmaster(ctx, e.data(), syscall.SIGINT)
	})
	if err != nil {
		return fmt.Errorf("stopping the kept server %q: %w", name, err)
	}
	return nil
}

// RemoveEmbedded stops a kept server and deletes its data.
func RemoveEmbedded(ctx context.Context, name string, o Options) error {
	err := withEmbedded(ctx, name, o, false, func(e embedded) error {
		if err := stopPostmaster(ctx, e.data(), syscall.SIGINT); err != nil {
			return err
		}
		return errors.Join(removeAll(e.dir), removeAll(e.socket()))
	})
	if err != nil {
		return fmt.Errorf("removing the kept server %q: %w", name, err)
	}
	return nil
}

func embeddedRoot(o Options) string { return filepath.Join(o.DataDir, "embedded") }

// withEmbedded runs a function while no other process works on the server of
// that name.
func withEmbedded(ctx context.Context, name string, o Options, create bool, run func(embedded) error) (err error) {
	if err := checkName(name); err != nil {
		return err
	}
	e := embedded{name: name, dir: filepath.Join(embeddedRoot(o), name)}
	if !create {
		if err := e.checkKnown(o); err != nil {
			return err
		}
	}
	if err := mkdirShared(embeddedRoot(o)); err != nil {
		return err
	}
	lock, err := lockFile(ctx, filepath.Join(embeddedRoot(o), "."+name+".lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return run(e)
}

// checkName refuses names that do not do as a directory and a database.
func checkName(name string) error {
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	switch {
	case name == "" || len(name) > maxEmbeddedName || odd || name[0] == '-':
		return fmt.Errorf("the name must be 1 to %d letters, digits, _ and -", maxEmbeddedName)
	case name == "template0" || name == "template1":
		return errors.New("the name belongs to PostgreSQL itself")
	}
	return nil
}

// embedded is the directory of one kept server.
type embedded struct{ name, dir string }

func (e embedded) data() string { return filepath.Join(e.dir, "data") }
func (e embedded) log() string  { return filepath.Join(e.dir, "log") }
func (e embedded) url(database string) string {
	return socketURL(database, e.socket(), embeddedSuperuser, socketPort)
}

// socket is below the directory unless its path is too long for one.
func (e embedded) socket() string {
	if dir := filepath.Join(e.dir, "s"); socketFits(dir) {
		return dir
	}
	sum := fnv.New64a()
	sum.Write([]byte(e.dir))
	return filepath.Join(userTempDir(), fmt.Sprintf("s-%016x", sum.Sum64()))
}

func (e embedded) checkKnown(o Options) error {
	all, err := ListEmbedded(o)
	if err != nil {
		return err
	}
	var names []string
	for _, known := range all {
		names = append(names, known.Name)
	}
	switch {
	case slices.Contains(names, e.name):
		return nil
	case len(names) == 0:
		return errors.New("there is no such server; none is kept")
	}
	return fmt.Errorf("there is no such server; kept are %s", strings.Join(names, ", "))
}

func (e embedded) open(ctx context.Context, major int, o Options) (string, error) {
	have, err := dataMajor(e.data())
	if err != nil {
		return "", err
	}
	if have != 0 && major != 0 && have != major {
		return "", fmt.Errorf("it holds data of PostgreSQL %d, not %d; ask for %d or remove it", have, major, have)
	}
	if pid := runningPostmaster(e.data()); pid != 0 {
		err = waitReady(ctx, e.data(), pid, nil)
	} else {
		err = e.start(ctx, have, major, o)
	}
	if err != nil {
		return "", err
	}
	return e.url(e.name), e.createDatabase(ctx)
}

func (e embedded) start(ctx context.Context, have, major int, o Options) error {
	b, err := Find(ctx, max(have, major), o)
	if err != nil {
		return err
	}
	acct := serverAccount()
	if have == 0 {
		err = e.create(ctx, b, acct)
	} else {
		acct, err = accountOf(e.data())
	}
	if err != nil {
		return err
	}
	if err := errors.Join(mkdirShared(filepath.Dir(e.socket())), makeOwned(e.socket(), acct)); err != nil {
		return err
	}
	if err := e.dropStalePid(); err != nil {
		return err
	}
	p, err := launch(b, acct, serverArgs(e.data(), e.socket()), e.log(), true)
	if err != nil {
		return err
	}
	err = waitReady(ctx, e.data(), p.pid, p.done)
	if errors.Is(err, errExited) {
		return p.exited()
	}
	if err != nil {
		return errors.Join(err, p.stop(context.WithoutCancel(ctx), syscall.SIGINT))
	}
	return nil
}

// create initialises the data next to its place and renames it, so that a
// data directory is always whole.
func (e embedded) create(ctx context.Context, b Binaries, acct account) error {
	if err := mkdirShared(e.dir); err != nil {
		return err
	}
	if err := acct.checkEnter(ctx, e.dir); err != nil {
		return fmt.Errorf("%w (set CAIRN_DATA_DIR to a directory it can)", err)
	}
	unfinished := e.data() + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := initData(ctx, b, acct, unfinished, embeddedSuperuser, true); err != nil {
		return err
	}
	return os.Rename(unfinished, e.data())
}

// dropStalePid removes the file of a server that is gone when its process id
// is now that of another program, which the server cannot tell by itself.
func (e embedded) dropStalePid() error {
	pid := postmasterPid(e.data())
	if pid == 0 {
		return nil
	}
	args := commandLine(pid)
	if len(args) == 0 || strings.HasPrefix(filepath.Base(args[0]), "postgres") {
		return nil
	}
	return os.Remove(filepath.Join(e.data(), "postmaster.pid"))
}

func (e embedded) createDatabase(ctx context.Context) error {
	conn, err := pgconn.Connect(ctx, e.url(e.name))
	if err == nil {
		return conn.Close(ctx)
	}
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "3D000" { // no such database
		return err
	}
	if conn, err = pgconn.Connect(ctx, e.url("postgres")); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{e.name}.Sanitize()).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// dataMajor reads the version of a data directory, 0 when there is none.
func dataMajor(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if n := leadingNumber(strings.TrimSpace(string(text))); n != 0 {
		return n, nil
	}
	return 0, fmt.Errorf("%s does not tell a version", filepath.Join(data, "PG_VERSION"))
}
