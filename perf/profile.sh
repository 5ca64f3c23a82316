#!/usr/bin/env bash
# Where the appliance's time goes under full load, as a flame graph: OUT/flame_FORMAT.svg. Needs perf(1), and to be
# allowed to use it (root, or kernel.perf_event_paranoid at most 1).
# usage: profile.sh [json|binary, default json] [BUILD, default build/release] [OUT, default build/bench] [EVENTS]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
format=${1:-json} build=$(realpath "${2:-$here/build/release}") out=${3:-$here/build/bench} events=${4:-1500000}
command -v perf >/dev/null || { echo "profile.sh: perf is not installed (Debian: linux-perf)" >&2; exit 2; }
mkdir -p "$out"
out=$(realpath "$out")
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
# perf looks at this process, which becomes the appliance.
cat >"$work/penstock" <<PROGRAM
#!/usr/bin/env bash
if [ "\$1" = serve ]; then
    perf record -q -e cpu-clock -F 999 -g -o "$work/perf.data" -p \$\$ 2>"$work/perf.log" &
    sleep 0.5
fi
exec "$build/penstock" "\$@"
PROGRAM
chmod +x "$work/penstock"
"$build/perf/bench_e2e" --program "$work/penstock" --folder "$work/e2e" throughput --format "$format" --runs 3 --events "$events"
for _ in $(seq 50); do  # perf writes its file when the appliance has ended
    pgrep -f "perf record.*$work" >/dev/null || break
    sleep 0.2
done
perf script -i "$work/perf.data" -F comm,ip,sym 2>/dev/null |
    "$here/perf/flame_graph.py" "penstock serve, $format in a closed loop, four times $events events: share of its processor time by thread" >"$out/flame_$format.svg"
echo "$out/flame_$format.svg" >&2
