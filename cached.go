package cairn

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cairn-db/cairn/internal/cache"
	"github.com/cairn-db/cairn/internal/pg"
	"github.com/cairn-db/cairn/internal/server"
	"github.com/cairn-db/cairn/internal/shadow"
	"github.com/cairn-db/cairn/internal/snapshot"
	"github.com/cairn-db/cairn/schema"
)

// slot is the place of a built state in the cache. Its key is a hash of all that
// decides what the state is:
//
//   - the program, because another one reads and runs the same SQL otherwise;
//   - the binary of the server by its place, version, size and time, because
//     PostgreSQL decides what SQL means and how it is printed;
//   - what is installed beside it, by names, sizes and times: extensions, their
//     libraries, dictionaries, and what initdb makes a cluster of. Files can ask
//     which extensions there are, so those that they do not create count too;
//   - the settings that connections of the environment begin with (PGOPTIONS);
//   - the encoding of the target's database, which the shadow gets. The locale of
//     a local shadow is C, and its user is always the same;
//   - the extensions that the configuration names, in their order;
//   - the state that is on the shadow before the files, when they need one;
//   - the script: see load.Script.WriteKey. It has the selection as far as it
//     decides what is loaded and read: schema, search_path, roles, settings of the
//     database, and which roles of the target do not inherit.
//
// What of the result hangs on names of files, lines and the name of the database
// is no part of an entry, and is found anew for each hit.
//
// Only local shadows have a slot. What is built on another server depends on its
// roles, tablespaces and settings, and asking for all of them takes the connection
// that a hit is to spare.
type slot struct {
	dir    cache.Dir
	base   hash.Hash // of all but what is installed beside the server
	frame  hash.Hash // of that without the statements
	server cache.Key // where the directories of the server are kept
	key    cache.Key
	found  bool // the key is known
	isNew  bool // no other state was on the server before: only then what is built there is kept
}

// known returns the slot when its key is known, else nil.
func (s *slot) known() *slot {
	if s == nil || !s.found {
		return nil
	}
	return s
}

// states is the directory of cached states.
func (e *Engine) states() cache.Dir {
	return cache.Dir{Path: filepath.Join(e.options.CacheDir, "states")}
}

// slotOf returns the place of what a recipe makes, nil when that is not cached.
func (e *Engine) slotOf(ctx context.Context, c recipe) *slot {
	if c.scratch.NoCache || c.scratch.Shadow != "" {
		return nil
	}
	s, err := e.newSlot(ctx, c)
	if err != nil {
		e.options.Logger.Debug("the cache of states is not used", "because", err)
		return nil
	}
	return s
}

func (e *Engine) newSlot(ctx context.Context, c recipe) (*slot, error) {
	program, err := cache.Program()
	if err != nil {
		return nil, err
	}
	request := e.shadowFor(c.reading)
	binaries, err := e.shadows.Find(ctx, request)
	if err != nil {
		return nil, err
	}
	stamp, err := binaries.Stamp()
	if err != nil {
		return nil, err
	}
	config, err := pg.ParseConfig("", e.connectOptions())
	if err != nil {
		return nil, err
	}
	s := &slot{dir: e.states(), base: sha256.New()}
	if s.isNew, err = e.shadows.IsNew(ctx, request); err != nil {
		return nil, err
	}
	s.server = sha256.Sum256([]byte("directories " + program + stamp))
	s.frame = sha256.New()
	both := io.MultiWriter(s.base, s.frame)
	fmt.Fprintf(both, "state\nprogram %s\nserver %s\nencoding %q\nextensions %q\n", program, stamp, cmp.Or(request.Encoding, "UTF8"), c.scratch.Extensions)
	writeSettings(both, config.RuntimeParams)
	if c.ground != nil {
		fmt.Fprintf(both, "ground %x\n", sha256.Sum256(snapshot.Pack(unsized(c.ground))))
	}
	c.script.WriteKey(s.base)
	c.script.WriteOptions(s.frame)
	directories, err := s.dir.Get(s.server)
	if err != nil || directories == nil {
		return s, err
	}
	return s, s.settle(strings.Split(string(directories), "\n"))
}

