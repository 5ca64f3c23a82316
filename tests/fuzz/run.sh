#!/usr/bin/env bash
# Builds the fuzzers and runs each for a while: run.sh BUILD_DIR SECONDS JOBS. What is found is kept in
# BUILD_DIR/found; inputs that reach new code stay in BUILD_DIR/corpus. Exit code 1 when a promise was broken.
set -euo pipefail
build=$1 seconds=$2 jobs=$3
here=$(cd "$(dirname "$0")" && pwd)
targets=()
for folder in "$here"/corpus/*/; do targets+=("$(basename "$folder")"); done
cmake --build "$build" -j "$jobs" --target "${targets[@]/#/fuzz_}"
mkdir -p "$build/found"
failed=()
n=0
for target in "${targets[@]}"; do
    n=$((n + 1))
    echo "fuzz: $target ($n of ${#targets[@]}), $seconds s"
    mkdir -p "$build/corpus/$target"
    log="$build/found/$target.log"
    if "$build/tests/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=20000 \
        -artifact_prefix="$build/found/$target-" "$build/corpus/$target" "$here/corpus/$target" >"$log" 2>&1; then
        grep -aE '^(Done|#[0-9]+\s+DONE)' "$log" | tail -n 2
    else
        failed+=("$target")
        grep -aE 'broken promise|ERROR:|SUMMARY:|Test unit written' "$log" || tail -n 20 "$log"
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzz: broken: ${failed[*]}; the inputs are in $build/found"
    exit 1
fi
echo "fuzz: ${#targets[@]} targets, nothing found"
