#!/usr/bin/env bash
# Vitest over Chromium and a real appliance: run.sh CONSOLE_OUT PROGRAM [file...]. 77, which ctest shows as skipped,
# where Chromium is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1 program=$2
shift 2
chromium=${CHROMIUM:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "skipped: there is no $chromium (deploy/install.sh test)"; exit 77; }
export PATH="$out/node_modules/.bin:$PATH" PENSTOCK_PROGRAM=$program CHROMIUM=$chromium PENSTOCK_CONSOLE_OUT=$out NO_COLOR=1
cd "$here"
exec vitest run "$@"