// writeSettings writes the settings that a connection begins with into a key.
func writeSettings(w io.Writer, settings map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if name != "application_name" {
			fmt.Fprintf(w, "setting %q %q\n", name, settings[name])
		}
	}
}

// unsized is a state without what changes by itself and makes nothing on a shadow.
func unsized(s *schema.State) *schema.State {
	bare := copyOf(s)
	bare.Large, bare.Unknown, bare.Hidden = 0, nil, nil
	for id, o := range bare.Objects {
		if o.Stats != nil {
			less := *o
			less.Stats = nil
			bare.Objects[id] = &less
		}
	}
	return bare
}

// settle completes the key by what is in the directories of the server now.
func (s *slot) settle(directories []string) error {
	if err := server.StampDirectories(io.MultiWriter(s.base, s.frame), directories); err != nil {
		return err
	}
	s.key, s.found = cache.Key(s.base.Sum(nil)), true
	return nil
}

// locate asks a shadow for the directories of its server, when they are not known
// yet. It does so before anything is run there: what is installed meanwhile is not
// taken for what was used.
func (e *Engine) locate(ctx context.Context, s *slot, on *shadow.Shadow) {
	if s == nil || s.found {
		return
	}
	directories, err := on.Installed(ctx)
	if err == nil {
		err = s.settle(directories)
	}
	if err == nil {
		err = s.dir.Put(s.server, []byte(strings.Join(directories, "\n")))
	}
	if err != nil {
		e.options.Logger.Debug("the cache of states is not used", "because", err)
		s.found = false
	}
}

// recall returns the cached result of a recipe, if there is one.
func (e *Engine) recall(s *slot, c recipe) (read, bool) {
	found := e.lookUp(s, c.other)
	if found.state == nil {
		return read{}, false
	}
	return e.unbuilt(s, c, found), true
}

// unbuilt is the result of a recipe whose state is known. It is built when somebody
// asks for the shadow.
func (e *Engine) unbuilt(s *slot, c recipe, k kept) read {
	held := &holder{at: only(c.selection.Schemas), slot: s}
	held.wanted = held.at
	held.build = func(ctx context.Context) (*shadow.Shadow, error) {
		start := time.Now()
		var err error
		if s.isNew, err = e.shadows.IsNew(ctx, e.shadowFor(c.reading)); err != nil {
			return nil, err
		}
		on, _, err := e.load(ctx, c, nil)
		if err == nil {
			e.event("build", "built the cached state on a shadow, which is needed for more", time.Since(start))
		}
		return on, err
	}
	return e.built(k.state, c.script.Result(k.roles), held)
}

// moved is the place of what is read of the state in a schema of another name.
func (s *slot) moved(to string) *slot {
	if s.known() == nil {
		return nil
	}
	return &slot{dir: s.dir, found: true, key: sha256.Sum256([]byte("moved " + string(s.key[:]) + to))}
}

// CacheUsage is what the cache of states holds.
type CacheUsage struct {
	Path    string `json:"path"`    // directory of its files
	Entries int    `json:"entries"` // files
	Bytes   int64  `json:"bytes"`   // size of all of them
	Limit   int64  `json:"limit"`   // size above which those go that were not used for longest
}

// Cache returns where the cache of states is, and how large.
func (e *Engine) Cache() (CacheUsage, error) {
	dir := e.states()
	usage, err := dir.Usage()
	return CacheUsage{Path: dir.Path, Entries: usage.Entries, Bytes: usage.Bytes, Limit: cache.Limit}, err
}

// ClearCache removes all cached states and returns what they were.
func (e *Engine) ClearCache() (CacheUsage, error) {
	dir := e.states()
	usage, err := dir.Clear()
	return CacheUsage{Path: dir.Path, Entries: usage.Entries, Bytes: usage.Bytes, Limit: cache.Limit}, err
}
