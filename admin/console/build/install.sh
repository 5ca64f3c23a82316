#!/usr/bin/env bash
# The console's packages as the lock file has them, and Node for the build: install.sh NPM SOURCES OUT.
set -euo pipefail
npm=$1 sources=$2 out=$3
mkdir -p "$out"
cp "$sources/package.json" "$sources/package-lock.json" "$out/"
if ! (cd "$out" && "$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1); then
    tail -n 15 "$out/npm.log" >&2
    echo "the console's packages could not be installed (npm ci, above; all of it in $out/npm.log)." >&2
    echo "Where no npm registry can be reached, configure with -DPENSTOCK_CONSOLE=OFF: the program is built without its console." >&2
    exit 1
fi
# Debian's own Node is too old for Vite, and its npm leaves out the link to the one that the lock file brings.
for node in "$out"/node_modules/node-linux-*/bin/node; do ln -sfn "../${node#"$out/node_modules/"}" "$out/node_modules/.bin/node"; done
for place in "$sources" "$sources/../../tests/browser"; do ln -sfn "$out/node_modules" "$place/node_modules"; done
touch "$out/installed"
