#!/bin/sh
# What the library builds with beside the compiler that is in use here:
#
# tests/cross.sh oldest   Debian's compiler of the version that Cargo.toml has as rust-version
# tests/cross.sh others   that compiler for Linux on aarch64, and with musl as the C library;
#                         Debian has no standard library for these, so it is built here, of
#                         its sources
#
# A program in C is linked with what was built, and runs; that for aarch64 under qemu.

set -u
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
COMPILER=/usr/bin/rustc
ARM=aarch64-unknown-linux-gnu
MUSL=x86_64-unknown-linux-musl

. tests/checks.sh

is_oldest() {
    "$COMPILER" --version && /usr/bin/cargo --version && [ -n "$version" ] \
        && "$COMPILER" --version | grep -F "rustc $version."
}

# Debian's cargo with Debian's compiler, whatever others there are.
oldest() { # target directory, argument...
    dir=$1
    shift
    env -u RUSTFLAGS -u CARGO_BUILD_RUSTFLAGS -u CARGO_BUILD_TARGET PATH=/usr/bin:/bin \
        RUSTC="$COMPILER" CARGO_TARGET_DIR="$dir" CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 \
        /usr/bin/cargo "$@"
}

exports_all() { # nm, library
    "$1" -D --defined-only "$2" | awk '$2 == "T" { print $3 }' | LC_ALL=C sort >"$work/exported"
    diff tests/data/exported.txt "$work/exported"
}

is_for() { # machine, library
    readelf -h "$2" | grep -E "Machine: +$1\$" && readelf -d "$2" | grep -F '[libzmq.so.5]'
}

is_static() { # program
    ! readelf -lW "$1" | grep -E 'INTERP|DYNAMIC'
}

builds_program() { # compiler, argument...
    rm -f "$work/program"
    "$@" -Wall -Wextra -Werror -Iinclude -o "$work/program"
}

says_hello() { # command...
    timeout 60 "$@" >"$work/said" || {
        echo "$* ended with $?"
        return 1
    }
    cat "$work/said"
    [ "$(cat "$work/said")" = "two messages by 4.3.5" ]
}

# The name by which programs look for a shared library, beside it.
soname() { # directory
    ln -sf libzmq.so "$1/libzmq.so.5"
}

check "Debian's compiler is $version, the oldest that Cargo.toml allows" is_oldest
[ "$failed" -eq 0 ] || finish

case ${1:-} in
oldest)
    lib=target/msrv/debug
    check "it takes the library, with libsodium" \
        oldest target/msrv check --locked --lib --features libsodium
    check "it builds the library" oldest target/msrv build --locked --lib
    [ "$failed" -eq 0 ] || finish
    check "which has all functions" exports_all nm "$lib/libzmq.so"
    soname "$lib"
    check "a program is linked with it" builds_program cc tests/cross.c -L"$lib" -lzmq
    check "it runs" says_hello env LD_LIBRARY_PATH="$lib" "$work/program"
    ;;
others)
    arm=target/cross/$ARM/debug
    musl=target/cross/$MUSL/debug
    # No cargo but the nightly one builds the standard library, unless it is told to.
    export RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=musl-gcc
    # Of both at once, the compilations fill two processors.
    check "the library is built for $ARM and $MUSL" oldest target/cross build --locked --lib \
        --keep-going -Z build-std=std,panic_unwind -Z build-std-features=panic-unwind \
        --target $ARM --target $MUSL
    [ "$failed" -eq 0 ] || finish
    check "libzmq.so is one for aarch64" is_for AArch64 "$arm/libzmq.so"
    check "it has all functions" exports_all aarch64-linux-gnu-nm "$arm/libzmq.so"
    check "a program for aarch64 is linked with it" \
        builds_program aarch64-linux-gnu-gcc tests/cross.c -L"$arm" -lzmq
    soname "$arm"
    check "it runs" says_hello qemu-aarch64 -L /usr/aarch64-linux-gnu \
        -E LD_LIBRARY_PATH="$arm" "$work/program"
    check "a static program is linked with libzmq.a and musl" \
        builds_program musl-gcc -static tests/cross.c "$musl/libzmq.a"
    check "it loads nothing" is_static "$work/program"
    check "it runs" says_hello "$work/program"
    ;;
*)
    echo "usage: tests/cross.sh oldest|others" >&2
    failed=$((failed + 1))
    ;;
esac

finish
