#!/bin/sh
# Makes the libzmq.a that is installed of what cargo has built: mk/static.sh folder to
#
# One object, with what is behind the functions of the shared library there, in which
# nothing else is global. So it stands beside other libraries that have Rust's standard
# library in them, and is no matter for a Rust program's link-time optimisation, which
# wants bitcode in each object that is called like one of the compiler's. LD, OBJCOPY, AR,
# NM and READELF name other tools.

set -eu

built=$1
to=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$(dirname "$to")"

"${NM:-nm}" -D --defined-only --format=posix "$built/libzmq.so" | cut -d ' ' -f 1 >"$work/names"
[ -s "$work/names" ]
# Section groups would be merged by name with those of other libraries, whose symbols are
# not the local ones of this object.
# shellcheck disable=SC2046 # a list of options
"${LD:-ld}" -r --gc-sections --force-group-allocation $(sed 's/^/-u /' "$work/names") \
    -o "$work/all.o" "$built/libzmq.a"
# Names that only what was left out refers to are still there, as local ones, and would
# come back as undefined references.
"${READELF:-readelf}" -sW "$work/all.o" \
    | awk '$5 == "LOCAL" && $7 == "UND" && NF > 7 { print $8 }' >"$work/stale"
"${OBJCOPY:-objcopy}" --strip-debug --remove-section=.llvmbc --remove-section=.llvmcmd \
    --keep-global-symbols="$work/names" --strip-symbols="$work/stale" "$work/all.o" "$work/libzmq.o"
(cd "$work" && "${AR:-ar}" rcD libzmq.a libzmq.o)
mv "$work/libzmq.a" "$to"
