#!/bin/sh
# Checks of cargo-deny, for the library and for the fuzz targets: mk/deny.sh check...

set -u
cd "$(dirname "$0")/.."

VERSION=0.20.2
tool=$(command -v cargo-deny) || tool=target/tools/bin/cargo-deny
if [ ! -x "$tool" ] \
    && ! "${CARGO:-cargo}" install cargo-deny --version $VERSION --locked --root target/tools; then
    echo "needs cargo-deny $VERSION, which could not be installed" >&2
    echo "0 passed, 1 failed"
    exit 1
fi

passed=0
failed=0
for manifest in Cargo.toml fuzz/Cargo.toml; do
    for name in "$@"; do
        # An exception may be for a crate that only the other one has.
        if "$tool" --locked --manifest-path "$manifest" check \
            --allow license-exception-not-encountered "$name"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAILED  $name of $manifest"
        fi
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
