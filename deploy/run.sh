#!/usr/bin/env bash
# Starts local regions, the appliance and traffic; stops all of them on Ctrl-C.
# run.sh PROGRAM RATE REGION... | none
set -euo pipefail
program=$(realpath "$1") rate=$2
shift 2
regions=("$@")
[ "${regions[0]:-none}" != none ] || regions=()
root=$(cd "$(dirname "$0")/.." && pwd)
var=$root/var
clusters=$root/deploy/regions/clusters.sh
events=127.0.0.1:7400 console=127.0.0.1:3000
mkdir -p "$var"
exec 9>"$var/run.lock"
flock -n 9 || { echo "make run is running in this folder already; stop it with Ctrl-C first" >&2; exit 1; }

# The service never runs as root: called by root it is the user that the database servers have.
as_user=()
home=$var
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id -u $user >/dev/null 2>&1 || user=nobody
    as_user=(setpriv --reuid=$user --regid="$(id -g $user)" --init-groups)
    if ! (cd / && "${as_user[@]}" test -x "$var") || ! (cd / && "${as_user[@]}" test -x "$program"); then
        home=/var/lib/penstock-dev/$(printf %s "$var" | sha256sum | cut -c1-10)
        mkdir -p "$home"
        install -m 755 "$program" "$home/penstock"
        program=$home/penstock
    fi
    mkdir -p "$home/data"
    chown -R "$user" "$home/data"
fi
config=$home/penstock.toml

service= traffic= stopping=
stop() {
    [ -z "$stopping" ] || return 0
    stopping=1
    trap '' INT TERM
    echo "stopping" >&2
    if [ -n "$traffic" ]; then kill -INT "$traffic" 2>/dev/null || true; wait "$traffic" 2>/dev/null || true; fi
    if [ -n "$service" ]; then kill -TERM "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; fi
    if [ ${#regions[@]} -gt 0 ]; then "$clusters" stop "$var/regions" "${regions[@]}" 2>/dev/null || true; fi
}
trap stop EXIT
trap 'stop; exit 0' INT TERM HUP

if [ ${#regions[@]} -gt 0 ]; then "$clusters" start "$var/regions" "${regions[@]}" 2>"$var/regions.log" 9>&- || { cat "$var/regions.log" >&2; exit 1; }; fi
{
    printf 'data_dir = "%s/data"\n[ingest]\nlisten = "%s"\n[http]\nlisten = "%s"\n[access]\ndemo = true\n' "$home" $events $console
    printf '[log]\nbytes_max = "16GiB"\nretention_bytes = "8GiB"\n'
    printf '[sla]\nworkflows = ["%s/incidents.workflow.json"]\n' "$home"
    printf '[[review.queue]]\nname = "intrusions"\ntypes = ["intrusion_detection"]\ncondition = "severity == 5"\n'
    printf 'due = "5m"\nexpires = "10m"\n'
    for region in us ca eu apac latam; do
        printf '[[region]]\nname = "%s"\n' $region
        [ $region != us ] || printf 'aliases = ["na"]\n'
        for started in "${regions[@]}"; do
            [ "$started" != $region ] || printf 'dsn = "%s"\n' "$("$clusters" dsn "$var/regions" $region)"
        done
    done
} >"$config"
cp "$root/docs/examples/incidents.workflow.json" "$home/incidents.workflow.json"
chmod 644 "$config" "$home/incidents.workflow.json"

# In sessions of their own, so that Ctrl-C reaches this script alone, which then stops them in order.
(cd / && exec setsid "${as_user[@]}" "$program" serve --config "$config") >"$var/penstock.log" 2>&1 9>&- &
service=$!
for _ in {1..600}; do
    kill -0 $service 2>/dev/null || { cat "$var/penstock.log" >&2; echo "the appliance did not start" >&2; exit 1; }
    grep -q ' ready: ' "$var/penstock.log" && break
    sleep 0.1
done
setsid "$program" generate --incidents --rate "$rate" --for 0 --to $events >/dev/null 2>"$var/traffic.log" 9>&- &
traffic=$!

stored() { # region count, a line each
    if [ ${#regions[@]} -gt 0 ]; then "$clusters" count "$var/regions" "${regions[@]}"; fi
}
for _ in {1..60}; do
    sleep 0.25
    [ ${#regions[@]} -gt 0 ] || { sleep 1; break; }
    [ "$(stored | awk '$2 > 0' | wc -l)" -lt ${#regions[@]} ] || break
done
echo "Penstock is running: camera events at $rate, over TCP, into the log and on to their regions"
echo "  events   $events (NDJSON and frames; try: $program send FILE)"
if [ ${#regions[@]} -gt 0 ]; then
    echo "  stored   $(stored | awk '{printf "%s%s %s", sep, $1, $2; sep = ", "}')"
    echo "  regions  PostgreSQL, one cluster each under var/regions (deploy/regions/clusters.sh psql var/regions eu)"
else
    echo "  stored   $(curl -fs http://$console/metrics | awk '/^penstock_events_stored_total/ {print $2}') in the hot log; no region is configured"
fi
echo "  data     $home/data    logs  var/penstock.log"
echo "  console  http://localhost:3000/123123123123123 (the demo's users; docs/access.md has all)"
echo "Ctrl-C stops everything."
wait $service && status=0 || status=$?
service=
exit $status
