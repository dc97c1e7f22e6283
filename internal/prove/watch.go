package prove

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairn-db/cairn/internal/kind"
	"github.com/cairn-db/cairn/schema"
)

// relation is a table, view, sequence or the like that was there before the
// plan.
type relation struct {
	oid   int64
	name  string    // "public.users", unquoted
	ref   string    // the same, quoted
	id    schema.ID // zero for one that is no object of the state
	kind  string    // as pg_class has it
	super []int64   // what it is a partition or a child of
}

// stored reports whether the relation has rows of its own.
func (r *relation) stored() bool { return r.kind == "r" || r.kind == "m" }

// watchRelations finds the relations whose locks, files and rows are looked at.
// Indexes and TOAST tables are no relations that a session names.
func (r *runner) watchRelations(ctx context.Context) error {
	rows, err := r.Conn.Query(ctx, `SELECT c.oid::int8, n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname), c.relkind::text,
	coalesce((SELECT string_agg(i.inhparent::int8::text, ',') FROM pg_inherits i WHERE i.inhrelid = c.oid), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`,
		pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return fmt.Errorf("listing the relations: %w", err)
	}
	names := relationNames(r.Kinds, r.Old)
	r.relations, r.byID = map[int64]*relation{}, map[string]*relation{}
	var super string
	var w relation
	_, err = pgx.ForEachRow(rows, []any{&w.oid, &w.name, &w.ref, &w.kind, &super}, func() error {
		found := w
		found.id, found.super = names[w.name], numbers(super)
		r.relations[w.oid] = &found
		if found.id != (schema.ID{}) {
			r.byID[found.id.String()] = &found
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing the relations: %w", err)
	}
	r.before, err = r.look(ctx, r.Conn)
	return err
}

func numbers(list string) []int64 {
	var all []int64
	for _, word := range strings.Split(list, ",") {
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// view is what the server says at one moment of the watched relations.
type view struct {
	locks   map[int64]kind.Lock // that the session holds, strongest of each relation
	files   map[int64]int64     // file of each relation, which changes when it is written anew
	scans   map[int64]int64     // whole reads of each relation in this transaction
	indexes map[int64]int64     // file of each index of theirs
	names   map[int64]string    // of the indexes
}

// look reads the view of the session. It locks no watched relation itself. The
// server keeps the query, which takes it longer to plan than to run.
func (r *runner) look(ctx context.Context, conn *pgx.Conn) (view, error) {
	v := view{map[int64]kind.Lock{}, map[int64]int64{}, map[int64]int64{}, map[int64]int64{}, map[int64]string{}}
	if len(r.relations) == 0 {
		return v, nil
	}
	list := r.watched()
	rows, err := conn.Query(ctx, `SELECT 'lock', l.relation::int8, 0::int8, 0::int8, l.mode FROM pg_locks l
	WHERE l.pid = pg_backend_pid() AND l.granted AND `+lockOfWatched(list)+`
UNION ALL SELECT 'relation', c.oid::int8, c.relfilenode::int8, pg_stat_get_xact_numscans(c.oid), '' FROM pg_class c WHERE c.oid = ANY (`+list+`)
UNION ALL SELECT 'index', c.oid::int8, c.relfilenode::int8, 0, n.nspname || '.' || c.relname
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = ANY (`+list+`)`)
	if err != nil {
		return v, fmt.Errorf("observing a step: %w", err)
	}
	var what, text string
	var oid, file, scans int64
	_, err = pgx.ForEachRow(rows, []any{&what, &oid, &file, &scans, &text}, func() error {
		switch what {
		case "lock":
			v.locks[oid] = stronger(v.locks[oid], mode(text))
		case "relation":
			v.files[oid], v.scans[oid] = file, scans
		case "index":
			v.indexes[oid], v.names[oid] = file, text
		}
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("observing a step: %w", err)
	}
	return v, nil
}

// watched is the list of relations as an SQL array.
func (r *runner) watched() string {
	if r.list == "" {
		var b strings.Builder
		for oid := range r.relations {
			if b.Len() > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatInt(oid, 10))
		}
		r.list = "'{" + b.String() + "}'::oid[]"
	}
	return r.list
}

// lockOfWatched is the condition on pg_locks for locks on watched relations.
func lockOfWatched(list string) string {
	return `l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.relation = ANY (` + list + `)`
}

// mode turns "AccessExclusiveLock" into the words of the manual.
func mode(text string) kind.Lock {
	var b strings.Builder
	for i, c := range strings.TrimSuffix(text, "Lock") {
		if i > 0 && c >= 'A' && c <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	lock := kind.Lock(strings.ToUpper(b.String()))
	if lock.Strength() < 0 {
		return kind.NoLock // predicate locks of serializable transactions
	}
	return lock
}

func stronger(a, b kind.Lock) kind.Lock {
	if b.Strength() > a.Strength() {
		return b
	}
	return a
}

// observe compares two views of a session: what is new or stronger was done
// in between. What the transaction held before covers a weaker lock that the
// step declares.
func (r *runner) observe(step schema.Step, before, after view) Observation {
	o := Observation{Tried: true}
	locks := map[string]kind.Lock{}
	for oid, lock := range after.locks {
		if id := r.relations[oid].id; id != (schema.ID{}) && lock.Strength() > before.locks[oid].Strength() {
			locks[id.String()] = lock
		}
	}
	for _, declared := range step.Locks {
		watched := r.byID[declared.Relation]
		if watched == nil || locks[declared.Relation] != kind.NoLock {
			continue
		}
		held := before.locks[watched.oid]
		if held.Strength() > kind.Lock(declared.Lock).Strength() {
			held = kind.Lock(declared.Lock)
		}
		if held != kind.NoLock {
			locks[declared.Relation] = held
		}
	}
	for relation, lock := range locks {
		o.Locks = append(o.Locks, schema.RelationLock{Relation: relation, Lock: string(lock)})
	}
	slices.SortFunc(o.Locks, func(a, b schema.RelationLock) int {
		return cmp.Or(kind.Lock(b.Lock).Strength()-kind.Lock(a.Lock).Strength(), strings.Compare(a.Relation, b.Relation))
	})
	o.Lock = string(locks[step.Relation])
	r.observeFiles(&o, before, after)
	return o
}

// observeFiles finds what was written anew, built and read.
func (r *runner) observeFiles(o *Observation, before, after view) {
	for oid, file := range after.files {
		if r.relations[oid].stored() && file != before.files[oid] {
			o.Rewrite = true
		}
		if after.scans[oid] > before.scans[oid] && r.relations[oid].stored() {
			o.Scan = true
		}
	}
	for oid, file := range after.indexes {
		if was, known := before.indexes[oid]; file != 0 && (!known || was != file) {
			o.Builds = append(o.Builds, after.names[oid])
		}
	}
	slices.Sort(o.Builds)
	o.Scan = o.Scan && !o.Rewrite
}
