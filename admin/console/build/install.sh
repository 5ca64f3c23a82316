#!/usr/bin/env bash
# The console's packages as the lock file has them, and Node for the build: install.sh NPM SOURCES OUT.
set -euo pipefail
npm=$1 sources=$2 out=$3
mkdir -p "$out"
cp "$sources/package.json" "$sources/package-lock.json" "$out/"
install() { # command of npm...
    if ! (cd "$out" && "$@" ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1); then
        tail -n 15 "$out/npm.log" >&2
        echo "the console's packages could not be installed (npm ci, above; all of it in $out/npm.log)." >&2
        echo "Where no npm registry can be reached, configure with -DPENSTOCK_CONSOLE=OFF: the program is built without its console." >&2
        exit 1
    fi
}
install "$npm"
# The lock file brings a Node. Debian's own is too old for Vite, and under it npm leaves out packages that ask for a
# newer one: so npm runs once more, by the new one. What Debian's npm is made of lies in Debian's folders.
brought=("$out"/node_modules/node-linux-*/bin/node)
if (($(node -p 'parseInt(process.versions.node)') < 20)); then
    cp "${brought[0]}" "$out/node"
    NODE_PATH=/usr/share/nodejs:/usr/lib/nodejs install "$out/node" "$(readlink -f "$npm")"
fi
# Older npm does not link it either.
ln -sfn "../${brought[0]#"$out/node_modules/"}" "$out/node_modules/.bin/node"
for place in "$sources" "$sources/../../tests/browser"; do ln -sfn "$out/node_modules" "$place/node_modules"; done
touch "$out/installed"
