#!/bin/sh
# Installs to a scratch folder and builds programs against what is there, as
# users do: with pkg-config, shared and static, and with CMake.

set -u
cd "$(dirname "$0")/.."

unset FERROZMQ_VERSION
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dest=$work/dest
lib=$dest/usr/local/lib
CC=${CC:-cc}

. tests/checks.sh

cat >"$work/program.c" <<'END'
#include <zmq.h>
#include <zmq_utils.h>
#include <stdio.h>
#include <string.h>

int main (void)
{
    int major = 0, minor = 0, patch = 0;
    char text[11];
    uint8_t data[8];
    zmq_version (&major, &minor, &patch);
    if (ZMQ_MAKE_VERSION (major, minor, patch) != ZMQ_VERSION)
        return 1;
    if (!zmq_z85_decode (data, "HelloWorld") || !zmq_z85_encode (text, data, 8))
        return 2;
    if (zmq_z85_decode (data, "") || zmq_errno () != EINVAL)
        return 3;
    printf ("%s from %d.%d.%d\n", text, major, minor, patch);
    return strcmp (text, "HelloWorld") != 0;
}
END
cat >"$work/expected" <<'END'
HelloWorld from 4.3.5
END

cat >"$work/version.c" <<'END'
#include <zmq.h>
#include <stdio.h>

int main (void)
{
    int major = 0, minor = 0, patch = 0;
    zmq_version (&major, &minor, &patch);
    return printf ("%d.%d.%d\n", major, minor, patch) < 0;
}
END

pkg_config() {
    PKG_CONFIG_LIBDIR=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest pkg-config "$@" libzmq
}

says_hello() { # program [library path]
    LD_LIBRARY_PATH=${2:-} "$1" >"$work/said" && diff "$work/expected" "$work/said"
}

# FERROZMQ_VERSION sets the answer if it is a version, and is ignored otherwise.
build_version() {
    # shellcheck disable=SC2046
    $CC -o "$work/version" "$work/version.c" $(pkg_config --cflags --libs)
}

answers() { # FERROZMQ_VERSION, the answer
    said=$(FERROZMQ_VERSION=$1 LD_LIBRARY_PATH=$lib "$work/version")
    echo "'$1' gives '$said'"
    [ "$said" = "$2" ]
}

ignores() { # FERROZMQ_VERSION...
    for version in "$@"; do
        answers "$version" 4.3.5 || return 1
    done
}

loads() { # program, library it is to load or nothing
    LD_LIBRARY_PATH=$lib ldd "$1" >"$work/loaded" 2>&1
    if [ -n "$2" ]; then
        grep -F "libzmq.so.5 => $2 " "$work/loaded" || { cat "$work/loaded"; return 1; }
    else
        ! grep libzmq "$work/loaded"
    fi
}

soname() {
    readelf -d "$1" | grep -F '(SONAME)' | grep -F '[libzmq.so.5]'
}

link_to() { # link, target
    [ -L "$1" ] && [ "$(readlink "$1")" = "$2" ]
}

build_shared() {
    # shellcheck disable=SC2046 # a list of flags
    $CC -std=c99 -Wall -Wextra -pedantic -Werror -o "$work/shared" "$work/program.c" \
        $(pkg_config --cflags --libs)
}

# Only libzmq static, as `ld` would otherwise prefer the shared library.
build_static() {
    flags=$(pkg_config --static --cflags --libs | sed 's/-lzmq/-l:libzmq.a/')
    # shellcheck disable=SC2086
    $CC -o "$work/static" "$work/program.c" $flags
}

# All static, the C library too.
build_all_static() {
    # shellcheck disable=SC2046
    $CC -static -o "$work/all-static" "$work/program.c" $(pkg_config --static --cflags --libs)
}

# Nothing but the place of the file says where the tree is.
builds_from() { # prefix, library folder
    flags=$(PKG_CONFIG_LIBDIR=$1/$2/pkgconfig pkg-config --cflags --libs libzmq)
    echo "$flags"
    # shellcheck disable=SC2086
    $CC -o "$work/moved-program" "$work/program.c" $flags
}

build_cmake() { # prefix
    rm -rf "$work/cmake"
    mkdir -p "$work/cmake"
    cat >"$work/cmake/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.10)
project(user C)
find_package(ZeroMQ 4.3.4 REQUIRED CONFIG)
if(NOT ZeroMQ_VERSION VERSION_EQUAL 4.3.5 OR NOT ZeroMQ_LIBRARY OR NOT ZeroMQ_STATIC_LIBRARY)
  message(FATAL_ERROR "variables are not set")
endif()
if(NOT ZeroMQ_INCLUDE_DIR STREQUAL "$1/include")
  message(FATAL_ERROR "\${ZeroMQ_INCLUDE_DIR} is not $1/include")
endif()
add_executable(with-shared $work/program.c)
target_link_libraries(with-shared libzmq)
add_executable(with-static $work/program.c)
target_link_libraries(with-static libzmq-static)
END
    cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$1" \
        && cmake --build "$work/cmake/build"
}

