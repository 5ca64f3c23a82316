#!/usr/bin/env bash
# 100K events a second into five regional PostgreSQL databases on this machine, for minutes: what is stored,
# the lag and the appliance's anonymous memory each ten seconds, then the databases counted. Makes its own
# clusters below OUT and removes them. JSON lines on stdout, progress on stderr.
# usage: sustained.sh [SECONDS, default 300] [BUILD, default build/release] [OUT, default build/bench]
# environment: RATE (100000), WINDOW seconds of dedup (20; 5 for runs below two minutes)
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
seconds=${1:-300} build=${2:-$here/build/release} out=${3:-$here/build/bench}
rate=${RATE:-100000}
if [ -z "${WINDOW:-}" ]; then if [ "$seconds" -lt 120 ]; then WINDOW=5; else WINDOW=20; fi; fi
if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
    echo '{"name":"e2e/sustained","skipped":"PostgreSQL is not installed"}'
    exit 0
fi
mkdir -p "$out"
out=$(realpath "$out")
work=$(mktemp -d "$out/sustained.XXXXXX")
chmod 755 "$work"
clusters=$here/deploy/regions/clusters.sh
pid=
finish() {
    trap '' INT TERM
    if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
    "$clusters" destroy "$work/regions" >&2 || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
"$clusters" start "$work/regions" >&2
for region in us ca eu apac latam; do
    echo "$region $("$clusters" dsn "$work/regions" $region)"
done >"$work/dsns"
"$build/perf/bench_e2e" --program "$build/penstock" --folder "$work/appliance" sustained --rate "$rate" \
    --seconds "$seconds" --window "$WINDOW" --dsns "$work/dsns" &
pid=$!
code=0
wait "$pid" || code=$?
pid=
exit $code
