package cairn

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/cairn-db/cairn/internal/cache"
	"github.com/cairn-db/cairn/internal/catalog"
	"github.com/cairn-db/cairn/internal/snapshot"
	"github.com/cairn-db/cairn/schema"
)

// memory keeps the last state that was read of each target beside the built ones.
// It serves plans only: what is applied is read.
type memory struct {
	engine *Engine
	dir    cache.Dir
	prefix string // what decides what is read, beside the stamp

	recalled bool // the last reading was spared
}

// memoryOf returns the memory for a target, nil when states are not kept.
func (e *Engine) memoryOf(t *target, s Scratch) *memory {
	if s.NoCache {
		return nil
	}
	program, err := cache.Program()
	if err != nil {
		e.options.Logger.Debug("the cache of states is not used", "because", err)
		return nil
	}
	config := t.conn.Config()
	var prefix strings.Builder
	fmt.Fprintf(&prefix, "target\nprogram %s\nhost %q port %d\n", program, config.Host, config.Port)
	writeSettings(&prefix, config.RuntimeParams)
	return &memory{engine: e, dir: e.states(), prefix: prefix.String()}
}

func (m *memory) key(s catalog.Stamp) cache.Key { return sha256.Sum256([]byte(m.prefix + s.Place)) }

// Recall returns the state that was kept when the catalogs held the same.
func (m *memory) Recall(s catalog.Stamp) *schema.State {
	entry, err := m.dir.Get(m.key(s))
	if err != nil {
		m.engine.options.Logger.Debug("the kept state of the target is not used", "because", err)
		return nil
	}
	content, packed, _ := bytes.Cut(entry, []byte("\n"))
	if string(content) != s.Content {
		return nil
	}
	state, err := snapshot.Unpack(packed, nil)
	if err != nil {
		m.engine.options.Logger.Debug("the kept state of the target is not used", "because", err)
		return nil
	}
	m.recalled = true
	return state
}

// Keep keeps the state. That it cannot be written is no error.
func (m *memory) Keep(s catalog.Stamp, state *schema.State) {
	start := time.Now()
	if err := m.dir.Put(m.key(s), append([]byte(s.Content+"\n"), snapshot.Pack(state)...)); err != nil {
		m.engine.options.Logger.Debug("the state of the target is not kept", "because", err)
		return
	}
	m.engine.options.Logger.Debug("kept the state of the target", "took", time.Since(start))
}
