#!/usr/bin/env bash
# Installs the Debian packages that are missing: install.sh GROUP... with groups run, test, check, bench, peers.
# As root, or with sudo. Starts no service: what the packages would start by themselves stays off.
set -euo pipefail

run=(build-essential cmake ninja-build ccache pkg-config ca-certificates flatbuffers-compiler libflatbuffers-dev
     libsimdjson-dev libconcurrentqueue-dev libtbb-dev liburing-dev libboost1.81-dev libboost-json1.81-dev liblmdb-dev
     libpq-dev libcurl4-openssl-dev libxxhash-dev liblz4-dev libabsl-dev libsodium-dev libssl-dev libspdlog-dev libfmt-dev
     libcli11-dev libtomlplusplus-dev libre2-dev zlib1g-dev postgresql-15 curl procps util-linux tzdata)
# For the console's build. Who has npm from elsewhere keeps it: Debian's would conflict.
command -v npm >/dev/null || run+=(nodejs npm)
test=(libgtest-dev librapidcheck-dev prometheus netcat-openbsd git chromium
      python3-jsonschema python3-yaml valgrind)
check=(clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev llvm-19 lld-19)
bench=(libgtest-dev librapidcheck-dev valgrind python3)
# What `make bench-peers` runs beside Penstock, and what draws its plots.
peers=(redis-server nats-server rabbitmq-server librabbitmq-dev rsyslog rsyslog-pgsql gnuplot-nox)
peers_services=(redis-server.service nats-server.service rabbitmq-server.service rsyslog.service epmd.service epmd.socket)

wanted=()
for group in "$@"; do
    declare -n packages=$group
    wanted+=("${packages[@]}")
done
missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

. /etc/os-release
if ! command -v apt-get >/dev/null; then
    echo "install: this is no Debian system; install by hand: ${missing[*]}" >&2
    exit 1
fi
if [ "${VERSION_ID:-}" != 12 ]; then echo "install: tried on Debian 12 only; this is ${PRETTY_NAME:-unknown}" >&2; fi
sudo=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "install: needs root or sudo for: ${missing[*]}" >&2; exit 1; }
    sudo=(sudo)
fi
echo "install: ${missing[*]}" >&2

# A policy that keeps apt from starting the default services of PostgreSQL, Prometheus and the peers.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null
    "${sudo[@]}" chmod 755 $policy
    trap '"${sudo[@]}" rm -f $policy' EXIT
fi
if [[ " ${missing[*]} " == *" rsyslog-pgsql "* ]]; then  # asks for a database of its own, which nobody needs
    echo rsyslog-pgsql rsyslog-pgsql/dbconfig-install boolean false | "${sudo[@]}" debconf-set-selections
fi
started_with_the_machine() { find /etc/systemd/system/*.wants -type l -printf '%f\n' 2>/dev/null | sort -u; }
before=$(started_with_the_machine)
log=$(mktemp)
apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q "$@" >>"$log" 2>&1; }
if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; }; then
    tail -n 20 "$log" >&2
    echo "install: apt-get failed; its output is in $log" >&2
    exit 1
fi
# Of the peers nothing starts with the machine either; what was here before is left as it was.
for service in $(comm -13 <(echo "$before") <(started_with_the_machine)); do
    [[ " ${peers_services[*]} " != *" $service "* ]] || "${sudo[@]}" systemctl disable --quiet "$service" >>"$log" 2>&1
done
rm -f "$log"
