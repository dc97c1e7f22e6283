package cairn

import (
	"context"
	"io"

	"github.com/cairn-db/cairn/internal/object"
	"github.com/cairn-db/cairn/internal/snapshot"
	"github.com/cairn-db/cairn/schema"
)

// SnapshotFormat is the version of the snapshot file that this program writes
// and the newest that it reads.
const SnapshotFormat = snapshot.Format

// Snapshot returns a state as it is, for WriteSnapshot.
func (e *Engine) Snapshot(ctx context.Context, r SnapshotRequest) (*schema.State, error) {
	return e.readOne(ctx, r.From, r.Target, reading{selection: r.Selection, scratch: r.Scratch})
}

// readOne returns the state that a name stands for, and that of the target when
// there is no name.
func (e *Engine) readOne(ctx context.Context, name string, target Connection, r reading) (*schema.State, error) {
	if name == "" {
		return e.readTarget(ctx, target, r.selection)
	}
	result, err := e.read(ctx, name, r)
	if err != nil {
		return nil, err
	}
	return result.state, result.close(ctx)
}

// WriteSnapshot writes a state to a file that "snapshot:FILE" names wherever a
// state can stand. Equal states give equal bytes.
func WriteSnapshot(w io.Writer, s *schema.State) error { return snapshot.Write(w, s) }

// ReadSnapshot reads a snapshot file. It refuses one that is truncated, was
// edited or is of a newer format.
func ReadSnapshot(r io.Reader) (*schema.State, error) { return snapshot.Read(r, object.All()) }

// SnapshotSchema returns the JSON Schema of snapshot files.
func SnapshotSchema() []byte { return snapshot.JSONSchema() }
