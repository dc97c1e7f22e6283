package server

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// serverArgs is the command line of a server.
func serverArgs(data, socket string, sets ...map[string]string) []string {
	all := map[string]string{
		"listen_addresses":        "",
		"port":                    socketPort,
		"unix_socket_directories": socketList(socket),
		"logging_collector":       "off",
		"log_destination":         "stderr",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"lc_messages":             "C",
	}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	args := []string{"-D", data}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// socketList quotes a directory for a setting that is a list.
func socketList(dir string) string {
	if !strings.ContainsAny(dir, `," `) {
		return dir
	}
	return `"` + strings.ReplaceAll(dir, `"`, `""`) + `"`
}

// connections is how many a server takes, and locks how many its table of them has
// room for, where nothing else is said.
const (
	connections = 50
	locks       = 64 * connections
)

// quickSettings suit a server whose data nobody will miss.
func quickSettings(major int, c Config) map[string]string {
	sessions := cmp.Or(c.Sessions, connections)
	set := map[string]string{
		"autovacuum":                      "off",
		"checkpoint_timeout":              "1h",
		"dynamic_shared_memory_type":      "mmap", // leaves nothing outside the data directory
		"jit":                             "off",
		"max_connections":                 strconv.Itoa(sessions),
		"max_logical_replication_workers": "0", // a subscription is read, and never runs
		"max_wal_senders":                 "0",
		"max_wal_size":                    "1GB",
		"shared_buffers":                  "128MB",
		"wal_level":                       "minimal",
	}
	if !c.Durable {
		// A file's statement can hold a password.
		set["log_min_error_statement"] = "panic"
		set["log_error_verbosity"] = "terse"
		set["fsync"] = "off"
		set["full_page_writes"] = "off"
		set["synchronous_commit"] = "off"
	}
	if each := max(c.Locks, locks) / sessions; each > 64 { // else the default does; manual chapter 19.12
		set["max_locks_per_transaction"] = strconv.Itoa(each)
	}
	if major >= 18 {
		set["io_method"] = "sync"
	}
	return set
}

// CreateDatabase returns the statement that makes an empty database on a server
// whose data nobody will miss. From version 15 on PostgreSQL would write all of
// it to the log, instead of a checkpoint, which is cheap there.
func CreateDatabase(major int, name string) string {
	sql := "CREATE DATABASE " + pgx.Identifier{name}.Sanitize() + " TEMPLATE template0"
	if major >= 15 {
		sql += " STRATEGY file_copy"
	}
	return sql
}
