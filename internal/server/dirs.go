package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const accessWriteSearch = 0x2 | 0x1

// DefaultCacheDir is where fetched binaries are kept: CAIRN_CACHE_DIR, for
// root a system directory, XDG_CACHE_HOME/cairn or HOME/.cache/cairn, and a
// directory per user below the temporary one when none of these is writable.
func DefaultCacheDir(getenv func(string) string) string {
	return defaultDir(getenv, "CAIRN_CACHE_DIR", "/var/cache/cairn", "XDG_CACHE_HOME", ".cache", "cache")
}

// DefaultDataDir is where kept servers live: CAIRN_DATA_DIR, for root a
// system directory, XDG_DATA_HOME/cairn or HOME/.local/share/cairn, and a
// directory per user below the temporary one when none of these is writable.
func DefaultDataDir(getenv func(string) string) string {
	return defaultDir(getenv, "CAIRN_DATA_DIR", "/var/lib/cairn", "XDG_DATA_HOME", ".local/share", "data")
}

func defaultDir(getenv func(string) string, explicit, system, xdg, below, fallback string) string {
	if dir := getenv(explicit); dir != "" {
		if abs, err := filepath.Abs(dir); err == nil {
			return abs
		}
		return dir
	}
	var places []string
	if os.Geteuid() == 0 {
		// The home of root is closed to the account the server runs as.
		places = append(places, system)
	} else {
		if dir := getenv(xdg); filepath.IsAbs(dir) {
			places = append(places, filepath.Join(dir, "cairn"))
		}
		if home := getenv("HOME"); filepath.IsAbs(home) {
			places = append(places, filepath.Join(home, below, "cairn"))
		}
	}
	for _, dir := range places {
		if creatable(dir) {
			return dir
		}
	}
	return filepath.Join(userTempDir(), fallback)
}

// userTempDir is the directory of this user below the temporary one.
func userTempDir() string {
	return filepath.Join(os.TempDir(), ".cairn-"+strconv.Itoa(os.Geteuid()))
}

// creatable reports whether dir is a writable directory or could be made one.
func creatable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err == nil {
			return info.IsDir() && syscall.Access(dir, accessWriteSearch) == nil
		}
		parent := filepath.Dir(dir)
		if !os.IsNotExist(err) || parent == dir {
			return false
		}
		dir = parent
	}
}

// mkdirShared creates dir and its missing parents so that every account can
// enter them, whatever the umask is. Below the temporary directory, where
// others may write, a directory of another user is refused.
func mkdirShared(dir string) error {
	private := userTempDir()
	if parent := filepath.Dir(dir); parent != dir && dir != private {
		_, err := os.Stat(parent)
		if err != nil || parent == private {
			if err := mkdirShared(parent); err != nil {
				return err
			}
		}
	}
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		return os.Chmod(dir, 0o755)
	}
	info, statErr := os.Lstat(dir)
	switch {
	case statErr != nil:
		return err
	case dir == private && (!info.IsDir() || ownerOf(info) != os.Geteuid()):
		return fmt.Errorf("%s belongs to another user", dir)
	case !info.IsDir() && info.Mode()&os.ModeSymlink == 0:
		return fmt.Errorf("%s is not a directory", dir)
	}
	return nil
}

func ownerOf(info os.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}
