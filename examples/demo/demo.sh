#!/usr/bin/env bash
# Shows the main path of Cairn on an embedded PostgreSQL: a first schema, an
# edited one, a column that has to be allowed to go, and an empty plan at the
# end. Fails when anything is not as expected. Leaves nothing behind but
# ./bin/cairn.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
chmod 755 "$work" # as root, the server runs under another account
name="demo-$$"
target="embedded:$name"
cairn=./bin/cairn
started=$SECONDS

cleanup() {
    status=$?
    trap - EXIT
    if [ -x "$cairn" ]; then
        "$cairn" embedded stop "$name" >/dev/null 2>&1 || true
    fi
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Nothing of the caller's settings takes part.
for variable in $(compgen -e); do
    case $variable in
    CAIRN_CACHE_DIR | CAIRN_POSTGRES_BIN) ;;
    CAIRN_* | PG*) unset "$variable" ;;
    esac
done
export CAIRN_DATA_DIR="$work/data"

fail() {
    printf '\ndemo: %s\n' "$*" >&2
    exit 1
}

# run EXPECTED-EXIT-CODE COMMAND... prints the command as a person would type
# it, runs it, and keeps what it printed in $work/output.
run() {
    local expected=$1 code=0
    shift
    printf '\n$ cairn %s\n' "${*//$name/demo}"
    "$cairn" "$@" >"$work/output" 2>&1 || code=$?
    sed "s/$name/demo/g" "$work/output"
    [ "$code" -eq "$expected" ] || fail "cairn $1 ended with exit code $code instead of $expected"
}

expect() {
    grep -qF -- "$1" "$work/output" || fail "the output does not say: $1"
}

heading() {
    printf '\n=== %s\n' "$*"
}

heading "Building cairn"
make --no-print-directory build

heading "A first schema"
run 0 apply -d "$target" --file examples/demo/v1/schema.sql --auto-approve
expect "Applied"

heading "An edited schema: what would change?"
run 2 plan -d "$target" --file examples/demo/v2/schema.sql --exit-code
expect "+ column email"
expect "bigint"
expect "rewrites the table"
expect "loans_out_by_due_date"
expect "overdue"
expect "drop-column:public.members.fax"

heading "One step would lose data, so it is refused"
run 4 apply -d "$target" --file examples/demo/v2/schema.sql --auto-approve
expect "--allow drop-column:public.members.fax"

heading "Allowed by name, it runs"
run 0 apply -d "$target" --file examples/demo/v2/schema.sql --auto-approve --allow drop-column:public.members.fax
expect "Applied"

heading "The database is what the file says"
run 0 plan -d "$target" --file examples/demo/v2/schema.sql --exit-code
expect "No changes."

run 0 embedded remove "$name" --auto-approve
printf '\nThe demo is done after %d seconds.\n' "$((SECONDS - started))"
