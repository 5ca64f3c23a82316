#!/usr/bin/env bash
# Instructions an event from raw bytes to SLA effects, JSON and binary, counted by callgrind: nearly the same
# number in every run, whatever else the machine does. JSON lines on stdout.
# usage: callgrind.sh [BUILD, default build/release] [OUT, default build/bench] [EVENTS, default 65536]
# The profiles stay in OUT: callgrind_annotate OUT/callgrind.json.out
# environment: JSON_MAX, BINARY_MAX: fail where an event takes more instructions than that; then 77 without valgrind
set -euo pipefail
build=${1:-build/release} out=${2:-build/bench} events=${3:-65536}
mkdir -p "$out"
if ! command -v valgrind >/dev/null; then
    echo '{"name":"instructions","skipped":"valgrind is not installed"}'
    [ -z "${JSON_MAX:-}${BINARY_MAX:-}" ] || exit 77
    exit 0
fi
code=0
for format in json binary; do
    file=$out/callgrind.$format.out
    rm -f "$file"
    if ! valgrind --tool=callgrind --collect-atstart=no --toggle-collect=penstock_measured --callgrind-out-file="$file" \
        "$build/perf/bench_instructions" "$format" "$events" >"$out/callgrind.$format.txt" 2>"$out/callgrind.$format.log"; then
        cat "$out/callgrind.$format.log" >&2
        exit 1
    fi
    # A run without valgrind must process the same events to the same digest.
    "$build/perf/bench_instructions" "$format" "$events" | cmp - "$out/callgrind.$format.txt"
    total=$(sed -n 's/^\(totals\|summary\): \([0-9]*\).*/\2/p' "$file" | tail -n 1)
    if [ "${total:-0}" -eq 0 ]; then
        echo "callgrind counted nothing" >&2
        exit 1
    fi
    printf '{"name":"instructions/%s","value":%d,"unit":"instructions","events":%d,"note":"an event, parse to engine, without sockets and log"}\n' \
        "$format" $((total / events)) "$events"
    most=$([ "$format" = json ] && echo "${JSON_MAX:-}" || echo "${BINARY_MAX:-}")
    if [ -n "$most" ] && [ $((total / events)) -gt "$most" ]; then
        echo "callgrind.sh: $format takes $((total / events)) instructions an event, at most $most are allowed:" >&2
        callgrind_annotate "$file" 2>/dev/null | head -n 60 >&2
        code=1
    fi
done
exit $code
