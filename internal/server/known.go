package server

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cairn-db/cairn/internal/cache"
)

// programs are those that a directory of a server has.
var programs = []string{"postgres", "initdb", "pg_ctl"}

// mostKnown bounds the programs that are known.
const mostKnown = 256

// known is what is remembered of the programs in a directory: what postgres says
// of its version, which was asked of exactly these files. Their status changes
// with whatever is done to them, even where their time is set back.
type known struct {
	dir cache.Dir
	key cache.Key
	may bool // there is a place for it
}

// knownOf returns the place of what is remembered of the programs that an account
// runs from a directory with these files.
func knownOf(dir string, env []string, acct account, files []os.FileInfo, o Options) known {
	if o.CacheDir == "" {
		return known{}
	}
	h := sha256.New()
	fmt.Fprintf(h, "version\nas %d:%d\nwith %q\n", acct.uid, acct.gid, env)
	for i, file := range files {
		status, ok := file.Sys().(*syscall.Stat_t)
		if !ok {
			return known{}
		}
		fmt.Fprintf(h, "%q inode %d size %d time %d status %d\n", filepath.Join(dir, programs[i]), status.Ino, file.Size(), file.ModTime().UnixNano(), changeTime(status))
	}
	return known{dir: cache.Dir{Path: filepath.Join(o.CacheDir, "programs"), Most: mostKnown}, key: cache.Key(h.Sum(nil)), may: true}
}

// version returns what postgres said, "" when that is not known.
func (k known) version(o Options) string {
	if !k.may {
		return ""
	}
	said, err := k.dir.Get(k.key)
	if err != nil {
		o.log().Debug("the version of a server is asked anew", "because", err)
	}
	return string(said)
}

// keep remembers what postgres said, or with "" that it has to be asked. That it
// cannot be written is no error.
func (k known) keep(said string, o Options) {
	if !k.may {
		return
	}
	if err := k.dir.Put(k.key, []byte(said)); err != nil {
		o.log().Debug("the version of a server is not remembered", "because", err)
	}
}

// forget makes the next search run the programs again: something that they need
// may be gone.
func (b Binaries) forget(acct account, o Options) {
	if files, err := look(b.Bin); err == nil {
		knownOf(b.Bin, b.Env, acct, files, o).keep("", o)
	}
}
