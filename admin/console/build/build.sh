#!/usr/bin/env bash
# Types from the API's document, Vite's build, and the blob that the program carries: build.sh SOURCES OUT OPENAPI.
set -euo pipefail
sources=$1 out=$2 openapi=$3
export PATH="$out/node_modules/.bin:$PATH" PENSTOCK_CONSOLE_OUT=$out
cd "$sources"
quietly() { "$@" >"$out/build.log" 2>&1 || { cat "$out/build.log" >&2; exit 1; }; }
quietly openapi-typescript "$openapi" --output "$out/api.d.ts.new"
cmp -s "$out/api.d.ts.new" "$out/api.d.ts" || mv "$out/api.d.ts.new" "$out/api.d.ts"
quietly tsc --noEmit
quietly vite build
node build/embed.mjs "$out/dist" "$out/console.bin" "$out/admin/http/console_files.inc"