# Two sockets over tcp, with I/O threads, thread locals and what runs before main in it.
cat >"$work/traffic.c" <<'END'
#include <zmq.h>
#include <string.h>
#ifdef BESIDE
#ifdef __cplusplus
extern "C"
#endif
int beside (int);
#endif

int main (void)
{
    char endpoint[64], got[8] = "", public_key[41], secret_key[41];
    size_t size = sizeof endpoint;
    int wait = 10000;
    void *context = zmq_ctx_new ();
    void *pull = zmq_socket (context, ZMQ_PULL), *push = zmq_socket (context, ZMQ_PUSH);
    if (zmq_curve_keypair (public_key, secret_key)
        || zmq_setsockopt (pull, ZMQ_RCVTIMEO, &wait, sizeof wait)
        || zmq_bind (pull, "tcp://127.0.0.1:*")
        || zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &size)
        || zmq_connect (push, endpoint) || zmq_send (push, "hello", 5, 0) != 5
        || zmq_recv (pull, got, sizeof got, 0) != 5 || strcmp (got, "hello"))
        return 1;
    if (zmq_close (push) || zmq_close (pull) || zmq_ctx_term (context))
        return 2;
#ifdef BESIDE
    return beside (20) != 41;
#endif
    return 0;
}
END

# A Rust library with as much of the standard library in it: it panics, catches that,
# has thread locals and threads.
cat >"$work/beside.rs" <<'END'
use std::cell::Cell;
thread_local! { static LAST: Cell<i32> = const { Cell::new(0) } }

#[unsafe(no_mangle)]
pub extern "C" fn beside(value: i32) -> i32 {
    std::panic::set_hook(Box::new(|_| ()));
    LAST.set(value);
    let doubled = std::thread::spawn(move || format!("{}", value * 2).parse::<i32>());
    let caught = std::panic::catch_unwind(|| -> i32 { panic!("{value}") });
    doubled.join().unwrap().unwrap() + i32::from(caught.is_err() && LAST.get() == value)
}
END

# What bindings do: a crate has the library in it, and a program that crate.
cat >"$work/zmq_sys.rs" <<'END'
use std::ffi::{c_char, c_int, c_void};
#[link(name = "zmq", kind = "static")]
unsafe extern "C" {
    pub fn zmq_ctx_new() -> *mut c_void;
    pub fn zmq_ctx_term(context: *mut c_void) -> c_int;
    pub fn zmq_socket(context: *mut c_void, kind: c_int) -> *mut c_void;
    pub fn zmq_close(socket: *mut c_void) -> c_int;
    pub fn zmq_bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_send(socket: *mut c_void, data: *const c_void, size: usize, flags: c_int) -> c_int;
    pub fn zmq_recv(socket: *mut c_void, data: *mut c_void, size: usize, flags: c_int) -> c_int;
}
END
cat >"$work/traffic.rs" <<'END'
use zmq_sys::*;

fn main() {
    let caught = std::panic::catch_unwind(|| std::hint::black_box(1));
    let endpoint = c"ipc://traffic.sock".as_ptr();
    // SAFETY: live handles, and as many bytes as are said.
    unsafe {
        let context = zmq_ctx_new();
        let (pull, push) = (zmq_socket(context, 7), zmq_socket(context, 8));
        assert_eq!((zmq_bind(pull, endpoint), zmq_connect(push, endpoint)), (0, 0));
        let mut got = [0u8; 5];
        assert_eq!(zmq_send(push, b"hello".as_ptr().cast(), 5, 0), 5);
        assert_eq!(zmq_recv(pull, got.as_mut_ptr().cast(), 5, 0), 5);
        assert_eq!(&got, b"hello");
        assert_eq!((zmq_close(pull), zmq_close(push), zmq_ctx_term(context)), (0, 0, 0));
    }
    assert_eq!(caught.unwrap(), 1);
}
END

archive() {
    [ "$(ar t "$lib/libzmq.a" | wc -l)" = 1 ] && ! readelf -SW "$lib/libzmq.a" | grep -F .debug
}

globals() {
    nm -g --defined-only "$lib/libzmq.a" | awk 'NF == 3 { print $3 }' >"$work/globals"
    diff tests/data/exported.txt "$work/globals"
}

# The program is compiled and linked with the archive by a command, and run.
traffic() { # compiler, option...
    compiler=$1
    shift
    # shellcheck disable=SC2046
    $compiler "$@" -o "$work/traffic" $(pkg_config --cflags --static --libs | sed 's/-lzmq//') \
        && "$work/traffic"
}

in_c() {
    traffic "$CC" -O2 "$work/traffic.c" "$@" "$lib/libzmq.a" -lpthread -ldl -lm
}

in_cxx() {
    traffic "${CXX:-c++}" -x c++ -O2 "$work/traffic.c" -x none "$@" "$lib/libzmq.a" -lpthread -ldl -lm
}

