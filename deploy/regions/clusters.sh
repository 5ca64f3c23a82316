#!/usr/bin/env bash
# Local PostgreSQL clusters, one a region, for development and `make run`. deploy/regions/README.md says why
# it is built this way. Sockets only: nothing listens on a network. Data on stdout, chatter on stderr.
set -euo pipefail

usage() {
    cat >&2 <<'TEXT'
usage: clusters.sh COMMAND DIR [REGION...]      regions: us ca eu apac latam when none is named

  start     create what is missing, start what is down; returns when all accept connections
  stop      stop cleanly (a checkpoint, no waiting for clients)
  status    one line a region: name, running or stopped, size on disk
  count     one line a region: name, events stored
  dsn       the libpq connection string of each region, as the regions' `dsn` in penstock.toml
  psql      an interactive shell as the database's owner: clusters.sh psql DIR REGION [psql arguments]
  destroy   stop and delete the data

environment: PENSTOCK_PG_BIN    folder with initdb and postgres (default: the newest that is installed)
             PENSTOCK_PG_USER   who runs the servers when this is called by root (default: postgres)
TEXT
    exit 2
}
say() { printf 'regions: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

[ $# -ge 2 ] || usage
command=$1 dir=$2
shift 2
regions=("$@")
[ "$command" = psql ] && regions=("${1:?psql wants one region}")
[ ${#regions[@]} -gt 0 ] || regions=(us ca eu apac latam)
for region in "${regions[@]}"; do
    [[ $region =~ ^[a-z][a-z0-9_-]{0,31}$ ]] || die "'$region' is not a region name (a-z, 0-9, _ and -)"
done
mkdir -p "$dir" 2>/dev/null || true
dir=$(realpath -m "$dir")

# --- who and where --------------------------------------------------------------------------------
find_bin() {
    if [ -n "${PENSTOCK_PG_BIN:-}" ]; then echo "$PENSTOCK_PG_BIN"; return; fi
    local newest
    newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
    [ -x "$newest" ] || newest=$(command -v initdb || true)
    [ -n "$newest" ] || die "PostgreSQL is not installed: apt-get install postgresql, or run without regions"
    dirname "$newest"
}
bin=$(find_bin)
caller=$(id -un)
owner=$caller
if [ "$(id -u)" = 0 ]; then  # PostgreSQL refuses to run as root, and rightly
    owner=${PENSTOCK_PG_USER:-postgres}
    id -u "$owner" >/dev/null 2>&1 || die "root cannot run PostgreSQL and there is no user '$owner' to do it"
fi
as_owner() {
    if [ "$owner" = "$caller" ]; then (cd / && exec "$@"); return; fi
    (cd / && exec setpriv --reuid="$owner" --regid="$(id -g "$owner")" --init-groups --reset-env "$@")
}

tag=$(printf %s "$dir" | sha256sum | cut -c1-10)
base=$dir
if [ "$owner" != "$caller" ]; then
    parent=$dir
    while [ ! -d "$parent" ]; do parent=$(dirname "$parent"); done
    if ! as_owner test -x "$parent"; then  # under /root, say: the servers' user cannot get there
        base=/var/lib/penstock-dev/$tag
        [ "$command" != start ] || say "user $owner cannot reach $dir; the data is under $base"
    fi
fi

# A socket's path has at most 107 bytes, and libpq reads a comma or a quote in it as something else.
sockets_of() {
    local path=$base/$1/socket
    if [ $((${#path} + 14)) -gt 107 ] || [[ ! $path =~ ^[A-Za-z0-9_./+-]+$ ]]; then path=/tmp/penstock-$tag/$1; fi
    echo "$path"
}
dsn_of() { echo "host=$(sockets_of "$1") port=5432 dbname=penstock user=penstock"; }
state_of() { sed -n 's/^[0-9]* (.*) \(.\).*/\1/p' "/proc/$1/stat" 2>/dev/null || true; }  # a letter, as ps has it
server_pid() { as_owner sed -n 1p "$base/$1/data/postmaster.pid" 2>/dev/null || true; }
running() {  # a dead process that nobody has reaped does not count, though PostgreSQL's own tools think so
    local pid state
    pid=$(server_pid "$1")
    [ -n "$pid" ] || return 1
    state=$(state_of "$pid")
    [ -n "$state" ] && [ "$state" != Z ] && as_owner "$bin/pg_ctl" -D "$base/$1/data" status >/dev/null 2>&1
}
# After a kill: waits for the server's children, which leave by themselves, then forgets the unreaped parent.
clear_remains() {
    local pid cwd
    pid=$(server_pid "$1")
    [ -n "$pid" ] && [ "$(state_of "$pid")" = Z ] || return 0
    for _ in {1..50}; do
        cwd=$(readlink /proc/[0-9]*/cwd 2>/dev/null | grep -cxF "$base/$1/data" || true)
        if [ "$cwd" = 0 ]; then as_owner rm -f "$base/$1/data/postmaster.pid"; return 0; fi
        sleep 0.1
    done
    die "$1: processes of a killed server still work in $base/$1/data"
}
mine() {  # a folder that another user's start made cannot be used by this one
    [ ! -e "$base/$1" ] || [ "$(stat -c %U "$base/$1")" = "$owner" ] ||
        die "$base/$1 belongs to $(stat -c %U "$base/$1"), not to $owner: start it as who created it, or take another folder"
}

# --- settings -------------------------------------------------------------------------------------
# For several clusters on one small machine; docs/decisions/0010-regional-schema.md has the measurements.
settings() {
    local memory_mb buffers_mb
    memory_mb=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
    buffers_mb=$((memory_mb / 64))
    [ $buffers_mb -ge 48 ] || buffers_mb=48
    [ $buffers_mb -le 512 ] || buffers_mb=512
    cat <<CONF
listen_addresses = ''
port = 5432
unix_socket_directories = '$(sockets_of "$1")'
max_connections = 24
superuser_reserved_connections = 3
shared_buffers = ${buffers_mb}MB
maintenance_work_mem = 64MB
wal_level = minimal
max_wal_senders = 0
wal_compression = lz4
wal_buffers = 16MB
max_wal_size = 2GB
min_wal_size = 256MB
checkpoint_timeout = 15min
bgwriter_delay = 500ms
autovacuum_max_workers = 1
autovacuum_vacuum_insert_scale_factor = 0.5
autovacuum_vacuum_cost_delay = 5ms
max_parallel_workers_per_gather = 1
jit = off
random_page_cost = 1.1
log_timezone = 'UTC'
timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] %u '
cluster_name = 'penstock $1'
CONF
}
# The kernel vouches for who is at the other end (peer), so there is no password to keep, and the mode of the
# socket's folder decides nothing.
access_rules() { printf 'local all all peer map=penstock\n'; }
identities() {
    local user
    for user in $(printf '%s\n' "$owner" "$caller" root | sort -u); do
        printf 'penstock %s postgres\npenstock %s penstock\n' "$user" "$user"
    done
}
# shellcheck disable=SC2016  # the inner shell expands
put() { as_owner sh -c 'cat > "$1.new" && mv "$1.new" "$1"' put "$1"; }  # stdin -> file, whole or not at all

# --- commands on one region -----------------------------------------------------------------------
create() {
    local home=$base/$1 fresh=$base/$1/data.new
    as_owner rm -rf "$fresh"
    as_owner "$bin/initdb" -D "$fresh" -U postgres -E UTF8 --locale=C.UTF-8 -A peer --no-sync --no-instructions \
        >"$home/initdb.log" 2>&1 || { cat "$home/initdb.log" >&2; return 1; }
    # shellcheck disable=SC2016
    printf "include 'penstock.conf'\n" | as_owner sh -c 'cat >> "$1"' put "$fresh/postgresql.conf"
    settings "$1" | put "$fresh/penstock.conf"
    # The role owns its database and nothing else: no superuser, no databases, no roles, no replication.
    as_owner "$bin/postgres" --single -j -D "$fresh" postgres >"$home/create.log" 2>&1 <<'SQL'
CREATE ROLE penstock LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;

CREATE DATABASE penstock OWNER penstock;

REVOKE ALL ON DATABASE penstock FROM PUBLIC;

REVOKE ALL ON DATABASE postgres FROM PUBLIC;

SQL
    if grep -qE 'ERROR|FATAL|PANIC' "$home/create.log"; then cat "$home/create.log" >&2; return 1; fi
    sync -f "$home"
    as_owner mv "$fresh" "$home/data"  # last, so that an interrupted start begins again
}

start() {
    local home=$base/$1 sockets attempt
    sockets=$(sockets_of "$1")
    mine "$1"
    [ -d "$home" ] || install -d -m 0755 "$home"
    [ "$(stat -c %U "$home")" = "$owner" ] || chown "$owner:" "$home"
    if [[ $sockets != "$home"/* ]]; then
        mkdir -m 0755 "${sockets%/*}" 2>/dev/null || true  # another region's start may have made it
        if [ -L "${sockets%/*}" ] || [ "$(stat -c %u "${sockets%/*}")" != "$(id -u)" ]; then
            die "${sockets%/*} belongs to somebody else"
        fi
    fi
    if [ ! -d "$sockets" ]; then install -d -m 0755 "$sockets"; chown "$owner:" "$sockets"; fi
    [ -e "$home/data/PG_VERSION" ] || create "$1" || die "$1: could not be created"
    if running "$1" && "$bin/pg_isready" -q -h "$sockets" -p 5432 -d postgres; then return; fi
    settings "$1" | put "$home/data/penstock.conf"
    access_rules | put "$home/data/pg_hba.conf"
    identities | put "$home/data/pg_ident.conf"
    clear_remains "$1"
    # After a kill, backends of the former server may hold its memory for a moment longer.
    for attempt in 1 2 3 4 5; do
        if as_owner "$bin/pg_ctl" -D "$home/data" -l "$home/server.log" -w -t 60 -s start 2>"$home/start.log"; then
            return
        fi
        running "$1" && return
        sleep "0.$attempt"
    done
    cat "$home/start.log" >&2
    tail -n 5 "$home/server.log" >&2
    die "$1: did not start; see $home/server.log"
}
stop() {
    [ -e "$base/$1/data/PG_VERSION" ] || return 0
    mine "$1"
    running "$1" || return 0
    as_owner "$bin/pg_ctl" -D "$base/$1/data" -m fast -w -t 60 -s stop || die "$1: did not stop"
}
status() {
    local state=stopped
    if [ ! -e "$base/$1/data/PG_VERSION" ]; then state=absent; elif running "$1"; then state=running; fi
    printf '%s\t%s\t%s\n' "$1" "$state" "$(du -sh "$base/$1/data" 2>/dev/null | cut -f1)"
}
count() {
    local n
    n=$("$bin/psql" -XAtqw -d "$(dsn_of "$1")" 2>/dev/null <<'SQL'
SELECT to_regclass('penstock.event') IS NOT NULL AS present \gset
\if :present
SELECT count(*) FROM penstock.event;
\else
SELECT 0;
\endif
SQL
    ) || n=unreachable
    printf '%s\t%s\n' "$1" "$n"
}
destroy() {
    stop "$1"
    [ -e "$base/$1/data/PG_VERSION" ] || [ -e "$base/$1/data.new" ] || return 0
    rm -rf "${base:?}/$1" "/tmp/penstock-$tag/$1"
    rmdir "/tmp/penstock-$tag" 2>/dev/null || true
    [[ $base != /var/lib/penstock-dev/* ]] || rmdir "$base" "${base%/*}" 2>/dev/null || true
}

# --- all regions at once --------------------------------------------------------------------------
each() {
    local failed=0 pids=() pid
    for region in "${regions[@]}"; do "$1" "$region" & pids+=($!); done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    return $failed
}
case $command in
    start)
        [ -d "$base" ] || install -d -m 0755 "$base"
        each start ;;
    stop | destroy) each "$command" ;;
    status | count) for region in "${regions[@]}"; do "$command" "$region"; done ;;
    dsn) for region in "${regions[@]}"; do dsn_of "$region"; done ;;
    psql) shift; exec "$bin/psql" -X -d "$(dsn_of "${regions[0]}")" "$@" ;;
    *) usage ;;
esac
