#!/bin/sh
# Runs all checks, goes on after one that fails, and ends with the sums:
# mk/test.sh [--only] [make target]... --only runs the targets and nothing else.

set -u
cd "$(dirname "$0")/.."

CARGO=${CARGO:-cargo}
MAKE=${MAKE:-make}
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log" "$log.status" "$log.wrong"' EXIT

# Runs a command, with its output on the screen and in $log; its status is
# that of this function.
run() {
    echo "==> $*"
    { "$@" 2>&1; echo $? >"$log.status"; } | tee "$log"
    return "$(cat "$log.status")"
}

# Adds to the sums. A command that failed without saying how often counts once.
# What a failed one said of it is shown again at the end.
count() { # name status passed failed
    passed=$((passed + $3))
    failed=$((failed + $4))
    if [ "$2" -ne 0 ] && [ "$4" -eq 0 ]; then
        failed=$((failed + 1))
    fi
    if [ "$2" -ne 0 ]; then
        { echo "==> failed: $1"; grep -E 'FAIL|failed|panicked|exit [1-9]' "$log" | grep -v ' 0 failed' | tail -n 30; } >>"$log.wrong"
    fi
}

# A check that is one test.
single() {
    if run "$@"; then count "$*" 0 1 0; else count "$*" 1 0 1; fi
}

# The sums in the result lines of cargo test.
cargo_test() {
    run "$CARGO" test --features testing --no-fail-fast
    status=$?
    sums=$(awk '/^test result:/ { p += $4; f += $6 } END { print p + 0, f + 0 }' "$log")
    # shellcheck disable=SC2086 # two numbers
    count "cargo test" "$status" $sums
}

# The sums in the last line of the form `N passed, N failed`.
target() {
    run "$MAKE" --no-print-directory "$1"
    status=$?
    sums=$(awk '/^[0-9]+ passed, [0-9]+ failed$/ { p = $1; f = $3 } END { print p + 0, f + 0 }' "$log")
    if [ "$status" -eq 0 ] && [ "$sums" = "0 0" ]; then
        echo "$1 did not say what passed"
        status=1
    fi
    # shellcheck disable=SC2086
    count "$1" "$status" $sums
}

if ! run sh mk/deps.sh; then
    echo "0 passed, 1 failed"
    exit 1
fi
if [ "${1:-}" = --only ]; then
    shift
else
    single "$CARGO" fmt --check
    # Without the feature `testing` what is not used is a warning.
    single "$CARGO" clippy --lib --quiet -- -D warnings
    single "$CARGO" clippy --all-targets --features testing --quiet -- -D warnings
    single "$MAKE" --no-print-directory docs
    single "$MAKE" --no-print-directory stage
    cargo_test
fi
for name in "$@"; do
    target "$name"
done

echo
[ ! -e "$log.wrong" ] || cat "$log.wrong"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