build_beside() { # how panics go
    ${RUSTC:-rustc} --edition 2024 -O -C panic="$1" --crate-type staticlib -o "$work/libbeside.a" \
        "$work/beside.rs"
}

in_rust() { # option...
    ${RUSTC:-rustc} --edition 2024 -O --crate-type rlib -L "$lib" -o "$work/libzmq_sys.rlib" \
        "$work/zmq_sys.rs" \
        && ${RUSTC:-rustc} --edition 2024 -O "$@" --extern "zmq_sys=$work/libzmq_sys.rlib" \
            -o "$work/traffic-rust" "$work/traffic.rs" && (cd "$work" && ./traffic-rust)
}

refuses_newer() {
    mkdir -p "$work/newer"
    cat >"$work/newer/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.10)
project(user C)
find_package(ZeroMQ 9 REQUIRED CONFIG PATHS $dest/usr/local NO_DEFAULT_PATH)
END
    ! cmake -S "$work/newer" -B "$work/newer/build"
}

check "make install" make --no-print-directory install DESTDIR="$dest" PREFIX=/usr/local
[ "$failed" -eq 0 ] || finish

for file in include/zmq.h include/zmq_utils.h lib/libzmq.so.5.2.5 lib/libzmq.a; do
    check "$file is there" test -s "$dest/usr/local/$file"
done
check "libzmq.so.5 is a link" link_to "$lib/libzmq.so.5" libzmq.so.5.2.5
check "libzmq.so is a link" link_to "$lib/libzmq.so" libzmq.so.5.2.5
check "the library is called libzmq.so.5" soname "$lib/libzmq.so.5.2.5"

check "pkg-config knows the version" test "$(pkg_config --modversion)" = 4.3.5
check "a program builds with pkg-config" build_shared
check "it loads our library" loads "$work/shared" "$lib/libzmq.so.5"
check "it runs" says_hello "$work/shared" "$lib"
check "a program asks for the version" build_version
check "the answer is the one in FERROZMQ_VERSION" answers 4.3.2 4.3.2
check "of two digits too" answers 4.3.10 4.3.10
check "what is no version is ignored" ignores "" 4 4.3 4.3. 4.3.x 4.3.4.1 v4.3.4 " 4.3.4" 4.3.-1 \
    4.3.+1 4.3.99999999999
check "a program builds with libzmq.a" build_static
check "it loads no libzmq" loads "$work/static" ""
check "it runs" says_hello "$work/static"
check "a program builds with -static" build_all_static
check "it runs" says_hello "$work/all-static"

check "libzmq.a is one object without debugging information" archive
check "only the functions are global in it" globals
check "it is linked into C" in_c
check "with what is not needed left out" in_c -ffunction-sections -Wl,--gc-sections
check "all static, too" in_c -static -Wl,--gc-sections
check "into C with link-time optimisation" in_c -flto
check "into C++ with link-time optimisation" in_cxx -flto
check "into a position-dependent program" in_c -no-pie
check "into another shared library's place" in_c -Wl,--whole-archive "$lib/libzmq.a" -Wl,--no-whole-archive
check "into Rust" in_rust
check "into Rust with link-time optimisation" in_rust -C lto=fat
check "into Rust that aborts on panics" in_rust -C lto=fat -C panic=abort
check "another Rust library" build_beside unwind
check "beside it" in_c -DBESIDE "$work/libbeside.a"
check "behind it" in_c -DBESIDE "$lib/libzmq.a" "$work/libbeside.a" -Wl,--gc-sections
check "beside it in C++ with link-time optimisation" in_cxx -DBESIDE -flto "$work/libbeside.a"

check "programs build with CMake" build_cmake "$dest/usr/local"
check "the shared one loads our library" loads "$work/cmake/build/with-shared" "$lib/libzmq.so.5"
check "it runs" says_hello "$work/cmake/build/with-shared"
check "the static one loads no libzmq" loads "$work/cmake/build/with-static" ""
check "it runs" says_hello "$work/cmake/build/with-static"
check "CMake refuses a newer version" refuses_newer

check "the tree can be moved" mv "$dest/usr/local" "$work/moved"
check "programs build with CMake after that" build_cmake "$work/moved"
check "they run" says_hello "$work/cmake/build/with-shared"
check "and with pkg-config" builds_from "$work/moved" lib
check "they run" says_hello "$work/moved-program" "$work/moved/lib"

check "a deeper LIBDIR" make --no-print-directory install \
    DESTDIR= PREFIX="$work/deep" LIBDIR=lib/x86_64-linux-gnu
check "programs build with CMake there" build_cmake "$work/deep"
check "they run" says_hello "$work/cmake/build/with-shared"

check "and with pkg-config" builds_from "$work/deep" lib/x86_64-linux-gnu
check "they run" says_hello "$work/moved-program" "$work/deep/lib/x86_64-linux-gnu"

finish
