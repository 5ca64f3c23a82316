#!/bin/bash
# Checks that need no running appliance: check.sh [--all] [STEP...]
#   format    clang-format over every tracked file
#   tidy      clang-tidy over the files that differ from the main branch; --all: over all of them
#   includes  who may include whom, and the README's map
#   asan      unit tests with AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan      the unit tests that have threads, and the system tests (the whole program), with ThreadSanitizer
# Without STEP all of them, in this order. Ends with one line that sums up; exit code 1 when a step failed.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=${JOBS:-2}
all=false
steps=()
for argument in "$@"; do
    case $argument in
        --all) all=true ;;
        format | tidy | includes | asan | tsan) steps+=("$argument") ;;
        *) sed -n '2,8s/^# \?//p' "$0" >&2; exit 2 ;;
    esac
done
[ ${#steps[@]} -gt 0 ] || steps=(format tidy includes asan tsan)

# Tests with threads of their own, or with several threads on one thing.
threaded='*Ring*:*Mailbox*:*Parker*:*NetLoop*:Http*:*Client*:*Log*:*Histogram*:*Ingest*:Notifier*'

sources() { git ls-files -- '*.h' '*.cpp'; }

format() { sources | xargs clang-format-19 --dry-run --Werror; }

tidy() {
    cmake --preset asan >/dev/null || return 1
    cmake --build build/asan --target penstock_schemas_generated >/dev/null || return 1
    local base files
    base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-list --max-parents=0 HEAD | tail -1)
    if $all; then
        files=$(git ls-files -- '*.cpp')
    else
        files=$( { git diff --name-only --diff-filter=d "$base" -- '*.cpp'; git ls-files --others --exclude-standard -- '*.cpp'; } | sort -u)
    fi
    [ -n "$files" ] || { echo "no file differs"; return 0; }
    echo "$(wc -l <<<"$files") files"
    xargs -P "$jobs" -n 4 clang-tidy-19 -p build/asan --quiet <<<"$files" 2> >(grep -v 'warnings generated\|Suppressed\|Use -header-filter' >&2)
}

build() {  # PRESET TARGET...: quiet, but for what failed
    local preset=$1 log
    shift
    log=$(mktemp)
    if cmake --preset "$preset" >"$log" 2>&1 && cmake --build "build/$preset" --target "$@" -j "$jobs" >"$log" 2>&1; then
        tail -1 "$log"
        rm -f "$log"
        return 0
    fi
    grep -v '^\[[0-9]*/[0-9]*\] \(Building\|Linking\)' "$log" | head -50 >&2
    rm -f "$log"
    return 1
}

unit_tests() {  # PRESET FILTER
    build "$1" unit_tests && "build/$1/tests/unit_tests" --gtest_brief=1 --gtest_filter="$2"
}

includes() {
    local program=build/release/tests/unit_tests
    for preset in asan release; do [ -x build/$preset/tests/unit_tests ] && program=build/$preset/tests/unit_tests && break; done
    if [ ! -x "$program" ]; then
        program=build/asan/tests/unit_tests
        build asan unit_tests || return 1
    fi
    "$program" --gtest_brief=1 --gtest_filter='Architecture.*'
}

asan() {
    ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 LSAN_OPTIONS=suppressions=deploy/sanitizers/lsan.supp:print_suppressions=0 \
        UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 unit_tests asan '*'
}

tsan() {
    export TSAN_OPTIONS="suppressions=$PWD/deploy/sanitizers/tsan.supp:halt_on_error=1:second_deadlock_stack=1"
    unit_tests tsan "$threaded" && build tsan penstock system_tests && build/tsan/tests/system_tests --gtest_brief=1
}

failed=()
for step in "${steps[@]}"; do
    echo "== $step"
    started=$SECONDS
    if "$step"; then echo "-- $step passed in $((SECONDS - started)) s"; else echo "-- $step FAILED"; failed+=("$step"); fi
done
if [ ${#failed[@]} -gt 0 ]; then echo "check: FAILED: ${failed[*]}"; exit 1; fi
echo "check: all passed: ${steps[*]}"
