#!/bin/sh
# The tests under a sanitizer of the compiler: run.sh address|thread test...
#
# The named tests of this folder's parent and every program of capi-tests/, on a
# library that is built the same way. The compiler offers its sanitizers only to
# those who ask with RUSTC_BOOTSTRAP.

set -eu
cd "$(dirname "$0")/../.."
kind=$1
shift
here=tests/sanitize
build=build/sanitize-$kind
host=$(rustc -vV | sed -n 's/^host: //p')
libraries=$(rustc --print sysroot)/lib/rustlib/$host/lib
log=target/sanitize-$kind.log
CARGO=${CARGO:-cargo}
export RUSTC_BOOTSTRAP=1

mkdir -p "$build/lib" target
rm -f "$build/lib"/* "$log"
case $kind in
address)
    flags="-Zsanitizer=address"
    export SANITIZE_RUNTIME="$libraries/librustc-stable_rt.asan.a"
    ;;
thread)
    flags="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg tsan"
    flags="$flags -Clink-arg=$PWD/$build/tsan.o -Clink-arg=-Wl,--wrap=__tsan_atomic64_fetch_sub"
    export TSAN_OPTIONS="suppressions=$PWD/$here/tsan.supp"
    export SANITIZE_RUNTIME="$libraries/librustc-stable_rt.tsan.a"
    cc -O2 -Wall -Wextra -c $here/tsan.c -o "$build/tsan.o"
    ;;
esac

# The library, optimised a little for the time it takes, as all that it is made of.
RUSTFLAGS=$flags $CARGO build --target "$host" --target-dir "target/$kind" --lib \
    --config profile.dev.package.ferrozmq.opt-level=1 --config profile.dev.debug=1
made=target/$kind/$host/debug
cp "$made/libzmq.so" "$build/lib/libzmq.so.5"
ln -s libzmq.so.5 "$build/lib/libzmq.so"

# They need nothing but the library and libc, so cargo and the dev-dependencies are
# not asked. Macros of what the library needs are the host's.
for name in "$@"; do
    source=tests/$name.rs
    [ -f "$source" ] || source=tests/$name/main.rs
    # shellcheck disable=SC2086 # a list of flags
    rustc $flags --edition 2024 --test -Cdebuginfo=1 -Copt-level=1 --crate-name "$name" "$source" \
        --target "$host" --extern "zmq=$made/libzmq.rlib" --extern "libc=$(ls "$made"/deps/liblibc-*.rlib)" \
        --extern "socket2=$(ls "$made"/deps/libsocket2-*.rlib)" \
        -L "dependency=$made/deps" -L "dependency=target/$kind/debug/deps" \
        -o "$build/$name"
    # With a report it ends with an error, though its tests may have passed.
    { "$build/$name" 2>&1 || echo "test result: FAILED. 0 passed; 1 failed: $name"; } | tee -a "$log"
done
rust=$(sh mk/sums.sh "$log") || true

export SANITIZE="$kind" SANITIZE_LIB="$PWD/$build/lib" CAPI_TESTS_SLOW=1
# shellcheck disable=SC2086 # a list of names
CC=$PWD/$here/cc.sh python3 capi-tests/run.py --alone --timeout 120 --lib "$build/lib" \
    --build "$build/capi-tests" ${CAPI_TESTS:-} 2>&1 | tee "$log"

{
    echo "$rust"
    tail -n 1 "$log"
} | awk '{ p += $1; f += $3 } END { print p + 0 " passed, " f + 0 " failed"; exit f > 0 || NR < 2 }'
