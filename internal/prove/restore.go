package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/server"
)

// Dump is what pg_dump wrote.
type Dump struct {
	name    string // for messages
	path    string
	archive bool   // for pg_restore; else a script
	remove  string // a file of our own
}

// Restoring says how a dump is restored.
type Restoring struct {
	Owners, Privileges bool // are restored too
	Major              int  // version of the server
	Server             server.Options
}

// RestoreError says that a dump cannot be restored.
type RestoreError struct {
	Message string
	hint    string
}

func (e *RestoreError) Error() string { return e.Message }

// Hint returns what to do about it.
func (e *RestoreError) Hint() string { return e.hint }

const dumpHint = "give a file or directory that pg_dump wrote in the custom, directory or plain format, with schema and data"

// OpenDump finds out in which format a dump is, "-" being standard input. The
// caller closes it.
func OpenDump(name string, stdin io.Reader) (*Dump, error) {
	d := &Dump{name: name, path: name}
	if name == "-" {
		d.name = "standard input"
		if err := d.keep(stdin); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(d.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &RestoreError{name + " does not exist", dumpHint}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the dump: %w", err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(name, "toc.dat")); err != nil {
			return nil, &RestoreError{name + " is a directory without a toc.dat", dumpHint}
		}
		d.archive = true
		return d, nil
	}
	if err := d.recognise(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// keep copies standard input to a file, because it is read twice.
func (d *Dump) keep(stdin io.Reader) error {
	f, err := os.CreateTemp("", "cairn-dump-")
	if err != nil {
		return fmt.Errorf("keeping the dump: %w", err)
	}
	d.path, d.remove = f.Name(), f.Name()
	_, err = io.Copy(f, stdin)
	if err = errors.Join(err, f.Close()); err != nil {
		d.Close()
		return fmt.Errorf("keeping the dump: %w", err)
	}
	return nil
}

// recognise looks at the start of the file.
func (d *Dump) recognise() error {
	f, err := os.Open(d.path)
	if err != nil {
		return fmt.Errorf("opening the dump: %w", err)
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the dump: %w", err)
	}
	head = head[:n]
	const tarMark = 257 // where an archive of tar says that it is one
	switch {
	case bytes.HasPrefix(head, []byte("PGDMP")), n > tarMark && bytes.HasPrefix(head[tarMark:], []byte("ustar")):
		d.archive = true
	case len(bytes.TrimSpace(head)) == 0:
		return &RestoreError{d.name + " is empty", dumpHint}
	case bytes.IndexByte(head, 0) >= 0 || bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return &RestoreError{d.name + " is no dump", dumpHint}
	}
	return nil
}

// Close removes what OpenDump kept.
func (d *Dump) Close() {
	if d.remove != "" {
		_ = os.Remove(d.remove) // below the directory for temporary files
	}
}

// Restore fills an empty database.
func (d *Dump) Restore(ctx context.Context, conn *pgx.Conn, o Restoring) error {
	if d.archive {
		return d.restoreArchive(ctx, conn, o)
	}
	return d.runScript(ctx, conn)
}

// restoreArchive runs pg_restore.
func (d *Dump) restoreArchive(ctx context.Context, conn *pgx.Conn, o Restoring) error {
	program, env, err := findRestore(ctx, o)
	if err != nil {
		return err
	}
	config := conn.Config()
	args := []string{"--dbname=" + config.Database, "--no-password"}
	if !o.Owners {
		args = append(args, "--no-owner")
	}
	if !o.Privileges {
		args = append(args, "--no-privileges")
	}
	cmd := exec.CommandContext(ctx, program, append(args, d.path)...)
	cmd.Env = append(append(plainEnvironment(os.Environ()), env...), "PGHOST="+config.Host, fmt.Sprintf("PGPORT=%d", config.Port),
		"PGUSER="+config.User, "PGAPPNAME=cairn")
	cmd.Env = append(cmd.Env, pg.TLSEnvironment(config)...)
	if config.Password != "" {
		file, err := passwordFile(config.Password)
		if err != nil {
			return err
		}
		defer os.Remove(file)
		cmd.Env = append(cmd.Env, "PGPASSFILE="+file)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !onlySettings(stderr.String()) {
		return &RestoreError{pg.Redact(fmt.Sprintf("restoring %s: %v\n%s", d.name, err, strings.TrimSpace(stderr.String()))),
			"the dump has to be of the target's database, and not newer than " + program}
	}
	return nil
}

// plainEnvironment leaves out what could be a secret: the environment of a process
// can be read by others of the same account, and it may be that of the target.
func plainEnvironment(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(setting string) bool {
		name, _, _ := strings.Cut(setting, "=")
		return !slices.Contains([]string{"PATH", "HOME", "TMPDIR", "LANG", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "USER", "LOGNAME"}, name) &&
			!strings.HasPrefix(name, "LC_")
	})
}

// passwordFile writes a password file for one program (manual chapter 34.16),
// which the caller removes.
func passwordFile(password string) (name string, err error) {
	f, err := os.CreateTemp("", "cairn-pass-") // closed to others
	if err != nil {
		return "", fmt.Errorf("writing a password file: %w", err)
	}
	_, err = fmt.Fprintf(f, "*:*:*:*:%s\n", strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(password))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("writing a password file: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return f.Name(), nil
}

// onlySettings reports whether all that pg_restore complains about are settings
// that an older server does not know.
func onlySettings(said string) bool {
	errors := 0
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "pg_restore: error:") {
			errors++
			if !strings.Contains(line, "unrecognized configuration parameter") {
				return false
			}
		}
	}
	return errors > 0
}

// findRestore looks for pg_restore beside the binaries of the server, then on
// PATH.
func findRestore(ctx context.Context, o Restoring) (program string, env []string, err error) {
	if b, err := server.Find(ctx, o.Major, o.Server); err == nil {
		program := filepath.Join(b.Bin, "pg_restore")
		if info, err := os.Stat(program); err == nil && !info.IsDir() {
			return program, b.Env, nil
		}
	}
	if program, err := exec.LookPath("pg_restore"); err == nil {
		return program, nil, nil
	}
	return "", nil, &RestoreError{"there is no pg_restore beside the server's programs or on PATH",
		fmt.Sprintf("install the client programs of PostgreSQL %d, or give a dump in the plain format", o.Major)}
}

// runScript runs what pg_dump wrote in the plain format.
func (d *Dump) runScript(ctx context.Context, conn *pgx.Conn) error {
	text, err := os.ReadFile(d.path)
	if err != nil {
		return fmt.Errorf("reading the dump: %w", err)
	}
	statements, err := pg.Split(d.name, string(text))
	if err != nil {
		return err
	}
	if len(statements) == 0 {
		return &RestoreError{d.name + " holds no statement", dumpHint}
	}
	if _, err := conn.Exec(ctx, `SET search_path = "$user", public`); err != nil { // what a session of psql starts with
		return fmt.Errorf("preparing the session: %w", err)
	}
	for _, s := range statements {
		switch {
		case s.Meta != "": // a command of psql that says nothing about the database
		case s.Copy:
			_, err = conn.PgConn().CopyFrom(ctx, strings.NewReader(s.Data), s.SQL)
		default:
			_, err = conn.Exec(ctx, s.SQL)
			if words := pg.Words(s.SQL, 1); len(words) > 0 && words[0] == "SET" && pg.Code(err) == "42704" {
				err = nil // a setting that an older server does not know
			}
		}
		if err != nil {
			return &RestoreError{fmt.Sprintf("restoring %s: line %d: %v", d.name, s.Line, err), "the dump has to be of the target's database"}
		}
	}
	if _, err := conn.Exec(ctx, "RESET ALL;"+pg.SettingsQuery(pg.ServerVersion(conn))); err != nil {
		return fmt.Errorf("resetting the session: %w", err)
	}
	return nil
}
