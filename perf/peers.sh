#!/usr/bin/env bash
# Penstock beside its peers and the machine's limits, in one run: a table on stdout, results.json and plots in
# OUT. Loopback only; whatever is started is stopped again, also on Ctrl-C; data goes below OUT and is removed.
# usage: peers.sh [BUILD, default build/release] [OUT, default build/bench/peers] [form...]
# forms: 268B (the generator's events), mix (120 bytes to 4 KB); both when none is named
# environment: QUICK=1 short turns, to try the harness; ROUNDS (5), TURN (2: seconds of a turn, about),
#              ONLY: names of contestants, blanks between; IMAGES: a folder that gets the plots as well
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$here/build/release} out=${2:-$here/build/bench/peers}
shift $(($# < 2 ? $# : 2))
forms=("$@")
[ ${#forms[@]} -gt 0 ] || forms=(268B mix)
mkdir -p "$out"
build=$(realpath "$build") out=$(realpath "$out")
for program in penstock perf/bench_peers perf/bench_report; do
    [ -x "$build/$program" ] || { echo "peers.sh: $build/$program is missing: build first (make bench-peers)" >&2; exit 2; }
done
rounds=${ROUNDS:-5} turn=${TURN:-2}
[ -z "${QUICK:-}" ] || { rounds=2 turn=0.3; }
work=$(mktemp -d "$out/work.XXXXXX")
chmod 755 "$work"
pid=
finish() {
    trap '' INT TERM
    if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
    [ ! -d "$work/run/postgresql" ] || "$here/deploy/regions/clusters.sh" destroy "$work/run/postgresql" us >&2 || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

failed=()
: >"$out/lines.jsonl"
load=$(cut -d' ' -f1 /proc/loadavg)  # of others: nothing of ours runs yet
for form in "${forms[@]}"; do
    code=0 more=()
    [ -z "${ONLY:-}" ] || read -ra more <<<"--only $ONLY"
    [ "$form" != mix ] || more+=(--mix)
    echo "bench: peers, $form" >&2
    "$build/perf/bench_peers" --program "$build/penstock" --folder "$work/run" --plot "$out/$form.tsv" \
        --rounds "$rounds" --seconds "$turn" "${more[@]}" >>"$out/lines.jsonl" &
    pid=$!
    wait "$pid" || code=$?
    pid=
    [ $code = 0 ] || { failed+=("$form"); echo "bench: $form failed (exit code $code)" >&2; }
done
revision=$(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)
echo
"$build/perf/bench_report" "$out/results.json" "$revision" "$load" <"$out/lines.jsonl"
if grep -q '"skipped"' "$out/lines.jsonl"; then echo "for peers that are not installed: deploy/install.sh peers, then the same again"; fi
if command -v gnuplot >/dev/null; then
    for form in "${forms[@]}"; do
        [ -s "$out/$form.tsv" ] || continue
        gnuplot -e "data='$out/$form.tsv'; image='$out/peers_$form.svg'; form='$form'" "$here/perf/peers/plot.gp"
        [ -z "${IMAGES:-}" ] || { mkdir -p "$IMAGES" && cp "$out/peers_$form.svg" "$IMAGES/"; }
    done
else
    echo "no plots: gnuplot is not installed (deploy/install.sh peers)"
fi
if [ ${#failed[@]} -gt 0 ]; then
    echo "bench: failed: ${failed[*]}" >&2
    exit 1
fi
