package cairn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/cairn-db/cairn/internal/cache"
	"github.com/cairn-db/cairn/internal/snapshot"
	"github.com/cairn-db/cairn/schema"
)

// kept is a state as an entry of the cache has it, with what is known beside it.
type kept struct {
	state *schema.State
	roles []string // that the files name
	upon  upon
}

// upon says what of a state is written down where most of it is that of another
// entry. That one has its whole state.
type upon struct {
	Key  cache.Key   // of the other entry; zero where there is none
	Gone []schema.ID // objects that only the other one has
	More []schema.ID // objects that the other one does not have, or otherwise
}

// head is the first line of an entry. A packed state follows: the whole, or without
// the objects of the entry that it is upon.
type head struct {
	Roles []string `json:"roles,omitempty"`
	Upon  *upon    `json:"upon,omitempty"`
}

// leastUpon is the part of a state that at most is written down upon another one.
const leastUpon = 8

// further returns what a state is upon that was made of a kept one, which lies at a
// key, by changing some objects.
func (k kept) further(key cache.Key, state *schema.State, changed map[schema.ID]bool) upon {
	next := upon{Key: k.upon.Key}
	if next.Key == (cache.Key{}) {
		next.Key = key
	}
	all := maps.Clone(changed)
	for _, ids := range [][]schema.ID{k.upon.Gone, k.upon.More} {
		for _, id := range ids {
			all[id] = true
		}
	}
	if len(all) > len(state.Objects)/leastUpon {
		return upon{}
	}
	for id := range all {
		if state.Objects[id] == nil {
			next.Gone = append(next.Gone, id)
		} else {
			next.More = append(next.More, id)
		}
	}
	return next
}

// keep writes a state into its place. That it cannot be written is no error.
func (e *Engine) keep(s *slot, k kept) {
	start := time.Now()
	if k.upon.Key == s.key {
		k.upon = upon{}
	}
	content, err := k.encode()
	if err == nil {
		err = s.dir.Put(s.key, content)
	}
	if err != nil {
		e.options.Logger.Debug("the state is not cached", "because", err)
		return
	}
	e.options.Logger.Debug("cached the state", "key", fmt.Sprintf("%x", s.key[:6]), "took", time.Since(start))
}

func (k kept) encode() ([]byte, error) {
	first, state := head{Roles: k.roles}, k.state
	if k.upon.Key != (cache.Key{}) {
		first.Upon = &k.upon
		part := *k.state
		part.Objects = make(map[schema.ID]*schema.Object, len(k.upon.More))
		for _, id := range k.upon.More {
			part.Objects[id] = k.state.Objects[id]
		}
		state = &part
	}
	line, err := json.Marshal(first)
	if err != nil {
		return nil, fmt.Errorf("writing the head of a cache entry: %w", err)
	}
	return append(append(line, '\n'), snapshot.Pack(state)...), nil
}

// lookUp returns what is kept in a place, and no state when there is nothing. It
// shares with a state that is much the same what both have.
func (e *Engine) lookUp(s *slot, like *schema.State) kept {
	if s.known() == nil {
		return kept{}
	}
	start := time.Now()
	k, err := readEntry(s.dir, s.key, like)
	if err != nil {
		e.options.Logger.Debug("the cached state is not used", "because", err)
		return kept{}
	}
	key := fmt.Sprintf("%x", s.key[:6])
	if k.state == nil {
		e.options.Logger.Debug("no cached state", "key", key, "took", time.Since(start))
		return kept{}
	}
	e.event("cache", fmt.Sprintf("took %d objects of PostgreSQL %d from the cache", len(k.state.Objects), k.state.Server), time.Since(start))
	return k
}

// readEntry returns what lies at a key, and no state when there is nothing.
func readEntry(dir cache.Dir, key cache.Key, like *schema.State) (kept, error) {
	k, err := readPart(dir, key, like)
	if err != nil || k.upon.Key == (cache.Key{}) {
		return k, err
	}
	whole, err := readPart(dir, k.upon.Key, like)
	if err != nil {
		return kept{}, err
	}
	if whole.state == nil || whole.upon.Key != (cache.Key{}) {
		return kept{}, errors.New("the state that it is upon is gone")
	}
	objects := whole.state.Objects
	for _, id := range k.upon.Gone {
		delete(objects, id)
	}
	maps.Copy(objects, k.state.Objects)
	k.state.Objects = objects
	return k, nil
}

// readPart returns what an entry itself has.
func readPart(dir cache.Dir, key cache.Key, like *schema.State) (kept, error) {
	content, err := dir.Get(key)
	if err != nil || content == nil {
		return kept{}, err
	}
	line, packed, found := bytes.Cut(content, []byte("\n"))
	if !found {
		return kept{}, errors.New("it has no head")
	}
	var first head
	if err := json.Unmarshal(line, &first); err != nil {
		return kept{}, fmt.Errorf("reading the head of a cache entry: %w", err)
	}
	k := kept{roles: first.Roles}
	if first.Upon != nil {
		k.upon = *first.Upon
	}
	k.state, err = snapshot.Unpack(packed, like)
	return k, err
}
