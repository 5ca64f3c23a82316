#!/usr/bin/env bash
# All benchmarks: a readable table on stdout, results.json in OUT. Loopback only; whatever is started is stopped
# again, also on Ctrl-C; data goes below OUT and is removed.
# usage: run.sh [BUILD, default build/release] [OUT, default build/bench] [part...]
# parts: micro flush queries throughput latency workflows growth idle sustained instructions; all when none is named
# environment: QUICK=1 small sizes, to try the harness
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$here/build/release} out=${2:-$here/build/bench}
shift $(($# < 2 ? $# : 2))
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(micro flush queries throughput latency workflows growth idle sustained instructions)
mkdir -p "$out"
build=$(realpath "$build") out=$(realpath "$out")
for program in penstock perf/bench_micro perf/bench_e2e perf/bench_report; do
    [ -x "$build/$program" ] || { echo "run.sh: $build/$program is missing: build first (make build)" >&2; exit 2; }
done
quick=${QUICK:-}
work=$(mktemp -d "$out/work.XXXXXX")
chmod 755 "$work"
lines=$out/lines.jsonl
pid=
finish() {
    trap '' INT TERM
    if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
    for cluster in "$work"/penstock-bench-*/c; do  # of a bench that was interrupted
        [ ! -d "$cluster" ] || "$here/deploy/regions/clusters.sh" destroy "$cluster" >&2 || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

failed=()
part() {  # name, command...
    local name=$1 code=0
    shift
    [[ " ${parts[*]} " == *" $name "* ]] || return 0
    echo "bench: $name" >&2
    "$@" >>"$lines" &
    pid=$!
    wait "$pid" || code=$?
    pid=
    [ $code = 0 ] || { failed+=("$name"); echo "bench: $name failed (exit code $code)" >&2; }
}
flush() {
    if [ ! -x "$build/perf/bench_flush" ] || ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
        echo '{"name":"flush_vs_copy","skipped":"PostgreSQL is not installed"}'
        return
    fi
    exec env TMPDIR="$work" "$build/perf/bench_flush" ${quick:+20000 2}
}
queries() {
    if [ ! -x "$build/perf/bench_queries" ] || ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
        echo '{"name":"queries","skipped":"PostgreSQL is not installed"}'
        return
    fi
    exec env TMPDIR="$work" "$build/perf/bench_queries" ${quick:+200000 200}
}
e2e=("$build/perf/bench_e2e" --program "$build/penstock" --folder "$work/e2e")
: >"$lines"
load=$(cut -d' ' -f1 /proc/loadavg)  # of others: nothing of ours runs yet
part micro "$build/perf/bench_micro" --folder "$work/micro" ${quick:+--quick}
part flush flush
part queries queries
part throughput "${e2e[@]}" throughput ${quick:+--events 100000 --runs 2}
part latency "${e2e[@]}" latency ${quick:+--seconds 5}
part workflows "${e2e[@]}" workflows ${quick:+--events 100000 --runs 2 --seconds 5}
part growth "${e2e[@]}" growth ${quick:+--events 400000 --runs 2 --keys 100000}
part idle "${e2e[@]}" idle ${quick:+--runs 2 --seconds 4}
part sustained "$here/perf/sustained.sh" "$([ -n "$quick" ] && echo 10 || echo 30)" "$build" "$out"
part instructions "$here/perf/callgrind.sh" "$build" "$out" ${quick:+8192}
revision=$(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)
echo
"$build/perf/bench_report" "$out/results.json" "$revision" "$load" <"$lines"
if [ ${#failed[@]} -gt 0 ]; then
    echo "bench: failed: ${failed[*]}" >&2
    exit 1
fi
