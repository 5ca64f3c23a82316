#!/usr/bin/env bash
# Installs the Debian packages that are missing: install.sh GROUP... with groups run, test, check, bench.
# As root, or with sudo. Starts no service: what the packages would start by themselves stays off.
set -euo pipefail

run=(build-essential cmake ninja-build ccache pkg-config ca-certificates flatbuffers-compiler libflatbuffers-dev
     libsimdjson-dev libconcurrentqueue-dev libtbb-dev liburing-dev libboost1.81-dev libboost-json1.81-dev liblmdb-dev
     libpq-dev libcurl4-openssl-dev libxxhash-dev libabsl-dev libsodium-dev libssl-dev libspdlog-dev libfmt-dev
     libcli11-dev libtomlplusplus-dev libre2-dev zlib1g-dev postgresql-15 curl procps util-linux tzdata)
# For the console's build. Who has npm from elsewhere keeps it: Debian's would conflict.
command -v npm >/dev/null || run+=(nodejs npm)
test=(libgtest-dev librapidcheck-dev prometheus netcat-openbsd git chromium
      python3-jsonschema python3-yaml)
check=(clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev llvm-19 lld-19)
bench=(libgtest-dev librapidcheck-dev valgrind python3)

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

# A policy that keeps apt from starting PostgreSQL's and Prometheus's default services.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null
    "${sudo[@]}" chmod 755 $policy
    trap '"${sudo[@]}" rm -f $policy' EXIT
fi
log=$(mktemp)
apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q "$@" >>"$log" 2>&1; }
if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; }; then
    tail -n 20 "$log" >&2
    echo "install: apt-get failed; its output is in $log" >&2
    exit 1
fi
rm -f "$log"
